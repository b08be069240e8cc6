"""The content decides which reader a file needs."""

from pathlib import Path

import pytest

from tuneloom.ingest.readers.line import UnreadableFile
from tuneloom.ingest.readers.sniff import sniff


def kind(tmp_path: Path, content: bytes, name: str) -> str | None:
    (tmp_path / name).write_bytes(content)
    return sniff(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        (b'{"a": 1}\n{"a": tw', "jsonl"),
        (b'broken\n{"a": 1}\n{"a": 2}\n', "jsonl"),
        (b'{"a": "cut\n{"a": 2}\n', "jsonl"),
        (b'[{"a": 1}, {"a": 2}]', "json_document"),
        (b'[\n{"a": 1},\n{"a": 2}\n]', "json_document"),
        (b'[{"a": 1},\n{"a": 2}]', "json_document"),
        (b'[\n {"conversations": [\n  {"from": "human"},\n  {"from": "gpt"}\n ]}\n]', "json_document"),
        (b'{\n "a": [1],\n "b": [2]\n}', "json_document"),
        (b'\xef\xbb\xbf[{"a": 1}]', "json_document"),
        (b'[{"a": "' + b"x" * 200_000 + b'"}, {"a": 1}]', "json_document"),
        (b'{"a": "' + b"x" * 200_000 + b'"}\n{"a": 1}\n', "jsonl"),
        (b'{\n"a": 1\n}\n{\n"a": 2\n}\n', "json_document"),
        ('[{"a": 1}]'.encode("utf-16"), "json_document"),
    ],
)
@pytest.mark.parametrize("name", ["f.json", "f.txt", "f.jsonl", "f"])
def test_the_ending_may_lie(tmp_path: Path, content: bytes, expected: str, name: str) -> None:
    assert kind(tmp_path, content, name) == expected


@pytest.mark.parametrize("content", [b"q\ta\n1\t2\n", b"q,a\n1,2\n"])
@pytest.mark.parametrize("name", ["f.csv", "f.txt", "f.json", "f"])
def test_tables_are_told_by_their_marks(tmp_path: Path, content: bytes, name: str) -> None:
    assert kind(tmp_path, content, name) == "delimited"


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_file_of_blanks_is_empty(tmp_path: Path, content: bytes) -> None:
    assert kind(tmp_path, content, "f.jsonl") is None


def test_a_first_line_longer_than_the_sample_is_read_whole(tmp_path: Path) -> None:
    row = b'{"a": "' + b"x" * 200_000 + b'"}\n'
    assert kind(tmp_path, row * 2, "f.json") == "jsonl"
    assert kind(tmp_path, row, "f.jsonl") == "jsonl"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG image"),
        (b"\x8a\x8b\x8c", r"neither JSON nor a table; it begins with '\\\\x8a"),
        (b"x" * 50 + b" 13812345678", r"x <PHONE>'$"),
    ],
)
def test_what_nobody_reads_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why):
        kind(tmp_path, content, "f.dat")
