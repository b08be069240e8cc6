"""What a stage writes: the same bytes whatever the partitions, all counted, and folders to work in."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import chat, table_of
from tuneloom.artifacts import Artifact, Counts, Spec, Store, Writer
from tuneloom.artifacts.shelves import text_bytes
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
    assert text_bytes(column) == expected
    assert text_bytes(column.slice(0, cut)) + text_bytes(column.slice(cut)) == expected


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
            patch.setattr("tuneloom.artifacts.shelves.PART_BYTES", 1_500)
            made = Store(tmp_path_factory.mktemp("store")).ensure(SPEC, fill)
        return [(file.path, file.digest) for file in made.manifest.files]

    assert digests(rows, lost, []) == digests(rows.take(order), [lost[n] for n in order], sorted(cuts))


def test_many_rejects_are_cut_into_parts_none_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneloom.artifacts.shelves.PART_BYTES", 2_000)

    def fill(writer: Writer) -> None:
        writer.reject(rejects(200))
        writer.count(rows_in=200)

    made = Store(tmp_path).ensure(SPEC, fill)
    sizes = [file.rows for file in made.manifest.files if file.path.startswith("rejected/")]
    assert len(sizes) > 4
    assert max(sizes) < 3 * 200 / len(sizes)
    assert sorted(origin["row"] for origin in made.rejected()["origin"].to_pylist()) == list(range(200))


def test_held_rows_are_counted_kept_apart_and_read_back(tmp_path: Path) -> None:
    rows = table_of(PAIRS)

    def fill(writer: Writer) -> None:
        writer.add(rows.slice(0, 30))
        writer.hold(rows.slice(30))
        writer.count(rows_in=40)

    made = Store(tmp_path).ensure(SPEC, fill)
    assert made.manifest.counts == Counts(rows_in=40, made=0, rows_out=30, rejected=0, held=10)
    assert sorted(made.held()["id"].to_pylist()) == sorted(rows["id"].slice(30).to_pylist())
    assert len(made.table()) == 30


def test_no_held_rows_are_an_empty_table_of_the_kept_schema(tmp_path: Path) -> None:
    def fill(writer: Writer) -> None:
        writer.add(table_of(PAIRS).append_column("side", pa.array(["train"] * 40)))
        writer.count(rows_in=40)

    made = Store(tmp_path).ensure(SPEC, fill)
    assert made.held().equals(made.table().slice(0, 0))


def member(store: Store, code: str = "code") -> Artifact:
    def fill(writer: Writer) -> None:
        writer.add(table_of(PAIRS))
        writer.count(rows_in=40)

    return store.ensure(Spec("ingest", code), fill)


def test_a_union_counts_its_own_rows_and_rejects_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one = member(store)

    def unite(writer: Writer) -> None:
        writer.union([(one.reference, one.manifest.counts, {})])
        writer.add(table_of([("more", "rows")]))
        writer.reject(rejects(2))
        writer.count(rows_in=3)

    united = store.ensure(Spec("ingest", "union", parents=(one.reference,)), unite)
    assert united.manifest.counts == Counts(rows_in=43, made=0, rows_out=41, rejected=2, held=0)
    assert united.manifest.reasons == {"odd": 2}
    assert len(united.table()) == 41


def test_a_union_in_two_calls_adds_up(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, other = member(store), member(store, "other")

    def unite(writer: Writer) -> None:
        for part in (one, other):
            writer.union([(part.reference, part.manifest.counts, {})])

    assert store.ensure(Spec("ingest", "union"), unite).manifest.counts.rows_out == 80


def test_scratch_is_gone_after_the_commit_and_after_a_failure(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fill(writer: Writer) -> None:
        (writer.scratch / "bucket").write_bytes(b"x")
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        store.ensure(SPEC, fill)
    assert not list((tmp_path / ".work").iterdir())

    def finish(writer: Writer) -> None:
        assert not list(writer.scratch.iterdir())
        (writer.scratch / "bucket").write_bytes(b"x")

    made = store.ensure(SPEC, finish)
    assert [path.name for path in made.folder.iterdir() if path.is_dir()] == []


def test_a_checkpoint_survives_kill_9_and_goes_after_the_commit(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal
        from tests.tuneloom.artifacts.test_writer import SPEC
        from tuneloom.artifacts import Store
        def build(writer):
            (writer.resume / "step").write_text("7")
            os.kill(os.getpid(), signal.SIGKILL)
        Store({str(tmp_path)!r}).ensure(SPEC, build)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False)
    assert killed.returncode == -signal.SIGKILL
    seen = []
    made = Store(tmp_path).ensure(SPEC, lambda writer: seen.append((writer.resume / "step").read_text()))
    assert seen == ["7"]
    assert sorted(os.listdir(made.folder)) == ["manifest.json", "stats.json"]
    assert not list((tmp_path / ".work").iterdir())
