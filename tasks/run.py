"""What the tasks of one flow run share: the plan, the run record, and where words for people go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from prefect.logging import get_run_logger

from tuneloom.artifacts import Artifact, Reference
from tuneloom.plan import Plan, champion_is_settled, with_champion, with_release
from tuneloom.runs import FrozenChampion, freeze_champion, write_run


class Reporter(Protocol):
    """Words for people: the terminal's, or the log's where nobody sits there."""

    def say(self, text: str) -> None:
        """One line."""

    def begin(self, stage: str) -> None:
        """A stage starts."""

    def progress(self, stage: str, what: str, done: int, total: int) -> None:
        """A long step moved on."""

    def end(self, stage: str, artifact: Artifact) -> None:
        """A stage is finished, or was found finished."""


class LogReporter:
    """Writes to Prefect's log, for a run that nobody watches; what tasks log themselves is not repeated."""

    def say(self, text: str) -> None:
        """One line of the flow's or task's log."""
        get_run_logger().info(text)

    def begin(self, stage: str) -> None:
        """Nothing: the task's state tells it."""

    def progress(self, stage: str, what: str, done: int, total: int) -> None:
        """Nothing: the task's progress artifact tells it."""

    def end(self, stage: str, artifact: Artifact) -> None:
        """Nothing: the task logs it."""


_reporter: ContextVar[Reporter | None] = ContextVar("tuneloom_reporter", default=None)


def current_reporter() -> Reporter:
    """Where a run that starts here speaks."""
    return _reporter.get() or LogReporter()


@contextmanager
def reporting_to(reporter: Reporter) -> Iterator[None]:
    """Runs started in the block speak to this reporter."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


class Run:
    """One flow run. Not a dataclass on purpose: Prefect looks into those when they are task parameters."""

    def __init__(self, plan: Plan, flow_run_id: str | None = None) -> None:
        self.plan, self.reporter = plan, current_reporter()
        self.say = self.reporter.say
        self._update(flow_run_id=flow_run_id, started=plan.record.started or _now())

    def artifact(self, stage: str) -> Artifact:
        """A finished stage's artifact."""
        return self.plan.artifact(stage)

    def finished(self, stage: str, reference: Reference) -> None:
        """Notes in the run record that a stage is done; a release lets the report be planned that tells of it."""
        if stage == "release":
            self.plan = with_release(self.plan)
        self._update(stages={**self.plan.record.stages, stage: reference.key})

    def freeze_champion(self, look_up: Callable[[], FrozenChampion | None]) -> FrozenChampion | None:
        """The champion that this run is judged against: looked up until its release stands, then the same for ever.

        A candidate that is the champion itself is compared with the base alone; one that became it in this very run,
        killed before it could note that, keeps the champion it was judged against.
        """
        record = self.plan.record
        if not champion_is_settled(self.plan):
            found = look_up()
            itself = found is not None and found.train_key == self.plan.specs["train"].key
            if not (itself and record.champion_resolved):
                record = freeze_champion(record, None if itself else found)
        self.plan = with_champion(self.plan, record)
        self._update()
        return record.champion

    def use_tracking(self, mlflow_run_id: str) -> None:
        """Notes the MLflow run, so that a resume goes on with it."""
        self._update(mlflow_run_id=mlflow_run_id)

    def complete(self) -> None:
        """Notes that every stage asked for is done."""
        self._update(completed=_now())

    def _update(self, **changes: Any) -> None:
        """Writes the run record with `changes` and every key that is known by now."""
        specs = {stage: spec.as_dict() for stage, spec in self.plan.specs.items()}
        record = write_run(self.plan.store, replace(self.plan.record, specs=specs, **changes))
        self.plan = replace(self.plan, record=record)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
