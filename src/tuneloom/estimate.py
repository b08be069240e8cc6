"""About how long a run takes and how much disk it needs, from the last run of the pipeline, else from ours.

The measure is a conversation that ingestion finds: the last run says what each stage took for one. Where a stage has
not run yet, constants measured on T0 stand in (35,278 rows, 31 MB of JSONL, 2 cores); of training and what follows
nothing is known before it ran.
"""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuneloom.artifacts import Artifact, Reference
from tuneloom.artifacts.space import check_room
from tuneloom.evaluation_time import times_as_long
from tuneloom.models.resolve import ModelSource
from tuneloom.plan import DATA_STAGES, STAGES, Plan, PlannedFile
from tuneloom.runs import latest_run


@dataclass(frozen=True)
class Cost:
    """What a stage takes for a conversation of the ingested data: seconds, and bytes in the store."""

    seconds: float
    bytes: float


MEASURED_ON_T0 = {
    "ingest": Cost(1.5e-4, 320),
    "dedup": Cost(1.3e-4, 520),  # with its memo of signatures
    "split": Cost(1.2e-5, 215),
    "decontaminate": Cost(2.4e-5, 215),
    "quality": Cost(8.7e-5, 275),  # with the stored signals
    "review": Cost(0.5e-5, 215),
    "mixture": Cost(0.5e-5, 215),
    "render": Cost(2.7e-4, 705),
}
A_FILE = Cost(8e-3, 28_000)
"""What a source file takes besides its rows: an artifact of its own, flushed to the disk."""
BYTES_A_ROW = 900
"""Bytes of JSONL a conversation of T0 has; compressed and columnar files are taken as they lie."""
WORK_BYTES_A_ROW = 1_500
"""What a stage spills for a row before its parts are written, uncompressed."""
RUN_BYTES = 32_000_000
"""Records and logs of one run: Prefect's database, MLflow's, an adapter."""
START_SECONDS = 10.0
"""The server's start and end, and imports."""


@dataclass(frozen=True)
class Estimate:
    """`seconds` of the stages that are known, `unknown` the others; bytes by place, all 0 where nothing is to do."""

    seconds: float
    unknown: tuple[str, ...]
    as_last_time: bool
    """Whether the last run of the pipeline is what it goes by."""
    store_bytes: int
    temporary_bytes: int


def estimate(plan: Plan, to_run: Collection[str]) -> Estimate:
    """What running the stages `to_run` takes; of source files only those are read that are not in the store."""
    if not to_run:
        return Estimate(0.0, (), False, 0, 0)
    last = _last_artifacts(plan)
    known, before = _costs(last), _seconds_of_the_rest(last)
    if "evaluate" in before:
        before["evaluate"] *= times_as_long(plan, last["evaluate"])
    fresh, rows, files = _rows(plan)
    alone = 0 if "ingest" in known else files
    seconds, size = START_SECONDS + A_FILE.seconds * alone, A_FILE.bytes * alone
    for stage in DATA_STAGES:
        if stage in to_run:
            cost, count = known.get(stage, MEASURED_ON_T0[stage]), fresh if stage == "ingest" else rows
            seconds, size = seconds + cost.seconds * count, size + cost.bytes * count
    later = [stage for stage in STAGES[len(DATA_STAGES) :] if stage in to_run]
    seconds += sum(before.get(stage, 0.0) for stage in later)
    spilled = WORK_BYTES_A_ROW * (fresh if set(to_run) == {"ingest"} else rows if set(to_run) & {*DATA_STAGES} else 0)
    weights = _weights(plan.model) if "train" in later and plan.config.train.method == "full" else 0
    return Estimate(
        seconds=seconds,
        unknown=tuple(stage for stage in later if stage not in before),
        as_last_time=bool(known),
        store_bytes=round(size + spilled) + RUN_BYTES + 3 * weights,  # in the artifact, a checkpoint, the registry
        temporary_bytes=(RUN_BYTES + weights) if "release" in later else 0,
    )


def check_space(plan: Plan, until: str) -> None:
    """Raises DiskFull before a run that the disks have no room for; one that is wholly reused needs none."""
    needs = estimate(plan, [stage for stage, artifact in plan.reusable(until) if artifact is None])
    places = {Path(tempfile.gettempdir()): needs.temporary_bytes}
    if store := local_store(plan):
        places[store] = needs.store_bytes
    check_room(places)


def local_store(plan: Plan) -> Path | None:
    """The store's folder; None for one that is elsewhere, of which nobody knows how much it can take."""
    place = plan.store.url.removeprefix("file://")
    return None if "://" in place else Path(place)


def _rows(plan: Plan) -> tuple[float, float, int]:
    """Conversations in the files to be read, by their size, and in all (those that were read are counted); how many
    files are to be read."""
    counted, bytes_counted, bytes_fresh, files = 0, 0, 0, 0
    for planned, found in plan.ingested():
        if found:
            counted += _conversations(found)
            bytes_counted += _size(planned)
        else:
            bytes_fresh += _size(planned)
            files += 1
    fresh = bytes_fresh / max(bytes_counted / counted if counted else BYTES_A_ROW, 1)
    if plan.limit is not None:
        fresh = min(fresh, plan.limit * files)
    return fresh, counted + fresh, files


def _size(planned: PlannedFile) -> int:
    try:
        return planned.file.path.stat().st_size
    except OSError:
        return 0  # it went since the plan was made: reading it will say so


def _conversations(ingest: Artifact) -> int:
    counts = ingest.manifest.counts
    return (counts.rows_in or 0) + (counts.made or 0)


def _last_artifacts(plan: Plan) -> dict[str, Artifact]:
    before = latest_run(plan.store, plan.config.name, ended="ingest")
    found = {stage: plan.store.find(Reference(stage, key)) for stage, key in before.stages.items()} if before else {}
    return {stage: artifact for stage, artifact in found.items() if artifact}


def _costs(last: Mapping[str, Artifact]) -> dict[str, Cost]:
    """What a conversation cost the data stages of the last run; nothing where that had too few to tell."""
    if "ingest" not in last or _conversations(last["ingest"]) < 1_000:
        return {}
    rows, costs = _conversations(last["ingest"]), {}
    for stage in DATA_STAGES:
        if stage in last:
            artifacts = last[stage].members or (last[stage],)
            seconds = sum(one.manifest.seconds for one in artifacts)
            size = sum(file.bytes for one in artifacts for file in one.manifest.files)
            memo = MEASURED_ON_T0["dedup"].bytes - MEASURED_ON_T0["split"].bytes if stage == "dedup" else 0.0
            costs[stage] = Cost(seconds / rows, size / rows + memo)
    return costs


def _seconds_of_the_rest(last: Mapping[str, Artifact]) -> dict[str, float]:
    """What training and the stages after it took."""
    return {stage: one.manifest.seconds for stage, one in last.items() if stage not in DATA_STAGES}


def _weights(model: ModelSource) -> int:
    """Bytes of the model in float32, which full tuning writes anew; 0 where it is not here yet."""
    if model.path is None or not model.path.exists():
        return 0
    if model.path.is_file():
        return 6 * model.path.stat().st_size  # GGUF of 8 bits and less a weight
    return sum(path.stat().st_size for path in model.path.rglob("*") if path.is_file())
