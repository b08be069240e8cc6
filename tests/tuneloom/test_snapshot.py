"""What differs between the data of two runs, and why."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import chat
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.errors import BrokenArtifact
from tuneloom.records import Origin, Reject, to_table
from tuneloom.runs import RunRecord
from tuneloom.snapshot import STAGES, check_snapshot, difference, lines, snapshot_of, store_difference, table

Place = tuple[str, int]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def ran(
    store: Store,
    identity: str,
    files: Mapping[str, str],
    rows: Mapping[Place, tuple[str, str]],
    rejected: Mapping[Place, tuple[str, str]] | None = None,
    repeat: int = 1,
    edited: str = "",
) -> RunRecord:
    """A run whose mixture holds `rows`, (file, row) -> (prompt, side), and whose stages rejected (stage, reason)."""
    made: dict[str, Artifact] = {}
    listed = [["web", file, digest] for file, digest in files.items()]
    for stage in STAGES:

        def build(writer: Writer, stage: str = stage) -> None:
            mine = [(place, why) for place, (where, why) in (rejected or {}).items() if where == stage]
            writer.count(rows_in=len(rows) + len(mine))
            writer.reject([Reject(Origin("web", *place), why) for place, why in mine if why != "held"])
            if held := [(Origin("web", *place), chat("held", "a")) for place, why in mine if why == "held"]:
                writer.hold(to_table(held))
            kept = to_table((Origin("web", *place), chat(prompt, "a")) for place, (prompt, _) in rows.items())
            hashes = pa.array([edited or one for one in kept["id"].to_pylist()], pa.string())
            kept = kept.set_column(kept.schema.get_field_index("content_hash"), "content_hash", hashes)
            sides = pa.array([side for _, side in rows.values()], pa.string())
            writer.add(
                kept.append_column("side", sides).append_column("repeat", pa.array([repeat] * len(rows), pa.int32()))
            )

        made[stage] = store.ensure(Spec(stage, identity, inputs={"files": listed}), build)
    return RunRecord(identity, "p", stages={stage: one.reference.key for stage, one in made.items()})


def told(store: Store, before: RunRecord, now: RunRecord) -> dict:
    return difference(snapshot_of(store, before), snapshot_of(store, now))


def reasons(found: dict) -> dict[str, dict[str, int]]:
    return {kind: {why: one["rows"] for why, one in by.items()} for kind, by in found["reasons"].items()}


ROWS = {
    ("a", 1): ("one", "train"),
    ("a", 2): ("two", "train"),
    ("a", 3): ("three", "test"),
    ("b", 1): ("four", "train"),
}


def test_each_row_that_came_or_went_says_why(store: Store) -> None:
    before = ran(store, "old", {"a": "1", "b": "1", "c": "1"}, ROWS, {("c", 1): ("quality", "too short")})
    rows = {
        ("a", 3): ("three", "test"),
        ("c", 1): ("five", "train"),
        ("d", 1): ("six", "train"),
        ("d", 2): ("seven", "test"),
    }
    rejected = {("a", 1): ("ingest", "taken down"), ("a", 2): ("dedup", "near duplicate")}
    now = ran(store, "new", {"a": "1", "c": "1", "d": "1"}, rows, rejected)
    found = told(store, before, now)
    assert reasons(found) == {
        "added": {"new file": 2, "no longer too short": 1},
        "gone": {"its file is gone": 1, "now near duplicate": 1, "now taken down": 1},
        "changed": {},
    }
    assert found["reasons"]["added"]["new file"]["examples"] == ["web:d:1", "web:d:2"]
    assert found["sides"]["train"] == {"before": 3, "now": 2, "added": 2, "gone": 3, "changed": 0}
    assert found["sides"]["test"] == {"before": 1, "now": 2, "added": 1, "gone": 0, "changed": 0}
    assert next(lines(found)) == "  train      3 -> 2 rows: 2 added, 3 gone"
    assert {"change": "gone", "rows": 1, "why": "its file is gone", "examples": "web:b:1"} in table(found)


def test_review_says_why_rows_came_and_went(store: Store) -> None:
    files, kept = {"a": "1"}, {("a", 3): ROWS["a", 3]}
    lost = {("a", 1): ("review", "held"), ("a", 2): ("review", "rejected in review")}
    before, now = (
        ran(store, "old", files, {k: v for k, v in ROWS.items() if k[0] == "a"}),
        ran(store, "new", files, kept, lost),
    )
    assert reasons(told(store, before, now))["gone"] == {"now held": 1, "now rejected in review": 1}
    assert reasons(told(store, now, before))["added"] == {"no longer held": 1, "no longer rejected in review": 1}


def test_the_words_of_rejected_rows_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = (ran(store, name, {"a": "1"}, ROWS, {("a", 9): ("ingest", "empty answer")}) for name in ("o", "n"))
    read, columns = pq.read_table, list[set[str]]()
    monkeypatch.setattr(pq, "read_table", lambda *a, **k: columns.append(set(k["columns"])) or read(*a, **k))
    told(store, before, now)
    assert not set.union(*columns) & {"raw", "record", "messages"}


def test_rows_of_a_file_that_was_written_anew(store: Store) -> None:
    before = ran(store, "old", {"a": "1"}, {("a", 1): ("one", "train"), ("a", 2): ("two", "train")})
    now = ran(store, "new", {"a": "2"}, {("a", 1): ("zero", "train"), ("a", 2): ("one", "train")})
    assert reasons(told(store, before, now)) == {
        "added": {"new in its file": 1}, "gone": {"no longer in its file, or rejected there": 1}, "changed": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [({"repeat": 2}, "used 2 times, was 1"), ({"edited": "masked"}, "edited otherwise"), ({}, "train -> test")],
)
def test_a_row_that_stays_may_have_changed(store: Store, change: dict, why: str) -> None:
    files, row = {"a": "1"}, {("a", 1): ("one", "train")}
    before = ran(store, "old", files, row)
    now = ran(store, "new", files, row if change else {("a", 1): ("one", "test")}, **change)
    assert reasons(told(store, before, now))["changed"] == {why: 1}


def test_the_same_data_say_nothing(store: Store) -> None:
    before, now = (ran(store, name, {"a": "1"}, ROWS) for name in ("old", "new"))
    assert list(lines(told(store, before, now))) == table(told(store, before, now)) == []


def test_it_is_stored_beside_both_and_names_no_words(store: Store) -> None:
    before, now = (
        snapshot_of(store, ran(store, n, {n: "1"}, {(n, 1): (f"words {n}", "train")})) for n in ("old", "new")
    )
    made = store_difference(store, before, now)
    assert made.manifest.parents == (now.stages["mixture"].reference, before.stages["mixture"].reference)
    assert made.stats == difference(before, now)
    assert "words" not in made.path("stats.json").read_text()


def test_a_run_whose_data_are_gone_cannot_be_compared(store: Store) -> None:
    record = ran(store, "old", {"a": "1"}, ROWS)
    store.take_down(snapshot_of(store, record).stages["quality"].reference, [], "asked")
    assert snapshot_of(store, record) is None
    with pytest.raises(BrokenArtifact, match="data of run old are not in the store"):
        check_snapshot(None, record)
