"""What a run would do: every stage's key, known before anything runs, and what of it is in the store already.

A stage's key needs its config section, its declared inputs, its code and its parents' keys, so the whole chain
follows from the config, the sources' digests and the model's. Only the champion is looked up elsewhere: it is frozen
in the run record. Nothing heavy is imported here; a run that is wholly reused answers from this module.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts import Artifact, Reference, Spec, Store, code_digest, user_cache
from tuneloom.artifacts.digests import cached_digest
from tuneloom.config import Config, Source
from tuneloom.errors import ConfigError, MissingFile, NotPermitted, TuneloomError
from tuneloom.ingest.discover import SourceFile, discover
from tuneloom.ingest.plugins import plugin_digests
from tuneloom.models.resolve import ModelSource, resolve_model
from tuneloom.records import canonical, digest
from tuneloom.release.presence import why_made_again
from tuneloom.runs import FrozenChampion, RunRecord, latest_run, read_run

STAGES = (
    "ingest", "dedup", "split", "decontaminate", "quality", "mixture", "render",
    "train", "evaluate", "release", "report",
)  # fmt: skip
MOST_REASONS = 4
"""Changes that are named of a stage that must run."""
DATA_STAGES = STAGES[: STAGES.index("train")]


@dataclass(frozen=True)
class PlannedFile:
    """A source file and the artifact that ingesting it makes."""

    file: SourceFile
    source: Source
    spec: Spec


@dataclass(frozen=True)
class Plan:
    """All that a run is a function of. `folder` holds the config file, `home` is its `.tuneloom`."""

    config: Config
    folder: Path
    home: Path
    store: Store
    model: ModelSource
    files: tuple[PlannedFile, ...]
    takedowns: frozenset[str]
    limit: int | None
    specs: Mapping[str, Spec]
    record: RunRecord

    @property
    def plugins(self) -> tuple[Path, ...]:
        """The files of the config's plugins."""
        return tuple(self.folder / name for name in self.config.plugins)

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
    store = Store(_store_place(config, folder, home), say)
    model = resolve_model(config.model if not (folder / config.model).is_dir() else str(folder / config.model))
    takedowns = _takedowns(config, folder)
    files = tuple(_planned_files(config, folder, home, takedowns, limit))
    specs = dict(_specs(config, model, files))
    identity = _identity(config, files, model, limit)
    record = read_run(store, identity) or RunRecord(identity, config.name)
    plan = Plan(config, folder, home, store, model, files, takedowns, limit, specs, record)
    return with_champion(plan, record) if record.champion_resolved else plan


def with_champion(plan: Plan, record: RunRecord) -> Plan:
    """The plan with the stages that depend on the champion: evaluate, release and, where that ran, report."""
    config, specs, champion = plan.config, dict(plan.specs), record.champion
    specs["evaluate"] = Spec(
        "evaluate",
        code_digest("tuneloom.evaluate"),
        config.seed,
        {"evaluate": _section(config.evaluate), "gate": _section(config.release.gate)},
        {"model": plan.model.digest, "champion": _champion_key(champion)},
        tuple(specs[stage].reference for stage in ("mixture", "render", "train")),
    )
    specs["release"] = Spec(
        "release",
        code_digest("tuneloom.release"),
        config=_section(config.release),
        inputs={"model": plan.model.digest},
        parents=(specs["train"].reference, specs["evaluate"].reference),
    )
    specs.pop("report", None)
    return with_release(Plan(**{**vars(plan), "specs": specs, "record": record}))


def with_release(plan: Plan) -> Plan:
    """The plan with the report, once there is a release: a release made again may have another version to tell of."""
    released = plan.store.find(plan.specs["release"].reference)
    if released is None:
        return plan
    report = Spec(
        "report",
        code_digest("tuneloom.report"),
        inputs={
            "title": plan.config.name,
            "release": next(file.digest for file in released.manifest.files if file.path == "release.json"),
        },
        parents=tuple(plan.specs[stage].reference for stage in STAGES[:-1]),
    )
    return Plan(**{**vars(plan), "specs": {**plan.specs, "report": report}})


def champion_is_settled(plan: Plan) -> bool:
    """Whether the run has been judged for good; before that it must be judged against the champion that there is now.

    A run whose release is not made, or does not stand, looks the champion up again: else a candidate whose champion was
    replaced meanwhile could never be promoted.
    """
    released = plan.store.find(plan.specs["release"].reference) if plan.record.champion_resolved else None
    return released is not None and why_made_again(released, plan.home) is None


def check_unchanged(plan: Plan, planned: PlannedFile) -> None:
    """Raises TuneloomError where a source file is not the one that the plan was made for: its key names other bytes."""
    if _digest(planned.file, plan.home, alone=False) != planned.spec.inputs["digest"]:
        raise TuneloomError(
            f"the source file {planned.file.relative} changed while the run was reading it",
            where=f"sources: {planned.file.source}: {planned.file.path}",
            remedy="Run again once nobody writes to it; nothing of it was stored.",
        )


def why(plan: Plan, stage: str) -> str:
    """Why a stage must run: the changed setting or file, against the last run of that name."""
    before = latest_run(plan.store, plan.config.name)
    released = plan.artifact("release") if "report" in plan.specs else None
    again = why_made_again(released, plan.home) if released and stage in ("release", "report") else None
    if stage == "report" and (again or not released):
        return "after the release"
    if again:
        return again
    if stage not in plan.specs:
        return "after the champion is known"
    if before is None or stage not in before.specs:
        return "never ran"
    if before.stages.get(stage) == plan.specs[stage].key:
        return "its artifact is gone"
    old, new = before.specs[stage], plan.specs[stage].as_dict()
    reasons = [f"the code of {stage} changed"] if old["code"] != new["code"] else []
    reasons += [*_changed("", old["config"], new["config"]), *_changed("", old["inputs"], new["inputs"])]
    if old["seed"] != new["seed"]:
        reasons.append(f"seed {old['seed']} -> {new['seed']}")
    changed = [p.split("/")[0] for p in new["parents"] if p not in old["parents"] and p.split("/")[0] != stage]
    if changed and not reasons:
        reasons.append(f"{', '.join(dict.fromkeys(changed))} changed")
    more = [f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return "; ".join([*reasons[:MOST_REASONS], *more]) or "its inputs changed"


def _store_place(config: Config, folder: Path, home: Path) -> str | Path:
    if config.store is None:
        return home / "store"
    return config.store if "://" in config.store else folder / config.store


def _planned_files(
    config: Config, folder: Path, home: Path, takedowns: frozenset[str], limit: int | None
) -> Iterator[PlannedFile]:
    code, taken = code_digest("tuneloom.ingest"), digest(canonical(sorted(takedowns)))
    plugins = plugin_digests([folder / name for name in config.plugins])
    for source in config.sources:
        section = _source_section(config, source)
        files = discover(source, folder)
        for file in files:
            inputs: dict[str, Any] = {
                "source": source.name,
                "file": file.relative,
                "digest": _digest(file, home, alone=len(files) == 1),
                "takedowns": taken,
            }
            if limit is not None:
                inputs["limit"] = limit
            if plugins:
                inputs["plugins"] = plugins
            yield PlannedFile(file, source, Spec("ingest", code, config=section, inputs=inputs))


_READ_BY = {"format", "columns", "use", "language", "license"}


def _source_section(config: Config, source: Source) -> dict[str, Any]:
    """What of the config decides how a source's files are read."""
    section = source.model_dump(mode="json", include=_READ_BY)
    if config.licenses.allow is not None and source.use == "train":
        section["licenses"] = _licenses(config)
    return section


def _licenses(config: Config) -> dict[str, Any]:
    """The allow-list in an order that decides nothing."""
    return {"allow": config.licenses.allow and sorted(config.licenses.allow)}


def _digest(file: SourceFile, home: Path, *, alone: bool) -> str:
    """The file's digest; what cannot be read, among others, does not stop the run: ingest rejects it and says why."""
    if not file.path.is_file() and (file.path.exists() or file.path.is_symlink()):
        return "not a file"  # a pipe, say, which must not be opened
    memory = home / "cache" if home.is_dir() else user_cache()  # a plan makes no `.tuneloom`
    try:
        return cached_digest(file.path, memory / "digests.jsonl")
    except NotPermitted:
        if alone:
            raise
        return "not readable"


def _specs(config: Config, model: ModelSource, files: tuple[PlannedFile, ...]) -> Iterator[tuple[str, Spec]]:
    listed = sorted(([f.file.source, f.file.relative, f.spec.inputs["digest"]] for f in files), key=str)
    members = tuple(sorted(f.spec.reference for f in files))
    sources = {source.name: source.model_dump(mode="json", include=_READ_BY) for source in config.sources}
    section: dict[str, Any] = {"sources": sources}  # this and the licences are in the files' keys; here they say why
    if any(source.use == "train" for source in config.sources):
        section["licenses"] = _licenses(config)
    spec = Spec("ingest", code_digest("tuneloom.ingest"), config=section, inputs={"files": listed}, parents=members)
    yield "ingest", spec
    declared: dict[str, tuple[bool, dict[str, Any]]] = {
        "dedup": (False, {"priorities": {source.name: source.priority for source in config.sources}}),
        "split": (True, {}),
        "decontaminate": (False, {}),
        "quality": (False, {}),
        "mixture": (True, {}),
        "render": (True, {"tokenizer": model.digest}),
        "train": (True, {"model": model.digest}),
    }
    for stage, (seeded, inputs) in declared.items():
        section, seed = _section(getattr(config, stage)), config.seed if seeded else 0
        spec = Spec(stage, code_digest(f"tuneloom.{stage}"), seed, section, inputs, (spec.reference,))
        yield stage, spec


def _identity(config: Config, files: tuple[PlannedFile, ...], model: ModelSource, limit: int | None) -> str:
    code = {stage: code_digest(f"tuneloom.{stage}") for stage in STAGES}
    sources = sorted(str(f.spec.reference) for f in files)
    return digest(canonical([config.model_dump(mode="json", exclude={"store"}), sources, model.digest, code, limit]))


def _champion_key(champion: FrozenChampion | None) -> str | None:
    return champion.train_key if champion else None


def _takedowns(config: Config, folder: Path) -> frozenset[str]:
    if config.takedowns is None:
        return frozenset()
    path = folder / config.takedowns
    try:
        return frozenset(path.read_text("utf-8").split())
    except FileNotFoundError as error:
        raise MissingFile(
            "no takedown list", where=f"{path} (takedowns)", remedy="Create it or drop the key."
        ) from error
    except PermissionError as error:
        raise NotPermitted("takedown list not readable", where=str(path), remedy="Change its permissions.") from error


def _section(section: Any) -> dict[str, Any]:
    """Its values; none where it is turned off."""
    return section.model_dump(mode="json") if section is not None else {}


def _changed(prefix: str, old: Any, new: Any) -> Iterator[str]:
    """`near.threshold 0.8 -> 0.7`, `file b.json is new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changed(f"{prefix}.{key}" if prefix else key, old.get(key), new.get(key))
    elif prefix == "files":
        before, after = {tuple(f[:2]): f[2] for f in old or []}, {tuple(f[:2]): f[2] for f in new or []}
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                state = "is new" if name not in before else "is gone" if name not in after else "changed"
                yield f"file {':'.join(name)} {state}"
    elif isinstance(old, dict) or isinstance(new, dict):
        yield f"{prefix} is {'new' if old is None else 'gone'}" if None in (old, new) else f"{prefix} changed"
    elif old != new:
        yield f"{prefix} {old} -> {new}"


def check_until(until: str) -> str:
    """Raises ConfigError unless `until` names a stage."""
    if until not in STAGES:
        raise ConfigError(f"no stage {until!r}", where="--until", remedy=f"Stages: {', '.join(STAGES)}.")
    return until


def references(plan: Plan) -> dict[str, Reference]:
    """Stage -> the name of its artifact, as far as the plan knows them."""
    return {stage: spec.reference for stage, spec in plan.specs.items()}
