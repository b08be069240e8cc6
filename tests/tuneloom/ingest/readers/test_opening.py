"""Compressed files, by their content."""

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from tuneloom.ingest.readers.opening import ending, open_bytes, stem

_PACK = {"gzip": gzip.compress, "xz": lzma.compress, "zstd": zstandard.compress, "plain": bytes}


@pytest.mark.parametrize("kind", _PACK)
def test_every_compression_under_a_name_that_does_not_tell(tmp_path: Path, kind: str) -> None:
    (tmp_path / "f").write_bytes(_PACK[kind](b'{"a": 1}\n{"a": 2}\n'))
    with open_bytes(tmp_path / "f") as stream:
        assert list(stream) == [b'{"a": 1}\n', b'{"a": 2}\n']


def test_two_zstandard_frames_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(zstandard.compress(b"one\n") + zstandard.compress(b"two\n"))
    with open_bytes(tmp_path / "f") as stream:
        assert stream.read() == b"one\ntwo\n"


def test_names_without_their_compression() -> None:
    assert ending(Path("a/rows.JSONL.gz")) == ".jsonl"
    assert stem("a/ag_news_recommend.jsonl.zst") == "ag_news_recommend"
    assert stem("v1.2_train.json") == "v1.2_train"
