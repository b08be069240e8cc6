"""What the tasks of one flow run share: the plan, the run record, and where words for people go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from tuneloom.artifacts import Artifact, Reference
from tuneloom.plan import Plan, with_champion
from tuneloom.runs import FrozenChampion, RunRecord, freeze_champion, write_run


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


class SilentReporter:
    """Says nothing; what a deployment's run uses, whose words are in Prefect's log."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, stage: str) -> None:
        """Nothing."""

    def progress(self, stage: str, what: str, done: int, total: int) -> None:
        """Nothing."""

    def end(self, stage: str, artifact: Artifact) -> None:
        """Nothing."""


_reporter: ContextVar[Reporter | None] = ContextVar("tuneloom_reporter", default=None)


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
        self.plan, self.reporter = plan, _reporter.get() or SilentReporter()
        started = plan.record.started or datetime.now(UTC).isoformat(timespec="seconds")
        specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
        self._update(replace(plan.record, flow_run_id=flow_run_id, started=started, specs=specs))
        self.say = self.reporter.say

    def artifact(self, stage: str) -> Artifact:
        """A finished stage's artifact."""
        return self.plan.artifact(stage)

    def finished(self, stage: str, reference: Reference) -> None:
        """Notes in the run record that a stage is done."""
        record = self.plan.record
        self._update(replace(record, stages={**record.stages, stage: reference.key}))

    def freeze_champion(self, look_up: Callable[[], FrozenChampion | None]) -> FrozenChampion | None:
        """The champion of this run: looked up once, then the same in every resume."""
        record = self.plan.record
        if not record.champion_resolved:
            found = look_up()
            if found and found.train_key == self.plan.specs["train"].key:
                found = None  # the candidate is the champion itself: nothing to compare it with but the base
            record = freeze_champion(record, found)
        self.plan = with_champion(self.plan, record)
        specs = {stage: spec.as_dict() for stage, spec in self.plan.specs.items()}
        self._update(replace(record, specs=specs))
        return record.champion

    def use_tracking(self, mlflow_run_id: str) -> None:
        """Notes the MLflow run, so that a resume goes on with it."""
        self._update(replace(self.plan.record, mlflow_run_id=mlflow_run_id))

    def complete(self) -> None:
        """Notes that every stage asked for is done."""
        self._update(replace(self.plan.record, completed=datetime.now(UTC).isoformat(timespec="seconds")))

    def _update(self, record: RunRecord) -> None:
        write_run(self.plan.store, record)
        self.plan = Plan(**{**vars(self.plan), "record": record})
