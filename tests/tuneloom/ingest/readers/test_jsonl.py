"""JSON lines, as they come."""

from pathlib import Path

import pytest

from tuneloom.ingest.readers import Line, ReadFault, jsonl
from tuneloom.ingest.readers.jsonl import read


def lines(tmp_path: Path, content: bytes) -> list[Line]:
    (tmp_path / "f.jsonl").write_bytes(content)
    return list(read(tmp_path / "f.jsonl"))


def test_rows_are_numbered_by_their_lines_and_blank_lines_are_none(tmp_path: Path) -> None:
    assert lines(tmp_path, b'{"a": 1}\n\n \n{"a": 2}\n') == [
        Line(1, b'{"a": 1}', {"a": 1}),
        Line(4, b'{"a": 2}', {"a": 2}),
    ]


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    assert [line.value for line in lines(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n')] == [{"a": 1}, {"a": 2}]


def test_unicode_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, '{"a": "x\u2028y\x85z"}\n'.encode())
    assert line.value == {"a": "x\u2028y\x85z"}


def test_a_truncated_last_line_keeps_its_bytes(tmp_path: Path) -> None:
    _, cut = lines(tmp_path, b'{"a": 1}\n{"a": "tw')
    assert (cut.number, cut.raw) == (2, b'{"a": "tw')
    assert isinstance(cut.value, ReadFault)
    assert cut.value.reason == "unreadable row"


def test_nul_bytes_and_bad_utf8_cost_one_row(tmp_path: Path) -> None:
    found = lines(tmp_path, b'{"a": "\x00"}\n{"a": "\xff"}\n{"a": 1}\n')
    assert [isinstance(line.value, ReadFault) for line in found] == [True, True, False]
    assert "0xff at 7" in found[1].value.evidence


def test_other_json_values_are_left_to_the_stage(tmp_path: Path) -> None:
    assert [line.value for line in lines(tmp_path, b'7\n["a"]\nnull\n')] == [7, ["a"], None]


def test_a_line_without_an_end_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LONGEST", 100)
    long = b'{"a": "' + b"x" * 1_000 + b'"}'
    (tmp_path / "f.jsonl").write_bytes(b"\n".join([b'{"a": 1}', long, b'{"a": 2}']))
    found = list(jsonl.read(tmp_path / "f.jsonl"))
    assert [line.number for line in found] == [1, 2, 3]
    assert found[1].value.reason == "row too long"
    assert [found[0].value, found[2].value] == [{"a": 1}, {"a": 2}]
