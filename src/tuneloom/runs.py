"""A run's record: what it is (its identity), what it froze, and how far it came.

Identity is the config, the sources' digests and the code. What changes under a run's own feet is
written here once it is resolved, and kept from when the run is released; so is the index of released rows, once the
run starts. Records lie in STORE/runs/<identity>.json,
wherever the store is, so that any worker that takes the run up sees them; of two that write one the last wins.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tuneloom.artifacts import Store
from tuneloom.errors import ConfigError


@dataclass(frozen=True)
class FrozenChampion:
    """The registered version a run is judged against; settled once its release stands."""

    name: str
    version: int
    train_key: str
    model_uri: str


@dataclass(frozen=True)
class RunRecord:
    """`stages` maps a stage to the key of its artifact, `specs` to what made that key, for the next plan's "why"."""

    identity: str
    name: str
    champion: FrozenChampion | None = None
    champion_resolved: bool = False
    released: str | None = None
    """Key of the index of released rows that the run goes by; None where there was none."""
    released_resolved: bool = False
    flow_run_id: str | None = None
    mlflow_run_id: str | None = None
    started: str = ""
    completed: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_run(store: Store, identity: str) -> RunRecord | None:
    """The record of a run, or None; a damaged one counts as none (it only saves work)."""
    return _parse(store.documents.read(_place(identity)))


def write_run(store: Store, record: RunRecord) -> RunRecord:
    """Writes a record in one step and returns it."""
    store.documents.write(_place(record.identity), json.dumps(asdict(record), ensure_ascii=False, indent=1))
    return record


def remove_run(store: Store, record: RunRecord) -> None:
    """Removes a record; where the same run is made again it starts a new one."""
    store.documents.remove(_place(record.identity))


def all_runs(store: Store) -> Iterator[RunRecord]:
    """The records of all runs that the store knows, the last written first; damaged ones are left out."""
    return (record for record in map(_parse, store.documents.newest("runs")) if record)


def latest_run(store: Store, name: str, ended: str | None = None) -> RunRecord | None:
    """The last record of a pipeline of that name, by the time it was written; with `ended`, of those runs alone in
    which that stage came to its end."""
    fits = (record for record in all_runs(store) if record.name == name and (not ended or ended in record.stages))
    return next(fits, None)


def earlier_run(store: Store, name: str, identity: str) -> RunRecord | None:
    """The last other run of a pipeline that released, else the last that came to its mixture; None for a first run."""
    others = [one for one in all_runs(store) if one.name == name and one.identity != identity]
    return next((one for stage in ("release", "mixture") for one in others if stage in one.stages), None)


def find_run(store: Store, wanted: str) -> RunRecord:
    """A run by the first digits of its identity; `last`, `released`: the last one, the last that released.

    Raises ConfigError where there is none, or more than one.
    """
    found = list(all_runs(store))
    if wanted == "released":
        found = [one for one in found if "release" in one.stages][:1]
    elif wanted == "last":
        found = found[:1]
    else:
        found = [one for one in found if one.identity.startswith(wanted)]
    if len(found) != 1:
        known = ", ".join(one.identity[:12] for one in list(all_runs(store))[:5])
        raise ConfigError(
            f"{'no run' if not found else f'{len(found)} runs'} {wanted!r}",
            where=store.url,
            remedy=f"Give more digits, `last` or `released`; the last runs: {known or 'none'}.",
        )
    return found[0]


def freeze_champion(record: RunRecord, champion: FrozenChampion | None) -> RunRecord:
    """The record with the champion resolved, whether or not there is one."""
    return replace(record, champion=champion, champion_resolved=True)


def _place(identity: str) -> str:
    return f"runs/{identity}.json"


def _parse(text: str | None) -> RunRecord | None:
    try:
        tree = json.loads(text or "")
        champion = FrozenChampion(**tree.pop("champion")) if tree.get("champion") else None
        tree.pop("champion", None)
        return RunRecord(champion=champion, **tree)
    except (ValueError, TypeError, AttributeError):
        return None
