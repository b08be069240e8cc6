"""Opens a file for reading, decompressed where its first bytes say gzip, zstandard or xz."""

import gzip
import io
import lzma
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

_GZIP, _ZSTANDARD, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"
PACKED_ENDINGS = (".gz", ".zst", ".zstd", ".xz")


def open_bytes(path: Path) -> BinaryIO:
    """A stream of the file's content; raises OSError, and while reading whatever the decompressor finds wrong."""
    with path.open("rb") as stream:
        head = stream.read(6)
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(_ZSTANDARD):
        frames = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)
        return io.BufferedReader(cast(io.RawIOBase, frames))
    if head.startswith(_XZ):
        return cast(BinaryIO, lzma.open(path))
    return path.open("rb")


def ending(path: Path) -> str:
    """`rows.JSONL.gz` -> `.jsonl`: the ending of what is inside."""
    name = path.name.lower()
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    return Path(name).suffix


def stem(relative: str) -> str:
    """`a/ag_news_recommend.jsonl.gz` -> `ag_news_recommend`: the file's name without its endings."""
    name = Path(relative).name
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    return Path(name).stem


def is_plain(path: Path) -> bool:
    """Whether `open_bytes` gives the file's own bytes, so that parts of it can be read apart."""
    with open_bytes(path) as stream:
        return isinstance(getattr(stream, "raw", None), io.FileIO)
