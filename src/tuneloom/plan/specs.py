"""The key of every stage: its config section, its declared inputs, its code and its parents' keys."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.artifacts import Artifact, Reference, Spec, code_digest
from tuneloom.config import Config
from tuneloom.errors import ConfigError
from tuneloom.evaluate.missing import asked_digest
from tuneloom.models.base_chat import VERSION, planned_addition
from tuneloom.plan.files import READ_BY, licenses_key
from tuneloom.plan.inputs import Inputs
from tuneloom.records import canonical, digest
from tuneloom.review.decisions import decisions_key
from tuneloom.runs import FrozenChampion

STAGES = (
    "ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render",
    "train", "evaluate", "release", "report",
)  # fmt: skip
DATA_STAGES = STAGES[: STAGES.index("train")]
CONTINUED = "continued_train"
"""Train's input that names the train artifact of the adapter it went on with."""


def check_until(until: str) -> str:
    """Raises ConfigError unless `until` names a stage."""
    if until not in STAGES:
        raise ConfigError(f"no stage {until!r}", where="--until", remedy=f"Stages: {', '.join(STAGES)}.")
    return until


def specs_to_train(config: Config, inputs: Inputs, released: str | None) -> Iterator[tuple[str, Spec]]:
    """The stages up to and with train, whose keys the config, the inputs and the index of released rows (its key)
    decide."""
    files, model = inputs.files, inputs.model
    listed = sorted(([f.file.source, f.file.relative, f.spec.inputs["digest"], f.spec.key] for f in files), key=str)
    sources = {source.name: source.model_dump(mode="json", include=READ_BY) for source in config.sources}
    section: dict[str, Any] = {"sources": sources}  # this and the licences are in the files' keys; here they say why
    if any(source.use == "train" for source in config.sources):
        section["licenses"] = licenses_key(config)
    given = {"files": listed, **_named("takedowns", _takedowns(inputs))}  # which of them concern a file, reading tells
    spec = Spec("ingest", code_digest("tuneloom.ingest"), config=section, inputs=given)
    yield "ingest", spec
    declared: dict[str, tuple[bool, dict[str, Any]]] = {
        "dedup": (False, {"priorities": {source.name: source.priority for source in config.sources}}),
        "split": (True, {}),
        "decontaminate": (False, _named("suites", _suite_rows(inputs) if config.decontaminate else None)),
        "quality": (False, _named("transforms", dict(inputs.transforms))),
        "review": (True, {"decisions": decisions_key(inputs.decisions), "pii": config.quality.pii}),
        "mixture": (True, _mixture_inputs(config, inputs)),
        "render": (True, _render_inputs(inputs)),
        "train": (True, {"model": model.digest, **_train_inputs(inputs)}),
    }
    for stage, (seeded, given) in declared.items():
        section, seed = _settings(config, stage), config.seed if seeded else 0
        consulted = (Reference("released", released),) if released and stage in ("dedup", "split") else ()
        spec = Spec(stage, code_digest(f"tuneloom.{stage}"), seed, section, given, (spec.reference,), consulted)
        yield stage, spec


def identity(config: Config, inputs: Inputs) -> str:
    """What makes a run the run it is: its config, what it reads, by digest, and the code."""
    code = {stage: code_digest(f"tuneloom.{stage}") for stage in STAGES}
    sources = sorted(str(f.spec.reference) for f in inputs.files)
    tree = config.model_dump(mode="json", exclude={"store", "run"})
    read = [dict(inputs.transforms), inputs.prompts, decisions_key(inputs.decisions), _suites(inputs)]
    read.append(_continued(inputs))
    taken = _takedowns(inputs)
    return digest(canonical([tree, sources, inputs.model.digest, code, inputs.limit, read, taken]))


def _takedowns(inputs: Inputs) -> str | None:
    """Digest of the list's entries, in an order that decides nothing."""
    return digest(canonical(sorted(inputs.takedowns))) if inputs.takedowns else None


def _mixture_inputs(config: Config, inputs: Inputs) -> dict[str, Any]:
    """Where tokens are counted, what counts them: the task hands the counter over, so that no import names its code."""
    if not config.mixture.tokens:
        return {}
    return {"tokenizer": inputs.model.digest, "counter": code_digest("tuneloom.render.tokenizer")}


def _render_inputs(inputs: Inputs) -> dict[str, Any]:
    """What decides the tokens besides the rows and the section."""
    chat = VERSION if planned_addition(inputs.model) else None
    return {"tokenizer": inputs.model.digest, **_named("chat", chat), **_named("prompts", inputs.prompts)}


def judged_specs(
    config: Config, inputs: Inputs, champion: FrozenChampion | None, specs: Mapping[str, Spec]
) -> Iterator[tuple[str, Spec]]:
    """Evaluate and release, which depend on the champion besides `specs` up to train."""
    model = inputs.model
    judged = Spec(
        "evaluate",
        code_digest("tuneloom.evaluate"),
        config.seed,
        {"evaluate": _section(config.evaluate), "gate": _section(config.release.gate)},
        {
            "model": model.digest,
            "champion": champion.train_key if champion else None,
            **_named("suites", _suites(inputs)),
        },
        tuple(specs[stage].reference for stage in ("mixture", "render", "train")),
    )
    yield "evaluate", judged
    yield (
        "release",
        Spec(
            "release",
            code_digest("tuneloom.release"),
            config=_section(config.release),
            inputs={"model": model.digest},
            parents=(specs["train"].reference, judged.reference),
        ),
    )


def report_spec(config: Config, released: Artifact, specs: Mapping[str, Spec]) -> Spec:
    """The report's, once there is a release: one made again may have another version to tell of."""
    release = next(file.digest for file in released.manifest.files if file.path == "release.json")
    parents = tuple(specs[stage].reference for stage in STAGES[:-1])
    inputs = {"title": config.name, "release": release}
    return Spec("report", code_digest("tuneloom.report"), inputs=inputs, parents=parents)


def _suites(inputs: Inputs) -> dict[str, str]:
    """Digests of the suites by name: what of them decides scores here."""
    return {suite.name: asked_digest(suite) for suite in inputs.suites}


def _suite_rows(inputs: Inputs) -> list[str]:
    """A digest for each suite with rows: what training rows are compared with, so that no metric makes them anew."""
    return [
        digest(canonical([suite.name, [[row.id, row.content] for row in suite.rows]]))
        for suite in inputs.suites
        if suite.rows
    ]


def _train_inputs(inputs: Inputs) -> dict[str, Any]:
    """The adapter to go on with, and what made it, so that a takedown of its rows finds what came of it."""
    before = inputs.continued.train if inputs.continued else None
    return {**_named("continues", _continued(inputs)), **_named(CONTINUED, before)}


def _continued(inputs: Inputs) -> str | None:
    return inputs.continued.digest if inputs.continued else None


def _named(name: str, value: Any) -> dict[str, Any]:
    """An input by its name; none where there is nothing, so that what came later left old keys alone."""
    return {name: value} if value else {}


def _settings(config: Config, stage: str) -> dict[str, Any]:
    """A stage's section; not where review's decisions and the adapter to continue lie, for what they hold is an
    input, nor what MLflow gets."""
    section = _section(getattr(config, stage))
    places = {("review", "decisions"), ("train", "continue_from"), ("train", "log_checkpoints")}
    return {name: value for name, value in section.items() if (stage, name) not in places}


def _section(section: Any) -> dict[str, Any]:
    """Its values; none where it is turned off."""
    return section.model_dump(mode="json") if section is not None else {}
