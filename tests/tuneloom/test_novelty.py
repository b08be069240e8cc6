"""New rows train from the budget on; what a person changed always does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.test_refresh import write_project
from tests.tasks.conftest import Told, listen, plan_run, walk
from tuneloom.config_file import load_config
from tuneloom.novelty import too_little_new
from tuneloom.plan import Plan, make_plan
from tuneloom.runs import write_run


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return listen(monkeypatch)


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path, told: Told) -> Path:
    """A project whose data were prepared and, says its record, released."""
    config = write_project(tmp_path, tiny_model)
    record = prepared(config, told).record
    store = make_plan(load_config(config), tmp_path).store
    write_run(store, replace(record, stages={**record.stages, "release": "0" * 32}))
    return config


def prepared(config: Path, told: Told, *settings: str) -> Plan:
    run = plan_run(config, told, *settings)
    walk(run, last="mixture")
    return run.plan


def add_rows(config: Path, count: int) -> None:
    with (config.parent / "rows.jsonl").open("a") as file:
        for n in range(count):
            file.write(
                "\n" + json.dumps({"instruction": f"What is thing {n}{n} like, in short?", "output": f"Red {n}"})
            )


def test_a_few_new_rows_wait_and_say_how_many_are_asked_for(config: Path, told: Told) -> None:
    add_rows(config, 6)
    waits = too_little_new(prepared(config, told, "budgets.fresh=50"))
    assert waits is not None
    assert waits.endswith("budgets.fresh asks for 50")
    assert 0 < int(waits.split()[0]) <= 7


@pytest.mark.parametrize("fresh", ["0", "3", "0.02"])
def test_enough_new_rows_train(config: Path, told: Told, fresh: str) -> None:
    add_rows(config, 20)
    assert too_little_new(prepared(config, told, f"budgets.fresh={fresh}")) is None


def test_new_rows_that_wait_are_counted_together_with_those_of_later_days(config: Path, told: Told) -> None:
    add_rows(config, 6)
    assert too_little_new(prepared(config, told, "budgets.fresh=15"))
    add_rows(config, 30)
    assert too_little_new(prepared(config, told, "budgets.fresh=15")) is None


@pytest.mark.parametrize("setting", ["train.rank=4", "mixture.cap=100", "split.test=0.2", "quality.rules=none"])
def test_a_changed_setting_trains_however_few_rows_are_new(config: Path, told: Told, setting: str) -> None:
    assert too_little_new(prepared(config, told, "budgets.fresh=1000", setting)) is None


def test_without_a_release_to_compare_with_a_run_trains(tmp_path: Path, tiny_model: Path, told: Told) -> None:
    config = write_project(tmp_path, tiny_model)
    assert too_little_new(prepared(config, told, "budgets.fresh=1000")) is None
