"""What a person sees while a run goes on, and the rows of the table at its end."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from flows import console
from flows.console import TerminalReporter, stage_objects, stage_table
from tests.rows import table_of
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.records import Origin, Reject


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """5 rows in, 3 out, 2 rejected."""

    def build(writer) -> None:
        writer.count(rows_in=5)
        writer.add(table_of([(f"question {n}", "answer") for n in range(3)]))
        writer.reject([Reject(Origin("s", "f", n), why) for n, why in ((8, "too long"), (9, "refusal"))])

    return Store(tmp_path).ensure(Spec("quality", "code"), build)


@pytest.fixture
def reporter() -> TerminalReporter:
    return as_terminal(False)


def as_terminal(is_one: bool) -> TerminalReporter:
    """A reporter whose output can be read."""
    found = TerminalReporter()
    found.console = Console(file=io.StringIO(), force_terminal=is_one, width=120, soft_wrap=True, highlight=False)
    return found


def text_of(reporter: TerminalReporter) -> str:
    return reporter.console.file.getvalue()  # type: ignore[attr-defined]


def test_off_a_terminal_a_step_tells_its_progress_every_20_seconds(
    reporter: TerminalReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 9))
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    for done in range(1, 10):
        reporter.progress("train", "tokens", done * 1000, 9000)
    lines = text_of(reporter).splitlines()
    assert 1 <= len(lines) <= 6
    assert "train: tokens" in lines[0]
    assert "of 9,000" in lines[0]
    assert "\x1b" not in text_of(reporter)


def test_on_a_terminal_it_is_a_bar_that_goes_away() -> None:
    reporter = as_terminal(True)
    reporter.progress("train", "tokens", 1, 2)
    reporter.close()
    assert "\x1b[2K" in text_of(reporter)  # the line is wiped


def test_a_stage_ends_with_its_rows_and_seconds_or_as_reused(reporter: TerminalReporter, artifact: Artifact) -> None:
    reporter.end("quality", artifact)
    reporter.end("quality", artifact.as_reused())
    made, reused = text_of(reporter).splitlines()
    assert made.split()[:7] == ["quality", "5", "in", "3", "out", "2", "rejected"]
    assert reused.endswith("reused")


def test_what_looks_like_markup_in_a_message_is_shown_as_it_is(reporter: TerminalReporter) -> None:
    reporter.say("no format claims [/bold] of [red]x")
    assert text_of(reporter).strip() == "no format claims [/bold] of [red]x"


def test_the_table_has_a_line_a_stage_that_ran(reporter: TerminalReporter, artifact: Artifact) -> None:
    reporter.console.print(stage_table({"quality": artifact, "train": None}))
    header, line = text_of(reporter).splitlines()
    assert header.split() == ["stage", "in", "out", "rejected", "why", "seconds"]
    assert line.split()[:4] == ["quality", "5", "3", "2"]
    assert "1 too long" in line
    assert "1 refusal" in line


def test_rows_that_a_stage_made_are_told_so_that_the_numbers_add_up(reporter: TerminalReporter, tmp_path: Path) -> None:
    def build(writer) -> None:
        writer.count(rows_in=1, made=2)
        writer.add(table_of([(f"question {n}", "answer") for n in range(3)]))

    artifact = Store(tmp_path).ensure(Spec("ingest", "code"), build)
    reporter.end("ingest", artifact)
    reporter.console.print(stage_table({"ingest": artifact}))
    told, header, line = text_of(reporter).splitlines()
    assert told.split()[:9] == ["ingest", "1", "in", "+", "2", "made", "3", "out", "0"]
    assert header.split()[:5] == ["stage", "in", "made", "out", "rejected"]
    assert line.split()[:5] == ["ingest", "1", "2", "3", "0"]


def test_a_stage_object_holds_what_the_contract_says(artifact: Artifact) -> None:
    (found,) = stage_objects({"quality": artifact.as_reused(), "train": None})
    assert found.pop("seconds") >= 0
    assert found == {
        "stage": "quality",
        "key": artifact.reference.key,
        "path": str(artifact.folder),
        "cached": True,
        "rows_in": 5,
        "made": 0,
        "rows_out": 3,
        "rejected": 2,
        "held": 0,
    }


def test_what_is_said_is_said_as_it_is(capsys: pytest.CaptureFixture) -> None:
    """The origin of a row is neither markup nor the name of a picture."""
    TerminalReporter().say("web:b:1 [bold] :smile:")
    assert capsys.readouterr().out == "web:b:1 [bold] :smile:\n"
