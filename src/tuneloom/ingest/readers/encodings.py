"""Text that is not plain UTF-8: decoded where the file itself says how, else rejected with the likely encoding.

UTF-16 and UTF-32 are told by their byte order mark (UTF-16 of ASCII letters also by its zeros, RFC 4627 section 3).
Whether bytes are GB18030 or Latin-1 is a guess, so it stands in the evidence of a fault and is never acted on.
"""

import codecs
import io
import re
from collections.abc import Callable
from typing import BinaryIO, Protocol

from tuneloom.ingest.readers.line import ReadFault

BOM = codecs.BOM_UTF8
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LITTLE, _BIG = re.compile(rb"(?:[\t\r\n -~]\0){2}"), re.compile(rb"(?:\0[\t\r\n -~]){2}")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_HIGH = re.compile(rb"[\x80-\xff]+")
_GB2312 = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


class _Chunked(Protocol):
    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Converted(io.RawIOBase):
    """A stream whose bytes go through `convert(bytes, whether they are the last)`; a fault comes after what is good."""

    def __init__(self, source: _Chunked, convert: Callable[[bytes, bool], bytes]) -> None:
        self._source, self._convert, self._ready, self._ended = source, convert, b"", False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview", /) -> int:  # type: ignore[override]
        """Fills `buffer`; 0 at the end."""
        while not self._ready and not self._ended:
            data = self._source.read1(io.DEFAULT_BUFFER_SIZE)
            self._ended = not data
            self._ready = self._convert(data, self._ended)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def close(self) -> None:
        """Closes the source too."""
        self._source.close()
        super().close()


def as_utf8(stream: BinaryIO, head: bytes) -> BinaryIO:
    """`stream`, which begins with `head`, as UTF-8 in lines that end with \\n; itself where it is that already.

    "a" in UTF-16 with its mark, b'\\xff\\xfea\\0' -> b"a". A file that has \\r and no \\n is of the old Macintosh
    kind, which Excel still writes. Half a UTF-16 pair becomes three bytes that are no UTF-8: its row is at fault.
    """
    if encoding := _wide_encoding(head):
        decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        wide = Converted(stream, lambda data, last: decoder.decode(data, last).encode("utf-8", "surrogatepass"))  # type: ignore[arg-type]
        text = io.BufferedReader(wide, 1 << 16)
        return as_utf8(text, text.peek())
    if b"\r" in head.rstrip(b"\r") and b"\n" not in head:
        return io.BufferedReader(Converted(stream, lambda data, last: data.replace(b"\r", b"\n")))  # type: ignore[arg-type]
    return stream


def not_utf8(raw: bytes) -> ReadFault:
    """The fault of a row that is no UTF-8, with the encoding it looks like.

    "人工智能".encode("gbk") -> ReadFault("unreadable row", "byte 0xc8 at 0 is not UTF-8; it looks like GB18030 ...").
    """
    if half := _SURROGATE.search(raw):
        letter = half[0].decode("utf-8", "surrogatepass")
        return ReadFault("unreadable row", f"\\u{ord(letter):04x} is half of a character")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = f"byte {raw[error.start]:#04x} at {error.start} is not UTF-8"
        likely = _likely_encoding(raw)
        return ReadFault("unreadable row", f"{place}; it looks like {likely}: convert the file" if likely else place)
    raise ValueError("these bytes are UTF-8")


def _wide_encoding(head: bytes) -> str | None:
    """A codec's name: those without `-le` or `-be` read the mark and drop it."""
    if head.startswith(_UTF_32):
        return "utf-32"
    if head.startswith(_UTF_16):
        return "utf-16"
    if _LITTLE.match(head):
        return "utf-16-le"
    return "utf-16-be" if _BIG.match(head) else None


def _likely_encoding(raw: bytes) -> str | None:
    """Bytes in pairs of GB2312's range are Chinese; single high bytes among ASCII are western; else nobody knows."""
    runs = _HIGH.findall(raw)
    high = sum(map(len, runs))
    in_utf8 = sum(len(letter.encode()) for letter in raw.decode("utf-8", "ignore") if not letter.isascii())
    if 2 * in_utf8 > high:
        return None  # UTF-8 with some damage
    pairs = sum(2 * len(_GB2312.findall(run)) for run in runs)
    if pairs >= 0.8 * high and _decodes(raw, "gb18030"):
        return "GB18030 (GBK)"
    if sum(len(run) == 1 for run in runs) >= 0.6 * len(runs):
        return "Latin-1 (Windows-1252)"
    return None


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
