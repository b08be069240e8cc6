"""Flat lines: what the kernel reads is what the strict parser reads, and what it doubts it leaves."""

import json

import pytest

from tuneloom.ingest.readers import flat_lines as module
from tuneloom.ingest.readers.flat_lines import BLANK, FLAT, OTHER, flat_lines


def test_values_are_found_where_they_stand_whatever_their_order() -> None:
    text = b'{"q": "Hi", "a": "Oh"}\n\n{"a":"1\\"2" ,\t"q":""}\r\n'
    found = flat_lines(text, ("q", "a"))
    assert found.states.tolist() == [FLAT, BLANK, FLAT]
    assert [[text[start:end] for start, end in spans] for spans in found.spans[[0, 2]]] == [
        [b"Hi", b"Oh"], [b"", b'1\\"2'],
    ]  # fmt: skip
    assert [found.raw(i) for i in range(3)] == text.split(b"\n")[:3]


@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("after", range(9))
def test_the_end_of_a_text_is_found_at_every_place_in_a_word(before: int, after: int) -> None:
    text = json.dumps({"q": "x" * before + '"\\' + "y" * after, "a": "z" * 40}).encode()
    assert flat_lines(text, ("q", "a")).states.tolist() == [FLAT]
    for byte in (b"\t", b"\x00", b"\x1f"):
        assert flat_lines(text.replace(b"z" * 40, b"z" * after + byte), ("q", "a")).states.tolist() == [OTHER]


@pytest.mark.parametrize(
    "line",
    [
        b'{"q": "Hi"}', b'{"q": "Hi", "q": "Oh"}', b'{"q": "Hi", "a": "Oh", "n": "1"}', b'{"q": "Hi", "a": 1}', b"[]",
        b'{"q": "Hi", "a": null}', b'{"q": "Hi", "a": "Oh"} {}', b'{"q": "Hi", "a": "Oh",}',
        b'{"q": "Hi", "a": "Oh', b"{", b'{"q": "Hi", "a": "\\',
        b'{"q" "Hi", "a": "Oh"}', b'{"\\u0071": "Hi", "a": "Oh"}',
        b'{"q": "\xff", "a": "Oh"}', b"\x0b",
    ],
)  # fmt: skip
def test_every_other_line_is_left_to_the_strict_parser(line: bytes) -> None:
    assert flat_lines(line, ("q", "a")).states.tolist() == [OTHER]
    assert flat_lines(line + b"\n", ("q", "a")).raw(0) == line


def test_a_row_that_is_too_long_is_left_to_the_strict_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 30)
    text = b'{"q": "Hi", "a": "Oh"}\n{"q": "Hi", "a": "Oh, that is long"}\n'
    assert flat_lines(text, ("q", "a")).states.tolist() == [FLAT, OTHER]
