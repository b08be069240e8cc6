"""Takes rows down: out of the artifacts, the memos, the released index and the file of decisions, with the sheets that
runs wrote for reviewers, and for good by the takedown list.

The list comes first and the ingested files last: whoever is killed on the way is found out by the files that still
hold the rows, and a second try ends what the first began. Models are listed, never deleted: what becomes of a model
that saw a row is for a person to decide. Nothing that is kept of a run besides (records, Prefect's tables, MLflow's
metrics) holds a row's text.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Reference, Store, lock
from tuneloom.artifacts.manifest import Manifest, reference_from
from tuneloom.errors import ConfigError
from tuneloom.ingest.takedowns import entries_in
from tuneloom.plan.specs import CONTINUED, STAGES
from tuneloom.release.connection import connect, exists
from tuneloom.release.logged_page import withdraw_pages
from tuneloom.release.rows import forget_rows
from tuneloom.released import released_ids
from tuneloom.review.decisions import forget_decisions
from tuneloom.review.sheet import SHEETS
from tuneloom.runs import all_runs
from tuneloom.takedown_list import add_takedowns, read_list

LIST = "takedowns.txt"
"""The list that is made beside the config where that names none."""
MODELS = ("train", "release")
"""Stages whose artifacts stay: they hold weights and names, no text."""


@dataclass(frozen=True, order=True)
class Saw:
    """A registered version whose lineage had one of the rows."""

    model: str
    version: int
    aliases: tuple[str, ...]
    used: bool
    """A row trained, chose or judged it; else all were rejected on the way to it."""


@dataclass(frozen=True)
class Forgotten:
    """What a takedown did."""

    listed: int
    """Entries that the list did not have yet"""
    artifacts: tuple[Reference, ...]
    """Those that were taken down, now or before"""
    models: tuple[Saw, ...]


def forget(
    store: Store, home: Path, takedowns: Path, entries: Mapping[str, str], why: str, decisions: Path | None = None
) -> Forgotten:
    """Takes the rows of those entries down, each with the origin that names it or "" (takedown_targets.py);
    `decisions` is the file of what reviewers said of them. Raises ConfigError, before anything is changed, for an entry
    that nobody has."""
    ids = list(entries)
    manifests = {one.reference: one for one in store.manifests()}
    holders = dict(_holders(store, manifests.values(), ids))
    _check_known(store, manifests, holders, takedowns, ids)
    with lock(store.folder / ".locks" / "takedowns.lock", f"the list {takedowns.name}"):
        listed = add_takedowns(takedowns, entries)
    if decisions:
        forget_decisions(decisions, ids)
    forget_rows(store, ids, why)
    affected: list[Reference] = []
    used: dict[Reference, tuple[str, ...]] = {}
    fresh = descendants(manifests, holders)
    while fresh:  # a run that goes on beside us may commit a child before its parent is taken down
        used |= {one: _used_by(store, manifests[one], ids) for one in fresh if one.stage == "mixture"}
        store.forget_hashes(sorted({*ids, *_content_hashes(store, fresh, ids)}))
        for reference in fresh:
            (home / SHEETS / f"{reference.key}.csv").unlink(missing_ok=True)
            if reference.stage == "report":
                withdraw_pages(home, _told_in(store, reference))
            if reference.stage not in MODELS:
                store.take_down(reference, used.get(reference, holders.get(reference, ids)), why)
        affected += fresh
        known, manifests = manifests, {one.reference: one for one in store.manifests()}
        holders |= _holders(store, [one for one in manifests.values() if one.reference not in known], ids)
        fresh = [one for one in descendants(manifests, holders) if one not in affected]
    forget_rows(store, ids, why)  # again, for a release that was made beside us
    store.sweep()
    models = tuple(sorted(_models(home, affected, manifests, used)))
    return Forgotten(listed, tuple(one for one in affected if one.stage not in MODELS), models)


def _told_in(store: Store, page: Reference) -> list[str]:
    """The MLflow runs of the runs that came to this report."""
    return [one.mlflow_run_id for one in all_runs(store) if one.stages.get("report") == page.key and one.mlflow_run_id]


def descendants(manifests: Mapping[Reference, Manifest], holders: Collection[Reference]) -> list[Reference]:
    """The holders and all that was made of them, the last stages first and the ingested files at the end."""
    children: dict[Reference, list[Reference]] = {}
    for reference, manifest in manifests.items():
        for parent in _made_from(manifest):
            children.setdefault(parent, []).append(reference)
    found, todo = set(holders), list(holders)
    while todo:
        fresh = [child for child in children.get(todo.pop(), ()) if child not in found]
        found.update(fresh)
        todo += fresh
    late = {stage: -number for number, stage in enumerate(STAGES)}
    return sorted(found, key=lambda one: (one in holders, late.get(one.stage, -len(STAGES)), one))


def _made_from(manifest: Manifest) -> set[Reference]:
    """Its parents and members, and of a training that went on with an adapter what made that."""
    before = manifest.spec["inputs"].get(CONTINUED)
    went_on = {Reference("train", before)} if before else set()
    return {*manifest.parents, *map(reference_from, manifest.members), *went_on}


def _holders(
    store: Store, manifests: Collection[Manifest], ids: Sequence[str]
) -> Iterator[tuple[Reference, tuple[str, ...]]]:
    """Ingested files that hold some of the rows, or held them before they were taken down, and which."""
    for manifest in manifests:
        if manifest.reference.stage != "ingest" or manifest.members:
            continue
        had = set(manifest.takedown.ids) & set(ids) if manifest.takedown else set()
        if not manifest.takedown and (artifact := store.find(manifest.reference)):
            had = entries_in(artifact, ids)
        if had:
            yield manifest.reference, tuple(sorted(had))


def _check_known(
    store: Store,
    manifests: Mapping[Reference, Manifest],
    holders: Mapping[Reference, tuple[str, ...]],
    takedowns: Path,
    ids: Sequence[str],
) -> None:
    known = {one for held in holders.values() for one in held}
    if not known >= set(ids):
        known.update(read_list(takedowns))
        known.update(released_ids(store))
        known.update(one for manifest in manifests.values() if manifest.takedown for one in manifest.takedown.ids)
    if unknown := [one for one in ids if one not in known]:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise ConfigError(
            f"no row has the id {', '.join(unknown[:3])}{more}; nothing was changed",
            where=store.url,
            remedy="`tuneloom trace CONFIG TEXT` tells a row's id; one that is still to come goes into "
            f"{takedowns.name} by hand.",
        )


def _used_by(store: Store, manifest: Manifest, ids: Sequence[str]) -> tuple[str, ...]:
    """The rows that a mixture hands on; of one that was taken down, those that its tombstone says it did."""
    if manifest.takedown:
        return tuple(set(manifest.takedown.ids) & set(ids))
    artifact = store.find(manifest.reference)
    return tuple(sorted(entries_in(artifact, ids))) if artifact else tuple(ids)


def _content_hashes(store: Store, affected: Collection[Reference], ids: Sequence[str]) -> Iterator[str]:
    """What the rows hash to after edits."""
    wanted = pa.array(ids, pa.string())
    for reference in affected:
        artifact = store.find(reference) if reference.stage in ("quality", "review", "mixture") else None
        for part in artifact.tables(["id", "content_hash"]) if artifact else ():
            yield from part["content_hash"].filter(pc.is_in(part["id"], wanted)).to_pylist()


def _models(
    home: Path,
    affected: Collection[Reference],
    manifests: Mapping[Reference, Manifest],
    used: Mapping[Reference, Collection[str]],
) -> Iterator[Saw]:
    """Registered versions that name one of the artifacts in their tags."""
    if not exists(home):
        return
    keys = {(one.stage, one.key) for one in affected}
    client, token = connect(home), None
    while True:
        page = client.search_model_versions(max_results=1000, page_token=token)
        for version in page:
            tags = {name.removeprefix("tuneloom."): value for name, value in version.tags.items()}
            if keys & set(tags.items()):
                came_from = _ancestors(
                    manifests, [Reference(name, tags.get(name, "")) for name in ("mixture", "train")]
                )
                aliases = client.get_model_version(version.name, version.version).aliases  # a search leaves them out
                yield Saw(version.name, int(version.version), tuple(sorted(aliases)), any(map(used.get, came_from)))
        token = getattr(page, "token", None)
        if not token:
            return


def _ancestors(manifests: Mapping[Reference, Manifest], of: Collection[Reference]) -> set[Reference]:
    """Those artifacts and all that they were made from."""
    found, todo = set(of), list(of)
    while todo:
        manifest = manifests.get(todo.pop())
        fresh = _made_from(manifest) - found if manifest else set()
        found |= fresh
        todo += fresh
    return found
