"""Memos compute once, tell damage from truth, and keep their values for ever."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.artifacts import Store
from tuneloom.errors import BrokenArtifact


class Maker:
    """Makes `x` = the length of each text, and remembers what it was asked for."""

    def __init__(self, texts: list[str], add: int = 0) -> None:
        self.texts, self.add, self.asked = texts, add, list[str]()

    def __call__(self, positions: pa.Array) -> pa.Table:
        asked = [self.texts[n] for n in positions.to_pylist()]
        self.asked += asked
        return pa.table({"x": pa.array([len(text) + self.add for text in asked], pa.int64())})


def files(folder: Path) -> list[Path]:
    return sorted((folder / "memo").rglob("*.parquet"))


def test_a_memo_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []
    for _ in range(2):
        table = Store(tmp_path).memo("signatures-v1", "k", lambda: made.append(1) or pa.table({"x": [1, 2]}))
        assert table["x"].to_pylist() == [1, 2]
    assert made == [1]


def damaged(content: bytes, how: str) -> bytes:
    if how == "cut":
        return content[:4]
    if how == "empty":
        return b""
    if how == "other":
        return b"no Parquet at all"
    flipped = bytearray(content)
    flipped[content.index(b"\x07\x00\x00\x00\x00\x00\x00\x00")] ^= 8
    return bytes(flipped)


@pytest.mark.parametrize("how", ["cut", "empty", "other", "flip"])
@pytest.mark.parametrize("kind", ["table", "rows"])
def test_a_damaged_memo_is_said_and_made_again(
    tmp_path: Path, how: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = pq.write_table
    monkeypatch.setattr(pq, "write_table", lambda table, path, **_: write(table, path, compression="none"))
    said: list[str] = []
    store, made = Store(tmp_path, said.append), list[int]()

    def get() -> list[int]:
        def make(*_: object) -> pa.Table:
            made.append(1)
            return pa.table({"x": [7]})

        table = store.memo("v1", "k", make) if kind == "table" else store.memo_rows("v1", ["h"], make)
        return table["x"].to_pylist()

    assert get() == [7]
    (path,) = files(tmp_path)
    path.write_bytes(damaged(path.read_bytes(), how))
    assert get() == get() == [7]
    assert made == [1, 1]
    assert "is damaged; it is made again" in said[0]


def test_a_memo_that_cannot_be_read_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.memo("v1", "k", lambda: pa.table({"x": [1]}))

    def fail(_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        assert store.memo("v1", "k", lambda: pa.table({"x": [1]}))["x"].to_pylist() == [1]


def test_keys_that_begin_alike_are_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.memo("v1", "a-b", lambda: pa.table({"x": [1]}))
    assert store.memo("v1", "a", lambda: pa.table({"x": [2]}))["x"].to_pylist() == [2]


def test_known_memos_are_looked_up_and_none_is_made(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.known_memos("links-v1", ["a-1"]) == {}
    for key in ("a-1", "b-2", "a-1-c"):
        store.memo("links-v1", key, lambda key=key: pa.table({"x": [key]}))
    found = store.known_memos("links-v1", ["a-1", "b", "b-2", "c"])
    assert {key: table["x"].to_pylist() for key, table in found.items()} == {"a-1": ["a-1"], "b-2": ["b-2"]}
    assert len(files(tmp_path)) == 3


@settings(max_examples=25, deadline=None)
@given(calls=st.lists(st.lists(st.text("abc", max_size=3), max_size=8), max_size=4))
def test_rows_come_in_the_order_asked_and_each_is_made_once(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[str]]
) -> None:
    folder, ever = tmp_path_factory.mktemp("store"), list[str]()
    for texts in calls:
        maker = Maker(texts)
        table = Store(folder).memo_rows("length-v1", texts, maker)
        assert table.column_names == ["x"]
        assert table["x"].to_pylist() == [len(text) for text in texts]
        ever += maker.asked
    assert sorted(ever) == sorted(set(ever))


def test_a_refresh_makes_new_rows_only(tmp_path: Path) -> None:
    Store(tmp_path).memo_rows("v1", ["a", "bb"], Maker(["a", "bb"]))
    maker = Maker(["ccc", "bb", "ccc", "a"])
    rows = Store(tmp_path).memo_rows("v1", pa.array(maker.texts), maker)
    assert rows["x"].to_pylist() == [3, 2, 3, 1]
    assert maker.asked == ["ccc"]
    assert len(files(tmp_path)) == 2


def test_what_another_process_stored_meanwhile_stands(tmp_path: Path) -> None:
    texts = ["a", "bb", "ccc"]

    class Slow(Maker):
        def __call__(self, positions: pa.Array) -> pa.Table:
            Store(tmp_path).memo_rows("v1", texts[:2], Maker(texts[:2]))
            return super().__call__(positions)

    expected = [1, 2, 103]
    assert Store(tmp_path).memo_rows("v1", texts, Slow(texts, add=100))["x"].to_pylist() == expected
    assert Store(tmp_path).memo_rows("v1", texts, Maker(texts))["x"].to_pylist() == expected


def test_processes_at_once_read_the_same_values(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, sys, time
        import pyarrow as pa
        from tuneloom.artifacts import Store
        hashes = [str(n) for n in range(50)]
        def make(positions):
            time.sleep(0.3)
            return pa.table({{"x": [os.getpid()] * len(positions)}})
        print(Store({str(tmp_path)!r}).memo_rows("v1", hashes, make)["x"].to_pylist())
        """
    )
    racers = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    values = {racer.communicate(timeout=60)[0] for racer in racers}
    assert len(values) == 1
    assert [racer.returncode for racer in racers] == [0, 0, 0]


@pytest.mark.parametrize(
    ("table", "told"), [({"x": [1]}, "2 rows were asked for, 1 came"), ({"y": [1, 2]}, "Raise the version")]
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, table: dict, told: str) -> None:
    store = Store(tmp_path)
    store.memo_rows("v1", ["a"], Maker(["a"]))
    with pytest.raises(BrokenArtifact, match=told):
        store.memo_rows("v1", ["a", "b", "c"], lambda positions: pa.table(table))
