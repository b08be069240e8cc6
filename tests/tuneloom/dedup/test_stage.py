"""The stage: conservation, witnesses, and the same bytes whatever the order and the partition (T13)."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import Row, ingest_rows, numbered, run, said
from tests.tuneloom.dedup.sources import alpaca, t0
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Dedup, Near
from tuneloom.dedup.fingerprints import fingerprint
from tuneloom.dedup.stage import deduplicate
from tuneloom.records import ROWS, Conversation, Message, Origin


def deduplicated(store: Store, *files: list[Row], config: Dedup | None = None, **priorities: int) -> Artifact:
    rows = ingest_rows(store, *files)
    return run(
        store,
        "dedup",
        rows,
        lambda writer: deduplicate(writer, rows, config or Dedup(), priorities, store),
        {"priorities": priorities, "config": (config or Dedup()).model_dump()},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


LONG = " ".join(f"word{n}" for n in range(40))


def test_each_reject_names_its_survivor_and_the_similarity(store: Store):
    made = deduplicated(store, numbered([said(LONG, "Yes."), said(LONG.upper(), "yes"), said(LONG + " x", "yes")]))
    counts = made.manifest.counts
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (3, 1, 2)
    assert dict(made.manifest.reasons) == {"near duplicate": 2}, "also the one that equals a rejected row"
    kept = made.table()["origin"].to_pylist()[0]
    assert kept["row"] == 3, "the longest survives"
    for reject in made.rejected().to_pylist():
        assert reject["duplicate_of"] == kept
        assert json.loads(reject["record"])["messages"][0]["content"].lower() == LONG
    details = sorted(json.loads(reject["detail"])["similarity"]["prompt"] for reject in made.rejected().to_pylist())
    assert details == [round(36 / 37, 4)] * 2, "an equal of a near-duplicate resembles the survivor just as much"


def test_an_exact_duplicate_says_so(store: Store):
    made = deduplicated(store, numbered([said("a b", "c"), said("A  b.", "C")]))
    (reject,) = made.rejected().to_pylist()
    assert reject["stage"] == "dedup"
    assert reject["reason"] == "exact duplicate"
    assert json.loads(reject["detail"]) == {
        "rule": "exact duplicate",
        "version": "dedup-1",
        "similarity": {"prompt": 1.0, "answer": 1.0},
        "bound": 1.0,
    }


def test_t5_the_survivor_comes_from_the_source_of_higher_priority(store: Store):
    low, high = (numbered([said("Q", "A")], source=name) for name in ("low", "high"))
    made = deduplicated(store, low, high, low=1, high=2)
    assert made.table()["origin"].to_pylist()[0]["source"] == "high"
    made = deduplicated(store, low, high, low=2, high=1)
    assert made.table()["origin"].to_pylist()[0]["source"] == "low"


def test_t5_more_references_survive(store: Store):
    made = deduplicated(store, numbered([said("Q", "A"), said("q", "a", references=("a", "b")), said("Q", "a ")]))
    assert made.table()["origin"].to_pylist()[0]["row"] == 2


def test_rows_that_do_not_train_pass_and_do_not_compete(store: Store):
    rows = [said("Q", "A", use=use) for use in ("evaluate", "evaluate", "decontaminate", "train", "train")]
    made = deduplicated(store, numbered(rows))
    assert made.manifest.counts.rejected == 1
    (reject,) = made.rejected().to_pylist()
    assert reject["duplicate_of"]["row"] in (4, 5)


def test_a_whole_conversation_is_compared(store: Store):
    def talk(middle: str) -> Conversation:
        turns = [("user", LONG), ("assistant", middle), ("user", "go on"), ("assistant", "done")]
        return Conversation(tuple(Message(role, text) for role, text in turns))

    other = " ".join(reversed(LONG.split()))
    made = deduplicated(store, numbered([talk("yes"), talk("Yes!"), talk(other)]))
    assert made.manifest.counts.rows_out == 2


def test_stats_tell_the_largest_cluster_with_a_sample(store: Store):
    made = deduplicated(store, numbered([said(f"{LONG} {n}", "a") for n in range(12)] + [said("b", "c")] * 2))
    assert made.stats["near"] == 11
    assert made.stats["exact"] == 1
    assert made.stats["clusters"] == {"2": 1, "12": 1}
    assert [one["size"] for one in made.stats["largest"]] == [12, 2]
    assert made.stats["largest"][0]["sample"].startswith("word0 word1")


def test_no_rows_at_all_leave_an_empty_artifact(store: Store):
    made = deduplicated(store, [])
    assert (made.manifest.counts.rows_in, made.table().num_rows) == (0, 0)
    assert made.table().schema.names == ROWS.names


def test_off_means_nothing_is_rejected(store: Store):
    made = deduplicated(store, numbered([said(LONG, "a")] * 3), config=Dedup(exact=False, near=None))
    assert made.manifest.counts.rejected == 0


POOL = [
    said(f"{LONG} {extra}".strip(), answer, references=("x",) * more)
    for extra in ("", "x", "y", "x y", "X.")
    for answer in ("yes", "no")
    for more in (0, 1)
] + [
    said("你好，世界", "好"),
    said("你好世界", "好。"),
    said("", ""),
    said("?", "!"),
    said("hi", "yo"),
    said("Hi", "yo"),
    *(
        Conversation(tuple(Message(role, text) for role, text in zip(("user", "assistant") * 3, turns, strict=False)))
        for turns in (("hi", "yo", "so", "ok"), ("hi", "yo", "so", "ok", "and", "no"), ("Hi", "yo", LONG, "ok"))
    ),
]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=25), st.randoms(), st.integers(1, 4))
def test_t13_neither_order_nor_partition_changes_a_byte(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[int], random: random.Random, parts: int
):
    rows = [(Origin("web", f"f{n % 3}.jsonl", n), POOL[pick]) for n, pick in enumerate(chosen)]
    store = Store(tmp_path_factory.mktemp("store"))
    whole = deduplicated(store, rows)
    random.shuffle(rows)
    cut = deduplicated(store, *(rows[part::parts] for part in range(parts)))
    assert whole.manifest.counts == cut.manifest.counts
    assert whole.manifest.counts.rows_in == whole.manifest.counts.rows_out + whole.manifest.counts.rejected
    assert {file.path: file.digest for file in whole.manifest.files} == {
        file.path: file.digest for file in cut.manifest.files
    }
    kept = {tuple(origin.values()) for origin in whole.table(["origin"])["origin"].to_pylist()}
    assert all(tuple(reject["duplicate_of"].values()) in kept for reject in whole.rejected().to_pylist())


def test_t13_real_rows_in_any_partition(store: Store, realdata: Path):
    conversations = [*t0(realdata, files=12), *alpaca(realdata), *alpaca(realdata, "zh/alpaca_zh_demo.json")]
    rows = [(Origin("real", f"f{n % 7}", n), row) for n, row in enumerate(conversations)]
    whole = deduplicated(store, rows)
    random.Random(5).shuffle(rows)
    cut = deduplicated(store, rows[:100], rows[100:1500], rows[1500:])
    assert whole.manifest.counts.rejected > 200
    assert [(file.path, file.digest) for file in whole.manifest.files] == [
        (file.path, file.digest) for file in cut.manifest.files
    ]
    kept = {tuple(origin.values()) for origin in whole.table(["origin"])["origin"].to_pylist()}
    assert all(tuple(reject["duplicate_of"].values()) in kept for reject in whole.rejected().to_pylist())


def test_a_rerun_after_a_new_file_reads_the_known_ones_from_the_memo(store: Store):
    first, second = numbered([said("a", "b")]), numbered([said("A", "b")], file="b.jsonl")
    deduplicated(store, first)
    known = sorted(path.name for path in (store.folder / "memo").rglob("*.parquet"))
    made = deduplicated(store, first, second)
    assert made.manifest.counts.rejected == 1
    now = sorted(path.name for path in (store.folder / "memo").rglob("*.parquet"))
    assert len(now) == len(known) + 1
    assert set(known) <= set(now)


def test_t19_duplicates_within_a_new_file_go_as_those_of_known_rows(store: Store):
    known, new = said(LONG, "a"), said("b c", "d")
    deduplicated(store, numbered([known]))
    made = deduplicated(store, numbered([known]), numbered([known, new, new], file="b.jsonl"))
    kept = made.table(["origin"])["origin"].to_pylist()
    assert len(kept) == 2
    alone = deduplicated(Store(store.folder / "other"), numbered([known]), numbered([known, new, new], file="b.jsonl"))
    assert [file.digest for file in alone.manifest.files] == [file.digest for file in made.manifest.files]


@pytest.mark.parametrize(
    "other", [{"threshold": 0.5}, {"compare": "prompt"}, {"compare": "answer"}, {"search": "exact"}]
)
def test_t22_no_setting_reads_what_another_has_remembered(store: Store, tmp_path: Path, other: dict):
    rows = numbered([said(LONG + f" {'x ' * n}", LONG + f" {'y ' * (n % 3)}") for n in range(12)])
    deduplicated(store, rows)
    config = Dedup(near=Near(**other))
    after, afresh = deduplicated(store, rows, config=config), deduplicated(Store(tmp_path / "new"), rows, config=config)
    assert [file.digest for file in after.manifest.files] == [file.digest for file in afresh.manifest.files]


def test_t16_the_beginning_of_a_conversation_says_so(store: Store):
    longer = Conversation(tuple(Message(r, t) for r, t in zip(("user", "assistant") * 2, "abcd", strict=True)))
    made = deduplicated(store, numbered([said("a", "b"), longer]))
    (reject,) = made.rejected().to_pylist()
    assert (reject["reason"], reject["duplicate_of"]["row"]) == ("beginning of a conversation", 2)
    assert json.loads(reject["detail"])["similarity"] == {"prompt": 1.0, "answer": 1.0}


def test_t2_an_error_in_one_batch_stops_the_stage_and_loses_no_row(store: Store, monkeypatch: pytest.MonkeyPatch):
    def fail_on_odd(table: pa.Table, *rest: object) -> pa.Table:
        if "odd" in table["messages"][0][0]["content"].as_py():
            raise RuntimeError("this batch cannot be read")
        return fingerprint(table, *rest)

    files = [numbered([said(text, "a")], file=text) for text in ("even", "odd", "more")]
    monkeypatch.setattr("tuneloom.dedup.pieces.fingerprint", fail_on_odd)
    with pytest.raises(RuntimeError, match="this batch"):
        deduplicated(store, *files)
    monkeypatch.undo()
    counts = deduplicated(store, *files).manifest.counts
    assert (counts.rows_in, counts.rows_out) == (3, 3)


def test_near_alone_by_prompt(store: Store):
    made = deduplicated(
        store, numbered([said(LONG, "yes"), said(LONG + " x", "no")]), config=Dedup(near=Near(compare="prompt"))
    )
    (reject,) = made.rejected().to_pylist()
    assert json.loads(reject["detail"])["similarity"] == {"prompt": round(36 / 37, 4), "answer": 0.0}
