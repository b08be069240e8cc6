"""Arrow values as JSON knows them."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.ingest.readers.arrow_values import plain_values

_MAP = pa.map_(pa.string(), pa.list_(pa.map_(pa.string(), pa.int64())))


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (pa.int64(), [2**62, None], [2**62, None]),
        (pa.uint64(), [2**64 - 1], [2**64 - 1]),
        (pa.float64(), [0.1, float("nan"), float("inf"), None], [0.1, None, None, None]),
        (pa.list_(pa.float64()), [[float("nan"), 1.5], None, []], [[None, 1.5], None, []]),
        (pa.decimal128(38, 10), [Decimal("12345678901234567890.0000000001")], ["12345678901234567890.0000000001"]),
        (pa.date32(), [date(2026, 1, 2), None], ["2026-01-02", None]),
        (pa.timestamp("us"), [datetime(2026, 1, 2, 3, 4, 5, 6)], ["2026-01-02 03:04:05.000006"]),
        (pa.timestamp("s", "UTC"), [datetime(2026, 1, 2, tzinfo=UTC)], ["2026-01-02 00:00:00+00:00"]),
        (pa.timestamp("ns"), [1], ["1970-01-01 00:00:00.000000001"]),
        (pa.time32("s"), [time(3, 4)], ["03:04:00"]),
        (pa.duration("s"), [timedelta(seconds=61)], ["0:01:01"]),
        (pa.binary(), ["é".encode(), b"\xff\x00", None], ["é", "data:;base64,/wA=", None]),
        (pa.dictionary(pa.int8(), pa.string()), ["a", "b", None, "a"], ["a", "b", None, "a"]),
        (pa.large_string(), ["a"], ["a"]),
        (pa.string_view(), ["a"], ["a"]),
        (pa.list_(pa.string(), 2), [["a", "b"]], [["a", "b"]]),
        (_MAP, [[("k", [[("n", 1)]])], None, []], [{"k": [{"n": 1}]}, None, {}]),
        (pa.map_(pa.int64(), pa.string()), [[(1, "a"), (1, "b")]], [[["1", "a"], ["1", "b"]]]),
        (pa.struct({"day": pa.date32()}), [{"day": date(2026, 1, 2)}, None], [{"day": "2026-01-02"}, None]),
        (pa.struct([]), [{}, None], [{}, None]),
        (pa.uuid(), [UUID(int=1).bytes], ["00000000-0000-0000-0000-000000000001"]),
        (pa.null(), [None], [None]),
    ],
)
def test_each_type(kind: pa.DataType, values: list[Any], expected: list[Any]) -> None:
    found = plain_values(pa.array(values, kind))
    assert found == expected
    json.dumps(found, allow_nan=False)


_TAGS = pa.map_(pa.string(), pa.int64())
_MESSAGES = pa.list_(pa.struct({"role": pa.string(), "content": pa.string(), "n": pa.list_(pa.int64()), "m": _TAGS}))
_MESSAGE = st.fixed_dictionaries(
    {
        "role": st.none() | st.text(max_size=4),
        "content": st.none() | st.text(max_size=4),
        "n": st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=3),
        "m": st.none() | st.dictionaries(st.text(max_size=2), st.none() | st.integers(-9, 9), max_size=3),
    }
)


@settings(deadline=None)
@given(
    rows=st.lists(st.none() | st.lists(st.none() | _MESSAGE, max_size=3), max_size=8),
    start=st.integers(0, 8),
    length=st.integers(0, 8),
)
def test_nested_columns_taken_apart_give_what_arrow_gives_whatever_part_is_asked_for(
    rows: list[Any], start: int, length: int
) -> None:
    column = pa.array(rows, _MESSAGES).slice(start, length)
    assert plain_values(column) == column.to_pylist(maps_as_pydicts="strict")
