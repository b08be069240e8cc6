"""Weights and caps over rows in a fixed random order."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.errors import ConfigError
from tuneloom.mixture.choose import choose


def rows_of(*groups: tuple[str, str | None, int], side: str = "train") -> pl.DataFrame:
    """(source, task, number of rows) each -> rows."""
    every = [(source, task) for source, task, count in groups for _ in range(count)]
    return pl.DataFrame(
        {
            "id": [f"{n:032x}" for n in range(len(every))],
            "origin": [{"source": s, "file": "f", "row": n, "part": 0} for n, (s, _) in enumerate(every)],
            "source": [source for source, _ in every],
            "task": pl.Series([task for _, task in every], dtype=pl.String),
            "side": [side] * len(every),
        }
    )


def used(rows: pl.DataFrame, by: str = "source") -> dict[str, int]:
    return dict(rows.group_by(by).agg(pl.col("repeat").sum()).iter_rows())


def test_without_weights_and_cap_every_row_is_used_once() -> None:
    chosen = choose(rows_of(("a", None, 5), ("b", "t", 5)), {}, None, 0)
    assert chosen["repeat"].to_list() == [1] * 10
    assert chosen["rule"].null_count() == 10


def test_a_half_keeps_half_and_names_the_rank_of_the_others() -> None:
    chosen = choose(rows_of(("a", None, 10), ("b", None, 4)), {"a": 0.5}, None, 0)
    assert used(chosen) == {"a": 5, "b": 4}
    out = chosen.filter(pl.col("repeat") == 0).sort("value")
    assert out.select("rule", "value", "bound").rows() == [("weight", rank, 5) for rank in range(6, 11)]


def test_one_and_a_half_repeats_every_second_row() -> None:
    chosen = choose(rows_of(("a", None, 10)), {"a": 1.5}, None, 0)
    assert sorted(chosen["repeat"].to_list()) == [1] * 5 + [2] * 5


def test_a_cap_holds_for_each_task_and_for_a_source_without_tasks() -> None:
    chosen = choose(rows_of(("a", "x", 5), ("a", "y", 2), ("b", None, 5), ("c", None, 1)), {}, 3, 0)
    assert used(chosen) == {"a": 5, "b": 3, "c": 1}
    assert used(chosen, "task") == {"x": 3, "y": 2, None: 4}
    assert set(chosen.filter(pl.col("repeat") == 0)["bound"]) == {3}


def test_two_sources_of_one_task_share_its_cap() -> None:
    chosen = choose(rows_of(("a", "x", 50), ("b", "x", 50)), {"a": 0.5}, 20, 0)
    assert chosen["repeat"].sum() == 20
    assert dict(chosen["rule"].drop_nulls().value_counts().iter_rows()) == {"weight": 25, "cap": 55}


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="weight of source 'a'"):
        choose(rows_of(("a", None, 1)), {"a": weight}, None, 0)


def test_other_sides_do_not_compete() -> None:
    rows = pl.concat([rows_of(("a", "x", 4)), rows_of(("a", "x", 6), side="test")])
    chosen = choose(rows, {"a": 0}, 1, 0)
    assert chosen["repeat"].to_list() == [0] * 4 + [1] * 6


SIZES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None]), st.integers(1, 9)), min_size=1, max_size=6
)
WEIGHTS = st.dictionaries(st.sampled_from("abc"), st.floats(0, 4))


@given(groups=SIZES, weights=WEIGHTS, cap=st.one_of(st.none(), st.integers(1, 8)), seed=st.integers(0, 3))
def test_a_choice_depends_on_the_rows_not_on_their_order(groups, weights, cap, seed) -> None:
    rows = rows_of(*groups)
    there = choose(rows, weights, cap, seed)
    back = choose(rows.reverse(), weights, cap, seed).reverse()
    assert there.equals(back)


@given(groups=SIZES, weights=WEIGHTS, seed=st.integers(0, 3))
def test_a_source_is_used_as_often_as_its_weight_says(groups, weights, seed) -> None:
    rows = rows_of(*groups)
    for source, times in used(choose(rows, weights, None, seed)).items():
        size = rows["source"].to_list().count(source)
        assert abs(times - size * weights.get(source, 1)) <= 0.5 + 1e-9


@given(groups=SIZES, weights=WEIGHTS, cap=st.integers(1, 8), seed=st.integers(0, 3))
def test_no_task_has_more_rows_than_the_cap(groups, weights, cap, seed) -> None:
    chosen = choose(rows_of(*groups), weights, cap, seed).filter(pl.col("repeat") > 0, pl.col("task").is_not_null())
    assert all(count <= cap for _, count in chosen["task"].value_counts().iter_rows())


def test_another_seed_chooses_other_rows() -> None:
    rows = rows_of(("a", None, 40))
    first, second = (choose(rows, {"a": 0.5}, None, seed)["repeat"].to_list() for seed in (0, 1))
    assert first != second


def test_a_smaller_weight_keeps_a_subset() -> None:
    rows = rows_of(("a", None, 40))
    some, fewer = (choose(rows, {"a": weight}, None, 0)["repeat"] for weight in (0.5, 0.25))
    assert ((fewer == 0) | (some == 1)).all()
