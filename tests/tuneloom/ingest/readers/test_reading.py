"""The one way in, and what is wrong with a file as a whole."""

import gzip
from pathlib import Path

import pytest

from tuneloom.ingest.readers import UnreadableFile, read


def test_rows_before_a_cut_in_a_compressed_file_are_kept(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b'{"a": %d}\n' % i for i in range(50_000)))
    (tmp_path / "f.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    numbers: list[int] = []
    with pytest.raises(UnreadableFile, match="EOFError"):
        numbers.extend(line.value["a"] for line in read(tmp_path / "f.jsonl.gz"))
    assert len(numbers) > 10_000
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("content", [b'[{"a": "\xff"}]', b"{\n\xff"])
def test_a_document_in_another_encoding_is_unreadable_as_a_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(UnreadableFile, match="UnicodeDecodeError"):
        list(read(tmp_path / "f.json"))


def test_the_reason_never_names_this_machines_folders(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        list(read(tmp_path / "gone.jsonl"))
    assert str(caught.value) == "FileNotFoundError: No such file or directory"


def test_a_disk_that_fails_is_not_the_datas_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fails)
    with pytest.raises(OSError, match="Input/output error"):
        list(read(tmp_path / "f.jsonl"))


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(b"")
    assert list(read(tmp_path / "f.jsonl")) == []
