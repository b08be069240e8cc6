"""`tuneloom trace`: a row's life, and where a source's rows went."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config whose first stages ran."""
    path = make_project(tmp_path)
    run_data_stages(plan_to_run(options(config=path), print))
    return path


def test_a_rows_life_is_told_stage_by_stage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(config), "number 3 in"]) == 0
    told = capsys.readouterr().out
    kept, twin = told.split("rows:rows.json:31")[0], told.split("rows:rows.json:31", 1)[1]
    assert kept.startswith("rows:rows.json:4  id ")
    assert kept.count("kept") == 3
    assert "rejected  exact duplicate, duplicate of rows:rows.json:4" in twin
    assert "split" not in twin


def test_personal_data_are_found_and_not_shown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(config), "jane.doe@example.com"]) == 0
    told = capsys.readouterr().out
    assert "<EMAIL>" in told
    assert "jane" not in told


@pytest.mark.parametrize("answer", ["kept", ""])
def test_a_number_at_the_cut_is_masked_before_it_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    card = "4111 1111 1111 1111"
    config = make_project(tmp_path)
    rows = [{"instruction": f"q{n}q" + "y" * n + f" {card}", "output": answer} for n in range(230, 300, 5)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    run_data_stages(plan_to_run(options(config=config), print))
    for n in range(230, 300, 5):
        assert main(["trace", str(config), f"q{n}q"]) == 0
    told = capsys.readouterr().out
    assert "<CARD>" in told
    assert card[:4] not in told


def test_a_row_that_was_never_read_has_no_id(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(config), "Say nothing"]) == 0
    told = capsys.readouterr().out
    assert "rows:rows.json:33  id (none: rejected when it was read)" in told
    assert "rejected  empty answer" in told


def test_a_source_has_a_line_a_stage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(config), "--source", "rows"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[1], line[3]) for line in lines] == [
        ("ingest", "32", "1"),
        ("dedup", "31", "1"),
        ("split", "31", "0"),
    ]


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["no such words"], 3, "no row holds 'no such words'"),
        (["--source", "row"], 2, "Sources: rows."),
        ([], 2, "nothing to trace"),
    ],
)
def test_what_cannot_be_traced_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, told: str
) -> None:
    assert main(["trace", str(config), *more]) == code
    assert told in capsys.readouterr().err


def test_before_a_run_trace_points_to_prepare_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_project(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["trace", str(config), "number 3"]) == 3
    assert "prepare" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_tracing_is_not_running(config: Path) -> None:
    last = (config.parent / ".tuneloom" / "last.json").read_text()
    assert main(["trace", str(config), "number 3", "--set", "dedup.near=null"]) == 0
    assert (config.parent / ".tuneloom" / "last.json").read_text() == last
