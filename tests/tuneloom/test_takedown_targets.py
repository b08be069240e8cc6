"""What `forget` is asked to take down: ids, and origins of kept and of rejected rows."""

import json
from pathlib import Path

import pytest

from tests.flows.projects import make_project, run_data_stages
from tuneloom.artifacts import Artifact
from tuneloom.config_file import load_config
from tuneloom.errors import ConfigError
from tuneloom.plan import Plan, make_plan, references
from tuneloom.records import digest
from tuneloom.runs import RunRecord, write_run
from tuneloom.takedown_targets import entries_for, parse_wanted

TREE = {"Definition": ["Add."], "Positive Examples": [], "Negative Examples": []}
TASK = {**TREE, "Instances": [{"input": f"{n}", "output": [f"{n}"] if n else []} for n in range(3)]}


@pytest.mark.parametrize("wanted", ["abc", "Z" * 32, "missing.txt", "rows:f.json", "rows:f.json:x", ":f:1"])
def test_what_is_no_id_no_origin_and_no_file_is_told(wanted: str) -> None:
    with pytest.raises(ConfigError, match="no row id, no origin and no file"):
        parse_wanted(wanted)


def test_a_file_of_ids_and_origins(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text(f"{'0' * 32}\n rows:a b.json:7\n{'0' * 32}\nrows:f:1#2")
    assert parse_wanted(str(tmp_path / "ids")) == ["0" * 32, "rows:a b.json:7", "rows:f:1#2"]
    (tmp_path / "ids").write_text("\n")
    with pytest.raises(ConfigError, match="no id in the file"):
        parse_wanted(str(tmp_path / "ids"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def run(config: Path, *overrides: str) -> tuple[Plan, Artifact]:
    """The data stages of a run, and its record, as runs leave it."""
    plan = make_plan(load_config(config, list(overrides)), config.parent)
    made = run_data_stages(plan)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    stages = {stage: reference.key for stage, reference in references(plan).items() if stage in made}
    write_run(plan.store, RunRecord(plan.record.identity, plan.config.name, stages=stages, specs=specs))
    return plan, made["ingest"]


def entries(plan: Plan, *wanted: str, listed: dict[str, str] | None = None) -> dict[str, str]:
    return entries_for(plan.store, plan.config.name, wanted, listed or {})


def test_a_kept_rows_origin_is_its_id_and_a_rejected_rows_the_digest_of_its_words(config: Path) -> None:
    plan, ingest = run(config)
    kept = {row["origin"]["row"]: row["id"] for row in ingest.table(["id", "origin"]).to_pylist()}
    (reject,) = ingest.rejected().to_pylist()
    assert entries(plan, "rows:rows.json:4", "0" * 32) == {kept[4]: "rows:rows.json:4", "0" * 32: ""}
    assert entries(plan, "rows:rows.json:33") == {digest(reject["raw"]): "rows:rows.json:33"}


def test_an_origin_is_all_parts_of_a_row_unless_it_names_one(config: Path) -> None:
    (config.parent / "rows.json").write_text(json.dumps(TASK))
    plan, ingest = run(config)
    kept = {row["origin"]["part"]: row["id"] for row in ingest.table(["id", "origin"]).to_pylist()}
    (reject,) = ingest.rejected().to_pylist()
    assert reject["origin"]["part"] == 0
    assert {*entries(plan, "rows:rows.json:1")} == {*kept.values(), digest(reject["record"])}
    assert {*entries(plan, "rows:rows.json:1#2")} == {kept[2]}


def test_where_files_differ_the_last_run_says_which_is_meant_and_without_one_nobody(config: Path) -> None:
    rows = json.loads((config.parent / "rows.json").read_text())
    run(config)
    (config.parent / "rows.json").write_text(json.dumps(rows[1:]))
    plan, ingest = run(config)
    (now,) = [row["id"] for row in ingest.table(["id", "origin"]).to_pylist() if row["origin"]["row"] == 4]
    assert {*entries(plan, "rows:rows.json:4")} == {now}
    with pytest.raises(ConfigError, match=f"another row in each of 2 files.*{now}"):
        entries_for(plan.store, "another pipeline", ["rows:rows.json:4"], {})


def test_what_was_read_in_two_ways_goes_in_both(config: Path) -> None:
    run(config)
    sources = '[{"name": "rows", "path": "rows.json", "columns": {"instruction": "output", "output": "instruction"}}]'
    plan, _ = run(config, f"sources={sources}")
    assert len(entries(plan, "rows:rows.json:4")) == 2


def test_an_origin_of_nothing_is_told_unless_the_list_knows_it(config: Path) -> None:
    plan, _ = run(config)
    for origin in ("rows:rows.json:99", "rows:other.json:4"):
        with pytest.raises(ConfigError, match=f"nothing is kept of a row {origin}; nothing was changed"):
            entries(plan, origin)
        assert entries(plan, origin, listed={"0" * 32: origin}) == {"0" * 32: origin}
