"""Reasons name the changed setting or file."""

from pathlib import Path

from tests.tuneloom.plan.planned import config, keys
from tuneloom.plan import make_plan, why
from tuneloom.runs import RunRecord, write_run


def test_why_names_the_setting_and_the_file(project: Path) -> None:
    plan = make_plan(config(), project)
    assert why(plan, "dedup") == "never ran"
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    assert why(plan, "dedup") == "its artifact is gone"
    (project / "data" / "c.json").write_text("[]")
    (project / "data" / "a.json").write_text("[{}]")
    (project / "data" / "b.json").unlink()
    later = make_plan(config(dedup={"near": {"threshold": 0.7}}), project)
    assert why(later, "ingest") == "file s:a.json changed; file s:b.json is gone; file s:c.json is new"
    assert why(later, "dedup") == "near.threshold 0.8 -> 0.7"
    assert why(later, "split") == "dedup changed"
    assert why(later, "evaluate") == "after the champion is known"


def test_why_ingest_runs_names_the_source_and_its_setting(project: Path) -> None:
    plan = make_plan(config(), project)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    named = {"name": "s", "path": "data/*.json", "format": "alpaca"}
    assert why(make_plan(config(sources=[named]), project), "ingest") == "sources.s.format auto -> alpaca"
    more = [{"name": "s", "path": "data/*.json"}, {"name": "t", "path": "data/a.json"}]
    assert why(make_plan(config(sources=more), project), "ingest") == "sources.t is new; file t:a.json is new"
    allowed = make_plan(config(licenses={"allow": ["MIT"]}), project)
    assert why(allowed, "ingest") == "licenses.allow None -> ['MIT']"


def test_of_many_changes_the_first_are_named(project: Path) -> None:
    plan = make_plan(config(), project)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    for number in range(9):
        (project / "data" / f"n{number}.json").write_text("[{}]")
    assert why(make_plan(config(), project), "ingest").endswith("file s:n3.json is new; and 5 more")
