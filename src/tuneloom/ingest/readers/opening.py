"""Opens a file for reading: decompressed where its first bytes say gzip, zstandard, xz or bzip2, and as UTF-8.

Nothing here blocks: a named pipe, a socket or a device is refused before it is opened.
"""

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from tuneloom.ingest.readers.encodings import as_utf8
from tuneloom.ingest.readers.line import UnreadableFile

FAULTS = (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error)
"""What a stream of `open_bytes` may raise while it is read: the disk's, the decompressor's, the decoder's."""

PACKED_ENDINGS = (".gz", ".zst", ".zstd", ".xz", ".bz2")
_BUFFER = 1 << 16
_GZIP, _ZSTANDARD, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"
_BZIP2 = tuple(b"BZh%d1AY&SY" % level for level in range(1, 10))
_KINDS = {
    stat.S_ISFIFO: "a named pipe, not a file",
    stat.S_ISSOCK: "a socket, not a file",
    stat.S_ISCHR: "a device, not a file",
    stat.S_ISBLK: "a device, not a file",
}


def open_bytes(path: Path) -> BinaryIO:
    """A stream of the file's content, with `read1` and `peek`.

    Raises UnreadableFile for what is no file, OSError, and while reading any of FAULTS, after the bytes before it.
    """
    check_regular(path)
    stream = _unpacked(path)
    return as_utf8(stream, cast(io.BufferedReader, stream).peek(_BUFFER))


def is_plain(path: Path) -> bool:
    """Whether `open_bytes` gives the file's own bytes, so that parts of it can be read apart."""
    with open_bytes(path) as stream:
        return isinstance(getattr(stream, "raw", None), io.FileIO)


def check_regular(path: Path) -> None:
    """Raises UnreadableFile, saying what it is, for what is there and is no file; OSError for what cannot be asked."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableFile("a link to a file that is not there") from None
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableFile("a link that leads to itself") from None
        raise
    if stat.S_ISDIR(mode):
        closed = not os.access(path, os.R_OK | os.X_OK)
        raise UnreadableFile(f"a folder {'that may not be entered' if closed else 'that leads back into itself'}")
    for is_kind, what in _KINDS.items():
        if is_kind(mode):
            raise UnreadableFile(what)


def ending(path: Path) -> str:
    """`rows.JSONL.gz` -> `.jsonl`: the ending of what is inside."""
    return Path(_without_packing(path.name.lower())).suffix


def stem(relative: str) -> str:
    """`a/ag_news_recommend.jsonl.gz` -> `ag_news_recommend`: the file's name without its endings."""
    return Path(_without_packing(Path(relative).name)).stem


def _without_packing(name: str) -> str:
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    return name


def _unpacked(path: Path) -> BinaryIO:
    stream = path.open("rb", buffering=_BUFFER)
    head = cast(io.BufferedReader, stream).peek(10)
    if not head.startswith((_GZIP, _ZSTANDARD, _XZ, *_BZIP2)):
        return stream
    stream.close()
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(_XZ):
        return cast(BinaryIO, lzma.open(path))
    if head.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path))
    # Arrow's, because the others end a file that was cut as if it were whole.
    return io.BufferedReader(cast(io.RawIOBase, pa.CompressedInputStream(str(path), "zstd")))
