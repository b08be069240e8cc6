"""A refresh: what was released stays on its side, whatever comes, and it is what a full recompute would give."""

import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import Row, numbered, said
from tests.tuneloom.split.test_stage import PASSAGES, sides, splitted
from tuneloom.artifacts import Artifact, Store
from tuneloom.records import SIDES, Conversation, Example, Message
from tuneloom.released import ANCHORS, ReleasedIndex

HALVES = {"validation": 0.2, "test": 0.3}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def index_of(made: Artifact) -> ReleasedIndex:
    """As if all rows of a split were released."""
    rows = pl.DataFrame(pl.from_arrow(made.table(["id", "side"]))).filter(pl.col("side").is_in(SIDES))
    rows = rows.unique("id").join(pl.read_parquet(made.path(ANCHORS)).unique("id"), on="id").sort("id")
    numbers = np.array([SIDES.index(side) for side in rows["side"]], np.uint8)
    return ReleasedIndex(rows["id"].to_arrow().cast(pa.string()), numbers, rows["anchor"].to_numpy())


def by_id(made: Artifact) -> dict[str, str]:
    rows = made.table(["id", "side"]).to_pylist()
    return {row["id"]: row["side"] for row in rows}


def asked(*numbers: int, file: str = "a.jsonl") -> list[Row]:
    """One answer each to questions by number: rows of one number share their prompt."""
    return numbered([said(f"What is number {n}?", f"{file} {place}") for place, n in enumerate(numbers)], file=file)


numbers = st.lists(st.integers(0, 40), min_size=1, max_size=40)


@settings(deadline=None, max_examples=10)
@given(numbers, numbers, st.randoms(use_true_random=False))
def test_a_refresh_given_the_index_equals_a_full_recompute_in_any_order_of_files(first, new, random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warm, cold = Store(f"{folder}/warm"), Store(f"{folder}/cold")
        old = asked(*first)
        index = index_of(splitted(warm, old, **HALVES))
        files = [old, asked(*new, file="b.jsonl"), asked(41, 42, file="c.jsonl")]
        refreshed = splitted(warm, *files, released=index, **HALVES)
        random.shuffle(files)
        whole = splitted(cold, *files, released=index, **HALVES)
        assert [file.digest for file in refreshed.manifest.files] == [file.digest for file in whole.manifest.files]


@settings(deadline=None, max_examples=10)
@given(numbers, numbers, st.integers(0, 3), st.floats(0, 0.4), st.floats(0, 0.4))
def test_no_row_that_was_released_changes_side_whatever_is_added_or_set(first, new, seed, test, validation) -> None:
    """Nor does a row that is added leave the side of the released rows of its prompt."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        before = splitted(store, asked(*first), **HALVES)
        after = splitted(
            store, asked(*first), asked(*new, file="b.jsonl"), seed=seed, test=test, validation=validation,
            released=index_of(before),
        )  # fmt: skip
        assert after.manifest.counts.rejected == 0
        assert by_id(before).items() <= by_id(after).items()
        sides_of = {}
        for (_, file, row, _), side in sides(after).items():
            number = first[row - 1] if file == "a.jsonl" else new[row - 1]
            assert sides_of.setdefault(number, side) == side


def bridge(one: str, other: str) -> Conversation:
    """A new row whose prompt holds two passages."""
    return said(f"{one} and then also {other}", "a bridge", fields={"input": one, "context": other})


def passages(side: str, before: Artifact) -> list[str]:
    rows = before.table(["fields", "side"]).to_pylist()
    return [dict(row["fields"])["input"] for row in rows if row["side"] == side]


@pytest.mark.parametrize(("loser", "winner"), [("train", "test"), ("train", "validation"), ("validation", "test")])
def test_where_groups_merge_across_sides_the_judging_side_wins_and_the_other_row_is_rejected_aloud(
    store: Store, loser: str, winner: str
) -> None:
    old = numbered([said(f"Sum up: {text}", "short", fields={"input": text}) for text in PASSAGES])
    before = splitted(store, old, **HALVES)
    lost, won = passages(loser, before)[0], passages(winner, before)[0]
    new = numbered([bridge(lost, won)], file="b.jsonl")
    after = splitted(store, old, new, released=index_of(before), **HALVES)
    (reject,) = after.rejected().to_pylist()
    assert reject["reason"] == "released on another side"
    assert json.loads(reject["record"])["messages"][0]["content"] == f"Sum up: {lost}"
    detail = json.loads(reject["detail"])
    assert (detail["rule"], detail["value"], detail["bound"]) == ("released side", loser, winner)
    assert PASSAGES[reject["duplicate_of"]["row"] - 1] == won
    assert sides(after)["web", "b.jsonl", 1, 0] == winner
    assert after.stats["released"] == {"rows": len(PASSAGES), "crossed": 1}


pairs = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=8)


@settings(deadline=None, max_examples=10)
@given(pairs)
def test_whatever_ties_released_rows_together_each_stays_or_is_rejected_and_no_test_row_is_lost(ties) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        old = numbered([said(f"Sum up: {text}", "short", fields={"input": text}) for text in PASSAGES])
        before = splitted(store, old, **HALVES)
        new = numbered([bridge(PASSAGES[one], PASSAGES[other]) for one, other in ties], file="b.jsonl")
        after = splitted(store, old, new, released=index_of(before), **HALVES)
        now = sides(after)
        for place, side in sides(before).items():
            assert now.get(place) == side or (place not in now and side != "test")
        for number, (one, other) in enumerate(ties, 1):
            tied = {now.get(("web", "a.jsonl", place + 1, 0)) for place in (one, other)} - {None}
            assert tied <= {now["web", "b.jsonl", number, 0]}


def test_a_new_answer_to_a_released_question_that_is_gone_goes_where_that_was(store: Store) -> None:
    before = splitted(store, asked(*range(60)), **HALVES)
    index, found = index_of(before), sides(before)
    after = splitted(store, asked(*range(60), file="b.jsonl"), seed=9, released=index, **HALVES)
    assert [side for _, side in sorted(sides(after).items())] == [side for _, side in sorted(found.items())]


def test_a_task_held_out_later_rejects_what_was_released_to_train(store: Store) -> None:
    rows = numbered([said(f"What is number {n}?", "a", task="late" if n % 2 else "early") for n in range(60)])
    before = splitted(store, rows, **HALVES)
    after = splitted(store, rows, released=index_of(before), held_out_tasks=("late",), **HALVES)
    was, now = sides(before), sides(after)
    for place in was:
        late = place[2] % 2 == 0
        assert now.get(place) == (was[place] if not late or was[place] == "test" else None)
    assert {row["reason"] for row in after.rejected().to_pylist()} == {"released on another side"}
    assert '"evidence":"late"' in after.rejected()["detail"][0].as_py()


def shows(prompt: str, example: str, task: str = "t") -> Conversation:
    return Conversation(
        (Message("user", prompt), Message("assistant", "A")), fields={"definition": "Answer.", "input": prompt},
        examples=(Example(example, "A"),), task=task,
    )  # fmt: skip


@pytest.mark.parametrize("example", [PASSAGES[0], "France"])
def test_t21_what_a_demonstration_shows_never_judges_and_its_task_is_not_one_group(store: Store, example: str) -> None:
    """Every row of a task shows the same: to link them all would put the whole task on one side."""
    rows = [shows(f"{text} {n}", example) for n, text in enumerate(PASSAGES[1:50])]
    for seed in range(4):
        made = splitted(store, numbered([*rows, shows(example, example)]), seed=seed, **HALVES)
        assert sides(made)["web", "a.jsonl", 50, 0] == "train"
        assert set(sides(made).values()) == set(SIDES)
    assert made.stats["groups"] == 50


def test_t21_a_released_test_row_that_a_demonstration_shows_since_is_rejected_for_who_shows_it(
    store: Store,
) -> None:
    old = numbered([said(text, "A") for text in PASSAGES])
    before = splitted(store, old, **HALVES)
    text = next(PASSAGES[row - 1] for (_, _, row, _), side in sides(before).items() if side == "test")
    new = numbered([shows("An altogether different question", text)], file="b.jsonl")
    after = splitted(store, old, new, released=index_of(before), **HALVES)
    (reject,) = after.rejected().to_pylist()
    assert (reject["reason"], reject["duplicate_of"]["file"]) == ("shown as a demonstration", "b.jsonl")
    assert json.loads(reject["record"])["messages"][0]["content"] == text


def test_a_held_out_task_may_show_its_own_rows(store: Store) -> None:
    rows = numbered([shows(text, PASSAGES[0], task="held") for text in PASSAGES])
    made = splitted(store, rows, numbered([said("q", "a")], file="b.jsonl"), held_out_tasks=("held",), **HALVES)
    assert made.manifest.counts.rejected == 0


def test_t19_a_refresh_folds_the_texts_of_new_files_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from tuneloom.split import marks

    folded, fold = [], marks.folded_content
    monkeypatch.setattr(marks, "folded_content", lambda table: folded.append(len(table)) or fold(table))
    splitted(store, asked(*range(30)))
    folded.clear()
    splitted(store, asked(*range(30)), asked(50, 51, file="b.jsonl"))
    assert set(folded) == {2}
