"""A run's record: what it is (its identity), what it froze, and how far it came.

Identity is the config, the sources' digests and the code. What changes under a run's own feet (the champion) is
resolved once, written here, and reused when the run is resumed. Records lie in STORE/runs/<identity>.json.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FrozenChampion:
    """The registered version a run is judged against: resolved once a run."""

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
    flow_run_id: str | None = None
    mlflow_run_id: str | None = None
    started: str = ""
    completed: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_run(folder: Path, identity: str) -> RunRecord | None:
    """The record of a run, or None; a damaged one counts as none (it only saves work)."""
    return _read(folder / "runs" / f"{identity}.json")


def write_run(folder: Path, record: RunRecord) -> RunRecord:
    """Writes a record in one step (temporary file, flush, rename) and returns it."""
    place = folder / "runs" / f"{record.identity}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as stream:
        json.dump(asdict(record), stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, place)
    return record


def latest_run(folder: Path, name: str) -> RunRecord | None:
    """The last record of a pipeline of that name, by the time it was written."""
    records = [(path.stat().st_mtime_ns, _read(path)) for path in (folder / "runs").glob("*.json")]
    named = [(time, record) for time, record in records if record and record.name == name]
    return max(named, key=lambda pair: pair[0])[1] if named else None


def freeze_champion(record: RunRecord, champion: FrozenChampion | None) -> RunRecord:
    """The record with the champion resolved, whether or not there is one."""
    return replace(record, champion=champion, champion_resolved=True)


def _read(path: Path) -> RunRecord | None:
    try:
        tree = json.loads(path.read_text("utf-8"))
        champion = FrozenChampion(**tree.pop("champion")) if tree.get("champion") else None
        tree.pop("champion", None)
        return RunRecord(champion=champion, **tree)
    except (FileNotFoundError, ValueError, TypeError):
        return None
