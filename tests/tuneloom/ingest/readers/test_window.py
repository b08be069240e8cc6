"""The window over a document's text."""

import io

import pytest

from tuneloom.ingest.readers import window
from tuneloom.ingest.readers.window import Window


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_CHUNK", 2)


def at(text: str) -> Window:
    return Window(io.BufferedReader(io.BytesIO(text.encode())))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('{"a": tru}, 1]', 10),
        ('{"a": "}\\"]", "b": x}]', 21),
        ('"a\\\\", 1]', 5),
        ("tru, 1]", 3),
        ("tru]", 3),
        ("[[}]]", 4),
        ('{"a": "', None),
    ],
)
def test_where_an_element_ends_wherever_the_window_does(text: str, end: int | None) -> None:
    assert at(text).end_of_element() == end


def test_the_rest_gives_back_the_files_own_bytes() -> None:
    stream = io.BufferedReader(io.BytesIO(b"[1, \xff\xfe\xe4\xb8\xad and more"))
    assert Window(stream).rest() == (b"[1, \xff\xfe\xe4\xb8\xad and more", 18)


def test_a_byte_order_mark_is_no_text() -> None:
    found = at("\ufeff[1]")
    found.skip_blanks(0)
    assert found.letter(0) == "["
