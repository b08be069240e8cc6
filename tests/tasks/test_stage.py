"""What every stage's task does around its work: reuse, words, tables, progress, retries."""

from pathlib import Path

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed, State

from flows.refresh import STAGES as TASKS
from tasks.stage import Progress, describe, input_or_output, run_stage
from tests.rows import chat
from tests.tasks.conftest import Ended, Told, walk
from tuneloom.artifacts import Reference, Spec, Store
from tuneloom.errors import ConfigError
from tuneloom.plan import STAGES
from tuneloom.records import Origin, Reject, to_table


def test_a_stage_that_ran_gives_its_reference_and_one_that_was_there_a_state_named_cached(ended: Ended, again) -> None:
    assert all(isinstance(outcome, Reference) for outcome in ended.outcomes.values())
    found = walk(again)
    assert list(found) == list(STAGES)
    for stage, state in found.items():
        assert isinstance(state, State), stage
        assert (state.name, state.type.value) == ("Cached", "COMPLETED")
        assert state.data == ended.outcomes[stage]


def test_every_task_is_named_as_its_stage_and_prefects_cache_is_off() -> None:
    assert [task.name for task in TASKS] == list(STAGES)
    for task in TASKS:
        assert (task.cache_policy, task.persist_result) == (NO_CACHE, False)
        assert task.timeout_seconds >= 3600


def test_the_table_of_a_stage_tells_its_rows_and_every_reason(ended: Ended) -> None:
    table = {row["rows"]: row["count"] for row in ended.told.tables["ingest"]}
    assert (table["in"], table["made"], table["out"], table["held"]) == (134, 0, 132, 0)
    assert sum(count for name, count in table.items() if name.startswith("rejected: ")) == 2
    assert table["rejected: empty answer"] == 1
    assert list(ended.told.tables) == list(STAGES)
    assert [row["rows"] for row in ended.told.tables["train"]] == ["seconds"]


def test_a_stage_is_noted_in_the_run_record_and_at_the_terminal(ended: Ended) -> None:
    record = ended.run.plan.record
    assert dict(record.stages) == {stage: reference.key for stage, reference in ended.outcomes.items()}
    assert [line for line in ended.told.lines if line.startswith("end ")] == [f"end {stage}" for stage in STAGES]


def test_a_stage_is_described_with_its_reasons_most_frequent_first(tmp_path: Path) -> None:
    def build(writer):
        writer.add(to_table([(Origin("s", "f", 1), chat("a", "b"))]))
        reasons = ("near duplicate", "exact duplicate", "near duplicate")
        writer.reject(Reject(Origin("s", "f", n), reason) for n, reason in enumerate(reasons, 2))
        writer.count(rows_in=3, made=1)

    text = describe(Store(tmp_path).ensure(Spec("dedup", "code"), build))
    assert text == "dedup: 3 in + 1 made, 1 out, 3 rejected (2 near duplicate, 1 exact duplicate)"


def test_a_stage_without_rows_is_described_by_its_time(ended: Ended) -> None:
    train = ended.artifact("train")
    assert describe(train) == f"train: done in {train.manifest.seconds:.1f} s"


def test_progress_is_told_to_the_server_rarely_and_at_the_end_and_to_the_terminal_always(again, told: Told) -> None:
    progress = Progress(again, "train", seconds=1e9)
    for done in range(1, 5):
        progress("tokens", done, 4)
    assert told.percent == [0.0, 100.0]
    assert [line for line in told.lines if "tokens" in line] == [f"train tokens {done}/4" for done in range(1, 5)]


def test_progress_without_a_throttle_is_told_each_time_and_nothing_to_do_is_no_fault(again, told: Told) -> None:
    progress = Progress(again, "train", seconds=0)
    progress("tokens", 1, 4)
    progress("tokens", 0, 0)
    assert told.percent == [0.0, 25.0, 0.0]


@pytest.mark.parametrize(
    ("error", "helps"), [(OSError("disk"), True), (ConfigError("bad key"), False), (ValueError("row"), False)]
)
def test_a_retry_helps_where_a_disk_or_network_failed_and_nowhere_else(error: Exception, helps: bool) -> None:
    assert input_or_output(None, None, Failed(data=error)) is helps


def test_a_stage_that_fails_stores_nothing_and_is_not_noted(again, told: Told, monkeypatch) -> None:
    again.plan.specs["dedup"] = Spec("dedup", "fails")

    def build(writer):
        raise ConfigError("no")

    before = dict(again.plan.record.stages)
    with pytest.raises(ConfigError):
        run_stage(again, "dedup", build)
    assert again.plan.store.find(Spec("dedup", "fails").reference) is None
    assert dict(again.plan.record.stages) == before


def test_what_ends_before_its_plan_ends_its_bar_too(again, told: Told) -> None:
    progress = Progress(again, "train", seconds=1e9)
    progress("tokens", 40, 100)
    progress.end()
    assert told.percent[-1] == 100.0
    count = len(told.percent)
    progress.end()
    assert len(told.percent) == count, "told once"
