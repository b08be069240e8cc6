"""What strict JSON refuses, and why."""

import pytest

from tuneloom.ingest.readers.decoding import decode
from tuneloom.ingest.readers.line import ReadFault


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": ', "unreadable row"),
        (b"{'a': 1}", "unreadable row"),
        (b'{"a": 1} {"a": 2}', "unreadable row"),
        (b'{"output": "x", "output": ""}', "duplicate key"),
        (b'{"a": {"b": 1, "b": 1}}', "duplicate key"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"\\uDC00": 1}', "lone surrogate"),
        (b'{"a": "\xed\xa0\x80"}', "unreadable row"),
        (b'{"a": ' + b"[" * 150 + b"]" * 150 + b"}", "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "unreadable row"),
    ],
)
def test_each_fault_has_its_reason(raw: bytes, reason: str) -> None:
    found = decode(raw)
    assert isinstance(found, ReadFault)
    assert found.reason == reason
    assert found.evidence


def test_what_is_fine_stays_fine() -> None:
    assert decode(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}
    assert decode(b'{"a": NaN}') == {"a": None}
    many = b'{"a": [' + b", ".join([b'{"b": []}'] * 200) + b"]}"
    assert decode(many) == {"a": [{"b": []}] * 200}


def test_a_number_that_no_float_holds_stays_as_it_is_written() -> None:
    assert decode(b'{"a": 1e999, "b": -1E400, "c": 1.5}') == {"a": "1e999", "b": "-1E400", "c": 1.5}
