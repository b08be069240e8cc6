"""What a stage writes: the same bytes whatever the partitions."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import chat
from tuneloom.artifacts import Spec, Store, Writer
from tuneloom.artifacts.writer import _text_bytes
from tuneloom.records import Origin, Reject, to_table

PAIRS = [(f"question {n}", f"answer {n}") for n in range(40)]
SPEC = Spec("ingest", "code")


def rejects(number: int) -> list[Reject]:
    return [Reject(Origin("made", "rows.jsonl", n), "odd", {"n": n}, record="x" * 40) for n in range(number)]


MAPS = st.lists(st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3), max_size=12)


@given(values=MAPS, data=st.data())
def test_text_is_measured_alike_however_a_column_is_sliced(values: list, data: st.DataObject) -> None:
    column = pa.chunked_array([pa.array(values, pa.map_(pa.string(), pa.string()))])
    cut = data.draw(st.integers(0, len(values)))
    expected = sum(len((k + v).encode()) for row in values for k, v in (row or {}).items())
    assert _text_bytes(column) == expected
    assert _text_bytes(column.slice(0, cut)) + _text_bytes(column.slice(cut)) == expected


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(40)), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_the_parts_do_not_depend_on_the_partitions(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cuts: list[int]
) -> None:
    rows = to_table(
        (Origin("made", "rows.jsonl", n), chat(*pair, fields={"instruction": pair[0]})) for n, pair in enumerate(PAIRS)
    )
    lost = rejects(40)

    def digests(table: pa.Table, refused: list[Reject], edges: list[int]) -> list:
        def fill(writer: Writer) -> None:
            for start, end in zip([0, *edges], [*edges, 40], strict=True):
                writer.add(table.slice(start, end - start))
                writer.reject(refused[start:end])
            writer.count(rows_in=80)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tuneloom.artifacts.writer.PART_BYTES", 1_500)
            made = Store(tmp_path_factory.mktemp("store")).ensure(SPEC, fill)
        return [(file.path, file.digest) for file in made.manifest.files]

    assert digests(rows, lost, []) == digests(rows.take(order), [lost[n] for n in order], sorted(cuts))


def test_many_rejects_are_cut_into_parts_none_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneloom.artifacts.writer.PART_BYTES", 2_000)

    def fill(writer: Writer) -> None:
        writer.reject(rejects(200))
        writer.count(rows_in=200)

    made = Store(tmp_path).ensure(SPEC, fill)
    sizes = [file.rows for file in made.manifest.files if file.path.startswith("rejected/")]
    assert len(sizes) > 4
    assert max(sizes) < 3 * 200 / len(sizes)
    assert sorted(origin["row"] for origin in made.rejected()["origin"].to_pylist()) == list(range(200))
