"""The plan of a run: every stage's key, known before anything runs, and what of it is in the store already."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tuneloom.artifacts import Artifact, Reference, Spec, Store
from tuneloom.config import Config
from tuneloom.errors import MissingFile
from tuneloom.ingest.takedowns import standing_specs
from tuneloom.models.resolve import ModelSource
from tuneloom.plan.files import PlannedFile
from tuneloom.plan.inputs import Inputs, read_inputs
from tuneloom.plan.specs import STAGES, identity, judged_specs, report_spec, specs_to_train
from tuneloom.plugin_files import plugins_of
from tuneloom.release.presence import why_made_again
from tuneloom.released import standing_index
from tuneloom.review.decisions import Decision
from tuneloom.runs import RunRecord, read_run
from tuneloom.suites import Suite


@dataclass(frozen=True)
class Plan:
    """All that a run is a function of. `folder` holds the config file, `home` is its `.tuneloom`."""

    config: Config
    folder: Path
    home: Path
    store: Store
    inputs: Inputs
    specs: Mapping[str, Spec]
    record: RunRecord

    @property
    def model(self) -> ModelSource:
        """The base model."""
        return self.inputs.model

    @property
    def files(self) -> tuple[PlannedFile, ...]:
        """The sources' files."""
        return self.inputs.files

    @property
    def takedowns(self) -> frozenset[str]:
        """Ids of rows that may not be used."""
        return self.inputs.takedowns

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What people decided."""
        return self.inputs.decisions

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The evaluation suites."""
        return self.inputs.suites

    @property
    def limit(self) -> int | None:
        """Rows that are read of a file."""
        return self.inputs.limit

    @property
    def plugins(self) -> tuple[Path, ...]:
        """The files of the config's plugins that are formats."""
        return tuple(self.folder / name for name in plugins_of("format", self.config.plugins, self.folder))

    @property
    def transforms(self) -> tuple[Path, ...]:
        """The files of the config's row transforms."""
        return tuple(self.folder / name for name in self.config.quality.transforms)

    def ingested(self) -> Iterator[tuple[PlannedFile, Artifact | None]]:
        """Each source file with what the store has of it without the rows that were taken down, or None."""
        specs = standing_specs(self.store, [planned.spec for planned in self.files], self.takedowns)
        for planned, spec in zip(self.files, specs, strict=True):
            yield planned, self.store.find(spec.reference)

    def stages(self, until: str = STAGES[-1]) -> tuple[str, ...]:
        """The stages up to and with `until`, in order."""
        return STAGES[: STAGES.index(until) + 1]

    def found(self, until: str = STAGES[-1]) -> Iterator[tuple[str, Artifact | None]]:
        """Each stage with its artifact in the store, or None."""
        for stage in self.stages(until):
            yield stage, self.store.find(self.specs[stage].reference) if stage in self.specs else None

    def reusable(self, until: str = STAGES[-1]) -> Iterator[tuple[str, Artifact | None]]:
        """Each stage with its artifact, or None where it must run: a release that does not stand, and its report, too.

        Asks the registry. Raises TuneloomError where that is a server and does not answer.
        """
        stands = True
        for stage, artifact in self.found(until):
            if stage == "release":
                stands = artifact is not None and why_made_again(artifact, self.home) is None
            yield stage, artifact if stands else None

    def artifact(self, stage: str) -> Artifact:
        """A finished stage's artifact."""
        found = self.store.find(self.specs[stage].reference)
        if found is None:
            raise MissingFile(f"stage {stage} has not run", where=str(self.specs[stage].reference), remedy="Run it.")
        return found


def make_plan(
    config: Config,
    folder: Path,
    *,
    home: Path | None = None,
    limit: int | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Plan:
    """Plans a run of `config`, whose paths are relative to `folder`.

    Raises ConfigError and its kin for what cannot be found. Left out of `specs` are the stages after train until the
    run's champion is resolved (`with_champion`), and the report until there is a release (`with_release`).
    """
    folder = folder.resolve()
    home = (home or folder / ".tuneloom").resolve()
    store = store_of(config, folder, home, say)
    inputs = read_inputs(config, folder, home, limit)
    itself = identity(config, inputs)
    record = read_run(store, itself) or RunRecord(itself, config.name)
    if not record.released_resolved:  # frozen once the run writes its record
        record = replace(record, released=_index_to_go_by(store, config, inputs), released_resolved=True)
    specs = dict(specs_to_train(config, inputs, record.released))
    plan = Plan(config, folder, home, store, inputs, specs, record)
    return with_champion(plan, record) if record.champion_resolved else plan


def with_champion(plan: Plan, record: RunRecord) -> Plan:
    """The plan with the stages that depend on the champion: evaluate, release and, where that ran, report."""
    specs = {stage: spec for stage, spec in plan.specs.items() if stage != "report"}
    specs |= judged_specs(plan.config, plan.inputs, record.champion, specs)
    return with_release(replace(plan, specs=specs, record=record))


def with_release(plan: Plan) -> Plan:
    """The plan with the report, once there is a release: a release made again may have another version to tell of."""
    released = plan.store.find(plan.specs["release"].reference)
    if released is None:
        return plan
    return replace(plan, specs={**plan.specs, "report": report_spec(plan.config, released, plan.specs)})


def champion_is_settled(plan: Plan) -> bool:
    """Whether the run has been judged for good; before that it must be judged against the champion that there is now.

    A run whose release is not made, or does not stand, looks the champion up again: else a candidate whose champion was
    replaced meanwhile could never be promoted.
    """
    released = plan.store.find(plan.specs["release"].reference) if plan.record.champion_resolved else None
    return released is not None and why_made_again(released, plan.home) is None


def references(plan: Plan) -> dict[str, Reference]:
    """Stage -> the name of its artifact, as far as the plan knows them."""
    return {stage: spec.reference for stage, spec in plan.specs.items()}


def _index_to_go_by(store: Store, config: Config, inputs: Inputs) -> str | None:
    """The index that stands; but a run on the very data of the last release goes by what that release went by, so that
    another learning rate does not make the data again: its rows have their sides already."""
    standing = standing_index(store, config.name)
    if standing is None:
        return None
    same = dict(specs_to_train(config, inputs, standing.before))["split"].key == standing.split
    return standing.before if same else standing.index


def store_of(config: Config, folder: Path, home: Path, say: Callable[[str], None]) -> Store:
    """The store that runs of `config` use."""
    return Store(_store_place(config, folder.resolve(), home.resolve()), say)


def _store_place(config: Config, folder: Path, home: Path) -> str | Path:
    if config.store is None:
        return home / "store"
    return config.store if "://" in config.store else folder / config.store
