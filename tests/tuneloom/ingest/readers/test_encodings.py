"""Text in other encodings: decoded where it says how, named where it does not."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.ingest.readers.encodings import as_utf8, not_utf8


@settings(deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30_000),
    encoding=st.sampled_from(["utf-16", "utf-32"]),
)
def test_a_stream_with_a_mark_is_read_as_utf8_wherever_its_blocks_end(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    found = as_utf8(io.BufferedReader(io.BytesIO(content)), content[:64]).read().decode()
    assert found == (text if "\n" in text or "\r" not in text.rstrip("\r") else text.replace("\r", "\n"))


def test_utf8_is_left_alone() -> None:
    stream = io.BytesIO(b"a\r\nb")
    assert as_utf8(stream, b"a\r\nb") is stream


def test_half_a_pair_in_utf16_is_at_fault_where_it_stands() -> None:
    content = "﻿a\n".encode("utf-16-le") + b"\x00\xd8" + "\n".encode("utf-16-le")
    first, second = as_utf8(io.BufferedReader(io.BytesIO(content)), content[:64])
    assert first == b"a\n"
    assert not_utf8(second).reason == "unreadable row"
    assert not_utf8(second).evidence == "\\ud800 is half of a character"


def test_a_half_letter_at_the_end_comes_after_what_is_good() -> None:
    content = "\ufeffab\n".encode("utf-16-le") + b"c"
    stream = as_utf8(io.BufferedReader(io.BytesIO(content)), content[:64])
    assert stream.readline() == b"ab\n"
    with pytest.raises(UnicodeDecodeError, match="truncated data"):
        stream.readline()


@pytest.mark.parametrize(
    ("raw", "likely"),
    [
        ("请写一首关于春天的诗。".encode("gbk"), "GB18030 (GBK)"),
        ('{"q": "1加1等于几?", "a": "二"}'.encode("gb18030"), "GB18030 (GBK)"),
        ("Où est le café de Zürich ?".encode("latin-1"), "Latin-1 (Windows-1252)"),
        ("It’s “quoted”".encode("cp1252"), "Latin-1 (Windows-1252)"),
        ("请写一首诗".encode() + b"\xff", None),
        (bytes(range(128, 200)), None),
    ],
)
def test_the_evidence_names_the_likely_encoding(raw: bytes, likely: str | None) -> None:
    fault = not_utf8(raw)
    assert fault.reason == "unreadable row"
    assert f"looks like {likely}" in fault.evidence if likely else "looks like" not in fault.evidence
