"""What nobody refers to any more, and taking it away: artifacts, memos, run records, MLflow runs and models.

    look(store, home, keep=10)      what would go; changes nothing
    clear(store, home, waste)       takes it away

Kept is what registered versions, the last runs of each pipeline, the released index, open approvals and review sheets
refer to, with all it was made from, and every tombstone. What another version of Tuneloom wrote is left alone. Files
beside the store (decisions, exports, sheets, takedowns) are people's, and stay.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from tuneloom.approvals import waiting
from tuneloom.artifacts import Reference, Store
from tuneloom.artifacts.manifest import Manifest, reference_from
from tuneloom.artifacts.remote import MANIFEST
from tuneloom.plan.specs import STAGES
from tuneloom.release.unused import UnusedModels, remove_models, unused_models
from tuneloom.released import STAGE as RELEASED
from tuneloom.released import all_standing
from tuneloom.review.sheet import SHEETS
from tuneloom.runs import RunRecord, all_runs, remove_run

KEEP = 10
"""Runs of each pipeline that are kept, unless the caller says otherwise."""
YOUNG_SECONDS = 86_400.0
"""How long an artifact stays that no run's record names: the run that makes it may not have written that yet."""

Manifests = Mapping[Reference, Manifest]


@dataclass(frozen=True)
class Waste:
    """What nobody refers to, and how much stays."""

    runs: tuple[RunRecord, ...]
    artifacts: tuple[Manifest, ...]
    models: UnusedModels
    kept_artifacts: int
    kept_runs: int

    @property
    def bytes(self) -> int:
        """Of the artifacts' files."""
        return sum(file.bytes for manifest in self.artifacts for file in manifest.files)

    def __bool__(self) -> bool:
        return bool(self.runs or self.artifacts or self.models)


def look(store: Store, home: Path, keep: int = KEEP, candidates: bool = False) -> Waste:
    """What would go if the last `keep` runs of each pipeline stay; with `candidates` also registered versions without
    an alias that never were champion, of runs that go. Changes nothing."""
    manifests = {manifest.reference: manifest for manifest in store.manifests()}
    runs = list(all_runs(store))
    last = list(_last(runs, keep))
    models = unused_models(home, last, candidates)
    released = {tags.get("tuneloom.release") for tags in models.kept_tags}
    kept_runs = [run for run in runs if run in last or run.stages.get("release") in released]
    roots = {*_of_runs(kept_runs), *_of_versions(models.kept_tags), *_of_documents(store, home)}
    roots |= {one for one, manifest in manifests.items() if manifest.takedown}
    roots |= set(_young(store, manifests, runs))
    kept = closure(manifests, roots)
    kept |= {one for one, manifest in manifests.items() if _derived(one) and kept.issuperset(manifest.parents)}
    gone = tuple(manifest for reference, manifest in manifests.items() if reference not in kept)
    return Waste(
        tuple(run for run in runs if run not in kept_runs), gone, models, len(manifests) - len(gone), len(kept_runs)
    )


def clear(store: Store, home: Path, waste: Waste) -> None:
    """Takes it away: models first and records last, so that whoever is killed on the way finds the rest again.

    Hold the project's run lock, and let no other project's run use the store meanwhile.
    """
    remove_models(home, waste.models)
    gone = {manifest.reference for manifest in waste.artifacts}
    if hashes := _unused_hashes(store, gone):
        store.forget_hashes(hashes)
    for manifest in sorted(waste.artifacts, key=lambda one: _order(one.reference)):  # children before their parents
        store.remove(manifest.reference, "nobody refers to it")
        store.documents.remove(f"approvals/{manifest.key}.json")
    for run in waste.runs:
        remove_run(store, run)
    store.sweep()


def closure(manifests: Manifests, roots: Collection[Reference]) -> set[Reference]:
    """The roots that there are, with all they were made from, read beside, or unite."""
    found, todo = set[Reference](), list(roots)
    while todo:
        reference = todo.pop()
        if reference in found or reference not in manifests:
            continue
        found.add(reference)
        manifest = manifests[reference]
        todo += [*manifest.parents, *map(reference_from, manifest.members)]
    return found


def _last(runs: Sequence[RunRecord], keep: int) -> Iterator[RunRecord]:
    """The last `keep` of each pipeline, of runs from the last written on."""
    seen: dict[str, int] = {}
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        if seen[run.name] <= keep:
            yield run


def _of_runs(runs: Collection[RunRecord]) -> Iterator[Reference]:
    """What runs made, what they plan to reuse, and what they are judged against."""
    for run in runs:
        yield from (Reference(stage, key) for stage, key in run.stages.items())
        for spec in run.specs.values():
            yield from map(reference_from, (*spec["parents"], *spec["consulted"]))
        if run.champion:
            yield Reference("train", run.champion.train_key)
        if run.released:
            yield Reference(RELEASED, run.released)


def _of_versions(versions: Collection[Mapping[str, str]]) -> Iterator[Reference]:
    """What the tags of registered versions name: `tuneloom.train` -> `train/...`."""
    for tags in versions:
        yield from (Reference(stage, tags[f"tuneloom.{stage}"]) for stage in STAGES if f"tuneloom.{stage}" in tags)


def _of_documents(store: Store, home: Path) -> Iterator[Reference]:
    """What the released indexes, approvals that somebody waits for, and sheets for reviewers refer to."""
    for standing in all_standing(store):
        yield from (Reference(RELEASED, key) for key in (standing.index, standing.before) if key)
        yield Reference("split", standing.split)
    yield from map(reference_from, waiting(store))
    yield from (Reference("review", sheet.stem) for sheet in (home / SHEETS).glob("*.csv"))


def _young(store: Store, manifests: Manifests, runs: Collection[RunRecord]) -> Iterator[Reference]:
    """What no run names and was written within a day, or after now where the clock was set back."""
    named = closure(manifests, set(_of_runs(runs)))
    for reference in manifests:
        if reference in named or _derived(reference):
            continue
        if store.documents.seconds_since_written(f"{reference}/{MANIFEST}") < YOUNG_SECONDS:
            yield reference


def _derived(reference: Reference) -> bool:
    """Whether it is about artifacts and no part of a run: it stays as long as they do."""
    return reference.stage not in (*STAGES, RELEASED)


def _unused_hashes(store: Store, gone: Collection[Reference]) -> list[str]:
    """Content hashes of rows that only artifacts have which go: what memos keep of them is of no more use."""
    hashed = ("ingest", "quality", "review", "mixture")
    if "://" in store.url or not any(reference.stage in hashed for reference in gone):
        return []  # elsewhere every artifact would have to be fetched; a row there is some bytes
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for artifact in store.all():
        if artifact.reference.stage in hashed and not artifact.members:
            for part in artifact.tables(["id", "content_hash"]):
                for column in part.columns:
                    found[artifact.reference in gone].update(pc.unique(column).to_pylist())
    return sorted(found[True] - found[False])


def _order(reference: Reference) -> tuple[int, Reference]:
    late = {stage: -number for number, stage in enumerate(STAGES)}
    return (late.get(reference.stage, -len(STAGES)), reference)
