"""JSON documents: arrays, objects of columns, single objects."""

from pathlib import Path

import pytest

from tuneloom.ingest.readers import Line, ReadFault
from tuneloom.ingest.readers.json_document import read


def lines(tmp_path: Path, content: bytes) -> list[Line]:
    (tmp_path / "f.json").write_bytes(content)
    return list(read(tmp_path / "f.json"))


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, {"a": 2}]',
        b'[\n  {"a": 1},\n  {"a": 2}\n]\n',
        b'\xef\xbb\xbf[{"a": 1},{"a": 2}]',
        b'{"a": [1, 2]}',
    ],
)
def test_arrays_and_columns_are_rows(tmp_path: Path, content: bytes) -> None:
    assert [(line.number, line.value) for line in lines(tmp_path, content)] == [(1, {"a": 1}), (2, {"a": 2})]


def test_one_object_is_one_row(tmp_path: Path) -> None:
    for content in (b'{"Definition": ["d"], "Instances": [{}, {}]}', b'{"messages": [{"role": "user"}, {}]}', b"{}"):
        (line,) = lines(tmp_path, content)
        assert (line.number, line.raw) == (1, content)


def test_elements_keep_their_own_bytes(tmp_path: Path) -> None:
    first, second = lines(tmp_path, '[ {"a":  "é"} , 7 ]'.encode())
    assert (first.raw, second.raw, second.value) == ('{"a":  "é"}'.encode(), b"7", 7)


@pytest.mark.parametrize("content", [b"[]", b"[ ]\n"])
def test_an_empty_array_has_no_rows(tmp_path: Path, content: bytes) -> None:
    assert lines(tmp_path, content) == []


@pytest.mark.parametrize(
    ("content", "good", "left"),
    [
        (b'[{"a": 1}, {"a": tru', 1, b'{"a": tru'),
        (b'[{"a": 1} {"a": 2}]', 1, b'{"a": 2}]'),
        (b'[{"a": 1}, {"a": 2}', 2, b""),
        (b'[{"a": 1}] trailing', 1, b"trailing"),
        (b'{"a": ', 0, b'{"a": '),
    ],
)
def test_after_a_fault_the_rest_is_one_row(tmp_path: Path, content: bytes, good: int, left: bytes) -> None:
    *fine, broken = lines(tmp_path, content)
    assert len(fine) == good
    assert (broken.number, broken.raw) == (good + 1, left)
    assert isinstance(broken.value, ReadFault)


def test_a_fault_within_an_element_costs_only_that(tmp_path: Path) -> None:
    bad, good = lines(tmp_path, b'[{"a": "\\ud800"}, {"a": 1}]')
    assert isinstance(bad.value, ReadFault)
    assert good.value == {"a": 1}
