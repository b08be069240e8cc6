"""JSON documents: arrays, objects of columns, single objects."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.ingest.readers import Line, ReadFault, json_document, window
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
        b'{"a": {"0": 1, "1": 2}}',
        b'{\n "a": 1\n}\n{\n "a": 2\n}\n',
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
        (b'[{"a": 1}, {"a": "x" y"}, {"a": 2}]', 1, b'{"a": "x" y"}, {"a": 2}]'),
        (b'{"a": 1}\n{"a": ', 1, b'{"a": '),
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


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (b'{"a": tru}', "unreadable row"),
        (b'{"a": "he said "no" twice"}', "unreadable row"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'{"a": "\\x"}', "unreadable row"),
        (b'{"a": "b\nc"}', "unreadable row"),
        (b"[" * 3_000 + b"]" * 3_000, "nested too deeply"),
        (b'{"a": "\xc8\xcb\xb9\xa4\xd6\xc7\xc4\xdc"}', "unreadable row"),
        (b'{"a": "\xed\xa0\x80"}', "unreadable row"),
        (b"", "unreadable row"),
    ],
)
def test_an_element_whose_brackets_close_costs_only_itself(tmp_path: Path, element: bytes, reason: str) -> None:
    first, bad, last = lines(tmp_path, b'[{"a": 1}, ' + element + b', {"a": 2}]')
    assert (first.value, bad.raw, last.value) == ({"a": 1}, element, {"a": 2})
    assert (bad.number, last.number, bad.value.reason) == (2, 3, reason)


def test_a_document_in_gbk_says_so_even_where_halves_of_its_letters_look_like_marks(tmp_path: Path) -> None:
    good, rest = lines(tmp_path, '[{"a": 1}, {"a": "请写一首关于春天的诗誠"}, {"a": 2}]'.encode("gb18030"))
    assert good.value == {"a": 1}
    assert "it looks like GB18030 (GBK)" in rest.value.evidence


def test_the_place_of_an_error_is_counted_from_the_rows_own_beginning(tmp_path: Path) -> None:
    _, bad = lines(tmp_path, b'[{"a": 1},\n {"a": tru}]')
    assert bad.value.evidence == "Expecting value: line 1 column 7 (char 6)"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(_VALUES, max_size=8),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    ascii_=st.booleans(),
)
def test_where_the_window_ends_changes_no_row(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], chunk: int, indent: int | None, ascii_: bool
) -> None:
    file = tmp_path_factory.mktemp("array") / "f.json"
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_)
    file.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "_CHUNK", chunk)
        found = list(read(file))
    assert [line.value for line in found] == values
    assert [json.loads(line.raw or b"") for line in found] == values
    assert [line.number for line in found] == list(range(1, len(values) + 1))


@settings(deadline=None, max_examples=60)
@given(
    content=st.lists(
        st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"a", b"1", b" ", b"\xff"]), max_size=25
    )
)
def test_a_mangled_array_gives_the_same_lines_in_a_small_window(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes]
) -> None:
    file = tmp_path_factory.mktemp("array") / "f.json"
    file.write_bytes(b'[{"a": 1}, ' + b"".join(content))
    whole = list(read(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "_CHUNK", 1)
        assert list(read(file)) == whole


def test_a_large_array_is_read_in_little_memory(tmp_path: Path) -> None:
    row = json.dumps({"a": "x" * 1_000})
    (tmp_path / "f.json").write_text("[" + ",".join([row] * 40_000) + "]")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(tmp_path / "f.json")) == 40_000
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_a_row_longer_than_the_bound_takes_the_rest_and_only_its_beginning_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (window, json_document):
        monkeypatch.setattr(module, "LONGEST", 4_000)
    monkeypatch.setattr(window, "_CHUNK", 1_000)
    monkeypatch.setattr(window, "SHOWN", 10)
    monkeypatch.setattr(window.Window.full, "__defaults__", (4_000,))
    monkeypatch.setattr(json_document._value, "__defaults__", (4_000,))
    good, long = lines(tmp_path, b'[{"a": 1}, {"a": "' + b"x" * 50_000 + b'"}, {"a": 2}]')
    assert (good.value, long.raw, long.value.reason) == ({"a": 1}, b'{"a": "xxx', "row too long")
    assert "the 50020 bytes from here" in long.value.evidence
    assert "the first 10 are kept" in long.value.evidence
