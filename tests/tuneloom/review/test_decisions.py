"""The file of decisions: the last word counts, nothing is lost, and what is wrong is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuneloom.errors import ConfigError
from tuneloom.review.decisions import Decision, add_decisions, decisions_key, forget_decisions, read_decisions

KEEP = Decision("a" * 32, "sample", "keep", "ada", "2026-01-01T00:00:00+00:00")
REJECT = Decision("a" * 32, "sample", "reject", "bob", "2026-01-02T00:00:00+00:00", "答案错了")
EDIT = Decision("b" * 32, "near: repeated phrase", "edit", "ada", "", "shorter", new_answer="是")


def test_the_last_word_on_a_row_and_rule_counts(tmp_path: Path) -> None:
    path = tmp_path / "new/decisions.jsonl"
    add_decisions(path, [KEEP, EDIT])
    assert read_decisions(path) == (KEEP, EDIT)
    add_decisions(path, [REJECT])
    assert read_decisions(path) == (REJECT, EDIT)
    assert len(path.read_text("utf-8").splitlines()) == 3
    assert "答案错了" in path.read_text("utf-8")


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\r"])
def test_a_mark_that_some_take_for_the_end_of_a_line_is_text_like_any_other(tmp_path: Path, mark: str) -> None:
    edit = replace(EDIT, new_answer=f"a{mark}b")
    add_decisions(tmp_path / "d.jsonl", [edit])
    assert read_decisions(tmp_path / "d.jsonl") == (edit,)


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    add_decisions(path, [KEEP])
    with pytest.raises(ConfigError, match="line 2"):
        add_decisions(path, [replace(KEEP, reviewer="")])
    assert read_decisions(path) == (KEEP,)
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_said_of_a_row_that_is_taken_down_goes_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    other = replace(EDIT, reason=f'like "id": "{KEEP.id}"')
    add_decisions(path, [KEEP, other, REJECT])
    path.write_text(path.read_text("utf-8") + f'{{"id":"{KEEP.id}", "new_answer": "half a line')
    assert forget_decisions(path, {KEEP.id}) == 3
    assert read_decisions(path) == (other,)
    assert forget_decisions(path, {KEEP.id}) == forget_decisions(tmp_path / "none.jsonl", {KEEP.id}) == 0


def test_the_key_is_that_of_what_was_decided_not_of_the_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    add_decisions(one, [KEEP, EDIT, REJECT])
    add_decisions(two, [EDIT, REJECT])
    assert decisions_key(read_decisions(one)) == decisions_key(read_decisions(two)) != decisions_key([KEEP, EDIT])


def test_a_file_that_is_not_there_yet_decides_nothing(tmp_path: Path) -> None:
    assert read_decisions(tmp_path / "none.jsonl") == read_decisions(None) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "no JSON"),
        ("[1]", "no object of texts"),
        ('{"id": "a", "rule": "r", "decision": "maybe", "reviewer": "x"}', "field decision"),
        ('{"id": "a", "rule": "r", "decision": "keep"}', "field reviewer"),
        ('{"id": "a", "rule": "r", "decision": "reject", "reviewer": "x"}', "field reason"),
        ('{"id": "a", "rule": "r", "decision": "edit", "reviewer": "x", "reason": "y"}', "new_answer"),
        ('{"id": "a", "rule": "r", "decision": "keep", "reviewer": "x", "new_answer": "y"}', "decision is keep"),
        ('{"id": "a", "rule": "r", "decision": "keep", "reviewer": "x", "mood": "y"}', "unknown field 'mood'"),
    ],
)
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_decisions(path)
    assert told in str(caught.value)
    assert "decisions.jsonl: line 2" in str(caught.value)
