"""The one way in, and what is wrong with a file as a whole."""

import bz2
import gzip
import json
import lzma
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tuneloom.ingest.readers import Line, ReadFault, UnreadableFile, read


def test_rows_before_a_cut_in_a_compressed_file_are_kept(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b'{"a": %d}\n' % i for i in range(50_000)))
    (tmp_path / "f.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    numbers: list[int] = []
    with pytest.raises(UnreadableFile, match="EOFError"):
        numbers.extend(line.value["a"] for line in read(tmp_path / "f.jsonl.gz"))
    assert len(numbers) > 10_000
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_small_compressed_file_cut_short_keeps_its_rows(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    # random letters, so that a block of any kind ends within the half that is left
    rows = b"".join(b'{"a": "%s"}\n' % os.urandom(2_000).hex().encode() for _ in range(600))
    (tmp_path / "f.jsonl.gz").write_bytes(packed(rows)[: len(packed(rows)) * 4 // 5])
    kept: list[int] = []
    with pytest.raises(UnreadableFile, match=r"EOFError|Truncated"):
        kept.extend(line.number for line in read(tmp_path / "f.jsonl.gz"))
    assert kept == list(range(1, len(kept) + 1))
    assert 100 < len(kept) < 600


def test_an_array_cut_short_within_its_compression_keeps_its_rows(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps([{"a": os.urandom(50).hex()} for _ in range(500)]).encode())
    (tmp_path / "f.json").write_bytes(packed[: len(packed) // 2])
    kept: list[int] = []
    with pytest.raises(UnreadableFile, match="EOFError"):
        kept.extend(line.number for line in read(tmp_path / "f.json"))
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) > 200


def test_members_of_a_gzip_file_follow_one_another(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(gzip.compress(b'{"a": 1}\n{"a"') + gzip.compress(b": 2}\n") + b"\0" * 512)
    assert [line.value for line in read(tmp_path / "f.jsonl")] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("content", [b'[{"a": "\xff"}, {"a": 1}]', b'[{"a": 1}, {\xff}]'])
def test_an_element_in_another_encoding_costs_only_itself(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.json").write_bytes(content)
    found = list(read(tmp_path / "f.json"))
    assert sorted(isinstance(line.value, ReadFault) for line in found) == [False, True]
    (bad,) = [line for line in found if isinstance(line.value, ReadFault)]
    assert b"\xff" in (bad.raw or b"")
    assert "byte 0xff at" in bad.value.evidence


def test_the_reason_never_names_this_machines_folders(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        list(read(tmp_path / "gone.jsonl"))
    assert str(caught.value) == "FileNotFoundError: No such file or directory"


def test_a_disk_that_fails_is_not_the_datas_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "f.jsonl").write_bytes(b"{}")
    monkeypatch.setattr(Path, "open", fails)
    with pytest.raises(OSError, match="Input/output error"):
        list(read(tmp_path / "f.jsonl"))


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    (tmp_path / "f.jsonl").write_bytes(b"{}")
    monkeypatch.setattr(Path, "open", closed)  # the tests may run as root, who may read everything
    with pytest.raises(UnreadableFile) as caught:
        list(read(tmp_path / "f.jsonl"))
    assert str(caught.value) == "PermissionError: Permission denied"


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b" " * 70_000])
@pytest.mark.parametrize("name", ["f.jsonl", "f.json", "f.csv", "f"])
def test_an_empty_file_and_one_of_blanks_have_no_rows(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert list(read(tmp_path / name)) == []


def test_a_named_pipe_a_socket_and_broken_links_are_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jsonl"))
    (tmp_path / "broken.jsonl").symlink_to(tmp_path / "gone.jsonl")
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    for name, why in [
        ("pipe.jsonl", "a named pipe, not a file"),
        ("s.jsonl", "a socket, not a file"),
        ("broken.jsonl", "a link to a file that is not there"),
        ("loop.jsonl", "a link that leads to itself"),
    ]:
        with pytest.raises(UnreadableFile) as caught:
            list(read(tmp_path / name))
        assert str(caught.value) == why


_GOOD = {"q": "1+1?", "a": "2"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.jsonl", b'{"q": "1+1?", "a": "2"}\n{"q": "%s", "a": "x"}\n'),
        ("f.json", b'[{"q": "1+1?", "a": "2"}, {"q": "%s", "a": "x"}]'),
        ("f.csv", b"q,a\n1+1?,2\n%s,x\n"),
    ],
)
def test_a_row_of_50_megabytes_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content % (b"x" * 50_000_000))
    first, second = read(tmp_path / name)
    assert first.value == _GOOD
    assert len(second.value["q"]) == 50_000_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["f.jsonl", "f.json", "f.csv", "f.tsv"])
def test_every_line_end_in_every_encoding_gives_the_same_rows(
    tmp_path: Path, name: str, encoding: str, end: str
) -> None:
    texts = {
        "f.jsonl": ['{"q": "café", "a": "是"}', '{"q": "1+1?", "a": "2"}'],
        "f.json": ["[", '{"q": "café", "a": "是"},', '{"q": "1+1?", "a": "2"}', "]"],
        "f.csv": ["q,a", "café,是", "1+1?,2"],
        "f.tsv": ["q\ta", "café\t是", "1+1?\t2"],
    }
    (tmp_path / name).write_bytes((end.join(texts[name]) + end).encode(encoding))
    assert [line.value for line in read(tmp_path / name)] == [{"q": "café", "a": "是"}, _GOOD]


def test_a_last_line_that_was_cut_costs_only_itself(tmp_path: Path) -> None:
    for name, content in [("f.jsonl", b'{"q": "1+1?", "a": "2"}\n{"q": "1+'), ("f.csv", b'q,a\n1+1?,2\n"1+')]:
        (tmp_path / name).write_bytes(content)
        good, cut = read(tmp_path / name)
        assert (good.value, cut.number) == (_GOOD, 2)
        assert (cut.raw or b"").endswith(b"1+")
        assert isinstance(cut.value, ReadFault)


def test_zero_bytes_cost_only_their_row(tmp_path: Path) -> None:
    for name, content in [
        ("f.jsonl", b'{"q": "x\0", "a": "2"}\n{"q": "1+1?", "a": "2"}\n'),
        ("f.json", b'[{"q": "x\0", "a": "2"}, {"q": "1+1?", "a": "2"}]'),
        ("f.csv", b"q,a\nx\0,2\n1+1?,2\n"),
    ]:
        (tmp_path / name).write_bytes(content)
        bad, good = read(tmp_path / name)
        assert (good.value, type(bad.value), b"\0" in (bad.raw or b"")) == (_GOOD, ReadFault, True)


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        (b"PK\x03\x04rest", "f.jsonl", "a ZIP archive; unpack it"),
        (b"PK\x03\x04rest", "f.xlsx", "an Excel workbook; save the sheet as CSV"),
        (b"%PDF-1.7\n{}", "f.json", "a PDF document"),
        (b"\x80\x04\x95\x10\0.", "f.json", "a Python pickle, which can run code and is not opened"),
        (b"\x89PNG\r\n\x1a\n\0", "f.csv", "a PNG image"),
        (b"x" * 257 + b"ustar\0" + b"\0" * 300, "f.jsonl", "a tar archive; unpack it"),
        (gzip.compress(b"x" * 257 + b"ustar\0" + b"\0" * 300), "f.tar.gz", "a tar archive; unpack it"),
        (b"<!DOCTYPE html>\n<p>404</p>", "f.jsonl", "a web page or XML, perhaps what a failed download left"),
        (b"\0" * 1_000, "f.jsonl", "zero bytes only, as a crash leaves them"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "f.jsonl",
         "a Git LFS pointer, not the file itself; run `git lfs pull`"),
        (b"# Data\n\nOne, two.\nThree, four.\n", "README.md", "a document"),
        (b"Apache License\n", "LICENSE", "a document"),
        (b"a, b = 1, 2\nc, d = 3, 4\n", "load.py", "a program's text"),
        (b'{"cells": []}', "look.ipynb", "a document"),
        (b'{"description": ""}', "dataset_infos.json", "a description of a data set"),
    ],
)  # fmt: skip
def test_what_is_no_data_is_one_faulty_row_that_says_what_it_is(
    tmp_path: Path, content: bytes, name: str, what: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert list(read(tmp_path / name)) == [Line(0, None, ReadFault("not a data file", what))]


def test_a_data_file_under_the_name_of_a_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b'{"a": 1}\n{"a": 2}\n')
    (tmp_path / "ORCS.csv").write_bytes(b"ORC,ID3\n1,2\n")
    assert [line.value for line in read(tmp_path / "README.md")] == [{"a": 1}, {"a": 2}]
    assert [line.value for line in read(tmp_path / "ORCS.csv")] == [{"ORC": "1", "ID3": "2"}]


def test_a_line_in_gbk_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes('{"q": "一加一等于几", "a": "二"}\n{"q": "1+1?", "a": "2"}\n'.encode("gbk"))
    bad, good = read(tmp_path / "f.jsonl")
    assert good.value == _GOOD
    assert "it looks like GB18030 (GBK): convert the file" in bad.value.evidence
