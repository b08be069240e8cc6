"""Sheets: what a reviewer gets shows no personal data and no formula, and every slip in it is named."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import chat
from tests.tuneloom.review.reviewed import reviewed
from tuneloom.config import Review
from tuneloom.errors import ConfigError
from tuneloom.records import content_digest
from tuneloom.review.sheet import COLUMNS, _cell, _plain, read_sheet, write_sheet

HOSTILE = '=HYPERLINK("http://x";"y")'
ROWS = [chat("Who, or\nwhat?", "Ask ada@lab.org"), chat(HOSTILE, "@SUM(1)"), chat("问题，一", "＝1+1")]


def filled(path: Path, **values: str) -> Path:
    """A sheet of three held rows, the first filled in."""
    path.unlink(missing_ok=True)
    assert write_sheet(reviewed(path.parent / "store", ROWS, Review(sample=3)), path) == 3
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        rows[0].update(values)
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        rows[0].update(values)
        with path.open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, COLUMNS, delimiter=";")
            table.writeheader()
            table.writerows(rows)
    return path


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.jsonl"])
def test_a_filled_in_sheet_comes_back_as_decisions(tmp_path: Path, name: str) -> None:
    path = filled(tmp_path / name, decision=" Edit ", reviewer="阿达", reason="太长", new_answer="一行\n二行")
    sheet = read_sheet(path, "now")
    (decision,) = sheet.decisions
    assert sheet.open == 2
    assert decision.id in {content_digest(row) for row in ROWS}
    assert (decision.rule, decision.decision, decision.reviewer, decision.time) == ("sample", "edit", "阿达", "now")
    assert decision.new_answer == "一行\n二行"


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.jsonl"])
@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_a_mark_that_some_take_for_the_end_of_a_line_comes_back(tmp_path: Path, name: str, mark: str) -> None:
    path = filled(tmp_path / name, decision="edit", reviewer="a", reason="b", new_answer=f"a{mark}b")
    path.write_text(path.read_text("utf-8-sig").replace(json.dumps(mark)[1:-1], mark), "utf-8")
    assert read_sheet(path, "now").decisions[0].new_answer == f"a{mark}b"


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.jsonl"])
def test_personal_data_is_masked_in_a_sheet(tmp_path: Path, name: str) -> None:
    said = filled(tmp_path / name).read_text("utf-8")
    assert "ada@lab.org" not in said
    assert "Ask <EMAIL>" in said


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    write_sheet(reviewed(tmp_path / "store", ROWS, Review(sample=3)), tmp_path / "sheet.csv")
    with (tmp_path / "sheet.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r＝＋－＠" and cell]
    assert f"'{HOSTILE}" in cells


@given(st.text(alphabet="=+-@' ＝a1\t", max_size=6))
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert _plain(_cell(text)) == text
    assert not _cell(text).startswith(tuple("=+-@\t＝"))


@pytest.mark.parametrize(
    ("shown", "typed", "read"),
    [
        ("5", "'-5' is the answer", "'-5' is the answer"),
        ("-5", "'-5 or so", "-5 or so"),
        ("'-5'", "''-5' it is", "'-5' it is"),
    ],
)
def test_new_words_lose_no_apostrophe_but_one_copied_from_a_guarded_cell(
    tmp_path: Path, shown: str, typed: str, read: str
) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(reviewed(tmp_path / "store", [chat("Which?", shown)], Review(sample=1)), path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    row.update(decision="edit", reviewer="a", reason="b", new_answer=typed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        table.writerow(row)
    assert read_sheet(path, "now").decisions[0].new_answer == read


def test_a_long_conversation_is_clipped_in_a_table_says_so_and_comes_back(tmp_path: Path) -> None:
    held = reviewed(tmp_path / "store", [chat("Write.", "长" * 140_000)], Review(sample=1))
    write_sheet(held, tmp_path / "sheet.csv")
    write_sheet(held, tmp_path / "sheet.jsonl")
    csv.field_size_limit(131_072)  # the module's own default
    assert "more characters: a .jsonl sheet shows them]" in (tmp_path / "sheet.csv").read_text("utf-8")
    assert len(json.loads((tmp_path / "sheet.jsonl").read_text("utf-8"))["conversation"]) > 140_000
    assert read_sheet(tmp_path / "sheet.csv", "now").open == read_sheet(tmp_path / "sheet.jsonl", "now").open == 1


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.jsonl"])
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"decision": "yes", "reviewer": "a"}, "decision"),
        ({"decision": "keep"}, "reviewer"),
        ({"reviewer": "a"}, "decision"),
        ({"decision": "reject", "reviewer": "a"}, "reason"),
        ({"decision": "edit", "reviewer": "a", "reason": "b"}, "new_answer"),
        ({"decision": "keep", "reviewer": "a", "new_answer": "b"}, "new_answer"),
        ({"decision": "keep", "reviewer": "a", "rules": "sample"}, "rules"),
        ({"decision": "keep", "reviewer": "a", "id": ""}, "id"),
    ],
)
def test_a_slip_is_told_with_file_row_and_field(tmp_path: Path, name: str, values: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_sheet(filled(tmp_path / name, **values), "now")
    row = 1 if name.endswith("jsonl") else 2
    assert f"{name}, row {row}, field {field}" in str(caught.value)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,rules\n\xe9".encode("latin-1"))
    (tmp_path / "b.csv").write_text("id,rules\n1,2\n")
    (tmp_path / "c.jsonl").write_text("{")
    for name, told in [("a.csv", "not UTF-8"), ("b.csv", "no column"), ("c.jsonl", "row 1"), ("d.xlsx", "neither")]:
        with pytest.raises(ConfigError, match=told):
            read_sheet(tmp_path / name, "now")


def test_two_words_on_one_row_are_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "sheet.jsonl", decision="keep", reviewer="a")
    line = json.loads(path.read_text().splitlines()[0])
    path.write_text(f"{json.dumps(line)}\n{json.dumps({**line, 'decision': 'reject', 'reason': 'x'})}\n")
    with pytest.raises(ConfigError, match="decided twice"):
        read_sheet(path, "now")
