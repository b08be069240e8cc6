"""What is new, changed, gone or renamed since the last run that read all its files (runs: tests/tasks)."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.project import plan_of
from tests.flows.projects import make_project, options, run_data_stages
from tuneloom.changes import FileChanges, file_changes, file_name
from tuneloom.plan import Plan
from tuneloom.runs import write_run


def plan(config: Path) -> Plan:
    return plan_of(options(config=config), print)


def ran(config: Path) -> Plan:
    """The plan of a run that ended, noted as its tasks note it."""
    done = plan(config)
    artifacts = run_data_stages(done)
    specs = {stage: spec.as_dict() for stage, spec in done.specs.items()}
    stages = {stage: artifact.reference.key for stage, artifact in artifacts.items()}
    write_run(done.store, replace(done.record, stages=stages, specs=specs))
    return done


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = make_project(tmp_path, sources=[{"name": "s", "path": "*.json"}])
    (tmp_path / "more.json").write_text('[{"instruction": "a", "output": "b"}]')
    return config


def test_before_a_first_run_all_is_new_and_read(config: Path) -> None:
    changes = file_changes(plan(config))
    assert (changes.first, changes.new, changes.reused) == (True, ("s:more.json", "s:rows.json"), 0)
    assert [file_name(one) for one in changes.read] == ["s:more.json", "s:rows.json"]


def test_after_a_run_nothing_is_and_then_what_happened(config: Path) -> None:
    ran(config)
    assert file_changes(plan(config)) == FileChanges(False, (), (), (), (), (), 2)
    (config.parent / "more.json").rename(config.parent / "other.json")
    (config.parent / "rows.json").write_text("[]")
    (config.parent / "third.json").write_text("[{}]")
    changes = file_changes(plan(config))
    assert (changes.new, changes.changed, changes.gone) == (("s:third.json",), ("s:rows.json",), ())
    assert changes.renamed == (("s:more.json", "s:other.json"),)
    assert len(changes.read) == 3


def test_a_run_that_did_not_read_all_is_none_to_compare_with(config: Path) -> None:
    ran(config)
    (config.parent / "third.json").write_text("[{}]")
    begun = plan(config)
    write_run(begun.store, replace(begun.record, specs={"ingest": begun.specs["ingest"].as_dict()}))
    assert file_changes(plan(config)).new == ("s:third.json",)
