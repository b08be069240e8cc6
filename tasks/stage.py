"""One stage as a Prefect task: ask the store, make what is missing, show the outcome in the UI.

A stage that is found finished ends in a state named `Cached`. Rows that people see pass the personal-data mask.

Each task takes the one before as its second argument (`rows: Reference`) and does not read it: the argument draws the
edge in Prefect's graph and keeps the order. What a stage reads is named by the plan, which knew every key beforehand.
"""

import errno
import time
from collections.abc import Callable
from typing import Any

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, State
from prefect.tasks import exponential_backoff

from tasks.run import Run
from tuneloom.artifacts import Artifact, Reference, Writer
from tuneloom.artifacts.space import FULL

HOURS = 3600

STAGE: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "timeout_seconds": 6 * HOURS}
"""Settings of every stage's task."""


def input_or_output(task: Any, task_run: Any, state: State) -> bool:
    """A retry helps where a disk or a network failed, never where config or data are wrong, or the disk is full."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and error.errno not in LASTING


LASTING = {*FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
"""What the system says of a disk or a path and would say again."""

RETRIED: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(backoff_factor=5),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": input_or_output,
}
"""Settings of the tasks that touch files and services outside the store."""


def run_stage(run: Run, stage: str, build: Callable[[Writer], None]) -> State | Reference:
    """Finds or makes the artifact of `stage`; returns its reference, in a state named `Cached` where it was found."""
    run.reporter.begin(stage)
    artifact = run.plan.store.ensure(run.plan.specs[stage], build)
    return finish_stage(run, stage, artifact)


def finish_stage(run: Run, stage: str, artifact: Artifact) -> State | Reference:
    """Records and shows a finished stage."""
    run.finished(stage, artifact.reference)
    run.reporter.end(stage, artifact)
    log(describe(artifact))
    show_table(stage, _table(artifact), f"`{artifact.reference}`")
    if artifact.reused:
        return Completed(name="Cached", message="found in the artifact store", data=artifact.reference)
    return artifact.reference


def show_table(key: str, table: list[dict[str, Any]], description: str) -> None:
    """A table in Prefect's UI; it may hold no row's words, for a takedown does not reach it."""
    create_table_artifact(key=key, table=table, description=description)


def log(line: str) -> None:
    """One line of the task's log in the UI."""
    get_run_logger().info(line)


def describe(artifact: Artifact) -> str:
    """`dedup: 100 in, 90 out, 10 rejected (8 near duplicate, 2 exact duplicate)`."""
    counts, reasons = artifact.manifest.counts, artifact.manifest.reasons
    if counts.rows_in is None:
        return f"{artifact.reference.stage}: done in {artifact.manifest.seconds:.1f} s"
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]))
    made = f" + {counts.made} made" if counts.made else ""
    return (
        f"{artifact.reference.stage}: {counts.rows_in} in{made}, {counts.rows_out} out, "
        f"{counts.rejected} rejected" + (f" ({why})" if why else "") + (f", {counts.held} held" if counts.held else "")
    )


class Progress:
    """A progress artifact in the UI and a bar on the terminal; tells the server at most every `seconds`."""

    def __init__(self, run: Run, stage: str, seconds: float = 5.0) -> None:
        self._run, self._stage, self._seconds = run, stage, seconds
        self._id: Any = create_progress_artifact(
            progress=0.0, key=f"{stage}-progress", description=f"{stage} under way"
        )
        self._told = 0.0
        self._last = ("", 0, 0)

    def __call__(self, what: str, done: int, total: int) -> None:
        """Reports that `done` of `total` are finished."""
        self._last = (what, done, total)
        self._run.reporter.progress(self._stage, what, done, total)
        if time.monotonic() - self._told >= self._seconds or done >= total:
            self._told = time.monotonic()
            update_progress_artifact(artifact_id=self._id, progress=100.0 * done / max(total, 1))

    def end(self) -> None:
        """What ended before all of its plan, as a training may, has nothing left to do."""
        what, done, total = self._last
        if done < total:
            self(what, total, total)


def _table(artifact: Artifact) -> list[dict[str, Any]]:
    counts = artifact.manifest.counts
    rows = [("in", counts.rows_in), ("made", counts.made), ("out", counts.rows_out), ("held", counts.held)]
    table = [{"rows": name, "count": count} for name, count in rows if count is not None]
    table += [{"rows": f"rejected: {why}", "count": count} for why, count in artifact.manifest.reasons.items()]
    return [*table, {"rows": "seconds", "count": artifact.manifest.seconds}]
