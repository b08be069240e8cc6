"""The list of takedowns: entries a line, old lists as they are, remarks told apart from entries."""

from pathlib import Path

from tuneloom.takedown_list import add_takedowns, parse_list, read_list

A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_entries_are_told_from_where_their_rows_were() -> None:
    assert parse_list(f"# ours\n{A}\n\n{B} # s:a b#1.jsonl:7#2\n{C} {'d' * 32}\n") == {
        A: "", B: "s:a b#1.jsonl:7#2", C: "", "d" * 32: "",
    }  # fmt: skip


def test_adding_keeps_what_is_there_and_counts_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "gone.txt"
    assert read_list(path) == {}
    path.write_text(A)
    assert add_takedowns(path, {A: "s:f:1", B: "s:f:2"}) == 1
    assert add_takedowns(path, {B: "", C: ""}) == 1
    assert path.read_text() == f"{A}\n{B} # s:f:2\n{C}\n"
