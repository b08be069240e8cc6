"""Evaluation on rows that never trained, against the base and this run's champion."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, Progress, log, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.release.load import registered_files
from tuneloom.release.registry import champion as registered_champion
from tuneloom.runs import FrozenChampion

if TYPE_CHECKING:
    from tuneloom.evaluate.stage import Background
    from tuneloom.evaluate.subjects import Champion


@task(name="evaluate", **STAGE)
def evaluate(run: Run, tuned: Reference) -> State | Reference:
    """Scores the model and says whether it may be promoted."""
    champion = run.freeze_champion(lambda: registered_champion(run.plan.home, run.plan.config.release.model_name))

    def build(writer: Writer) -> None:
        from tuneloom.evaluate.stage import evaluate as score

        plan = run.plan
        score(
            writer,
            run.artifact("mixture"),
            run.artifact("render"),
            run.artifact("train"),
            plan.model,
            _weights_of(run, champion) if champion else None,
            plan.config.evaluate,
            plan.config.release.gate,
            plan.config.seed,
            Progress(run, "evaluate"),
            plan.suites,
            _background(run, champion),
        )

    return run_stage(run, "evaluate", build)


def _background(run: Run, champion: FrozenChampion | None) -> "Background":
    """What the gate may know beside the candidate; the plan is told in the log before any model is asked."""
    from tuneloom.evaluate.data_facts import lineage_of
    from tuneloom.evaluate.stage import Background

    store = run.plan.store
    trained = store.find(Reference("train", champion.train_key)) if champion else None
    judged = [m.reference for m in store.manifests() if m.reference.stage == "evaluate" and m.takedown is None]
    lineage, breach = lineage_of(store, run.artifact("train"))
    champion_lineage, champion_breach = lineage_of(store, trained) if trained else ([], None)
    return Background(
        lineage,
        breach,
        None if champion_breach else champion_lineage or None,
        [found for reference in judged if (found := store.find(reference))],
        log,
    )


def _weights_of(run: Run, champion: FrozenChampion) -> "Champion":
    """Where the champion's weights lie: in the store that trained it, else in the registry."""
    from tuneloom.evaluate.subjects import Champion, trained_folder

    trained = run.plan.store.find(Reference("train", champion.train_key))
    if trained:
        base = trained.manifest.spec["inputs"]["model"]
        return Champion(champion.name, champion.version, trained_folder(trained), base)
    folder, card = registered_files(champion.model_uri, run.plan.home)
    return Champion(champion.name, champion.version, folder, card.base_digest)
