"""Weights and caps over rows in a fixed random order."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.config import Mixture
from tuneloom.errors import ConfigError
from tuneloom.mixture.choose import choose, mixing_rates


def rows_of(*groups: tuple[str, str | None, int], side: str = "train") -> pl.DataFrame:
    """(source, task, number of rows) each -> rows."""
    every = [(source, task) for source, task, count in groups for _ in range(count)]
    return pl.DataFrame(
        {
            "id": [f"{n:032x}" for n in range(len(every))],
            "origin": [{"source": s, "file": "f", "row": n, "part": 0} for n, (s, _) in enumerate(every)],
            "source": [source for source, _ in every],
            "task": pl.Series([task for _, task in every], dtype=pl.String),
            "language": ["en"] * len(every),
            "tokens": [10] * len(every),
            "side": [side] * len(every),
        }
    )


def used(rows: pl.DataFrame, by: str = "source") -> dict[str, int]:
    return dict(rows.group_by(by).agg(pl.col("repeat").sum()).iter_rows())


def test_without_weights_and_cap_every_row_is_used_once() -> None:
    chosen = choose(rows_of(("a", None, 5), ("b", "t", 5)), Mixture(), 0)
    assert chosen["repeat"].to_list() == [1] * 10
    assert chosen["rule"].null_count() == 10


def test_a_half_keeps_half_and_names_the_rank_of_the_others() -> None:
    chosen = choose(rows_of(("a", None, 10), ("b", None, 4)), Mixture(weights={"a": 0.5}), 0)
    assert used(chosen) == {"a": 5, "b": 4}
    out = chosen.filter(pl.col("repeat") == 0).sort("value")
    assert out.select("rule", "value", "bound").rows() == [("weight", rank, 5) for rank in range(6, 11)]


def test_one_and_a_half_repeats_every_second_row() -> None:
    chosen = choose(rows_of(("a", None, 10)), Mixture(weights={"a": 1.5}), 0)
    assert sorted(chosen["repeat"].to_list()) == [1] * 5 + [2] * 5


def test_a_cap_holds_for_each_task_and_for_a_source_without_tasks() -> None:
    chosen = choose(rows_of(("a", "x", 5), ("a", "y", 2), ("b", None, 5), ("c", None, 1)), Mixture(cap=3), 0)
    assert used(chosen) == {"a": 5, "b": 3, "c": 1}
    assert used(chosen, "task") == {"x": 3, "y": 2, None: 4}
    assert set(chosen.filter(pl.col("repeat") == 0)["bound"]) == {3}


def test_two_sources_of_one_task_share_its_cap() -> None:
    chosen = choose(rows_of(("a", "x", 50), ("b", "x", 50)), Mixture(weights={"a": 0.5}, cap=20), 0)
    assert chosen["repeat"].sum() == 20
    assert dict(chosen["rule"].drop_nulls().value_counts().iter_rows()) == {"weight": 25, "cap": 55}


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="weight of source 'a'"):
        choose(rows_of(("a", None, 1)), Mixture.model_construct(weights={"a": weight}), 0)


def test_other_sides_do_not_compete() -> None:
    rows = pl.concat([rows_of(("a", "x", 4)), rows_of(("a", "x", 6), side="test")])
    chosen = choose(rows, Mixture(weights={"a": 0}, cap=1), 0)
    assert chosen["repeat"].to_list() == [0] * 4 + [1] * 6


SIZES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None]), st.integers(1, 9)), min_size=1, max_size=6
)
WEIGHTS = st.dictionaries(st.sampled_from("abc"), st.floats(0, 4))


@given(groups=SIZES, weights=WEIGHTS, cap=st.one_of(st.none(), st.integers(1, 8)), seed=st.integers(0, 3))
def test_a_choice_depends_on_the_rows_not_on_their_order(groups, weights, cap, seed) -> None:
    rows = rows_of(*groups)
    there = choose(rows, Mixture(weights=weights, cap=cap), seed)
    back = choose(rows.reverse(), Mixture(weights=weights, cap=cap), seed).reverse()
    assert there.equals(back)


@given(groups=SIZES, weights=WEIGHTS, seed=st.integers(0, 3))
def test_a_source_is_used_as_often_as_its_weight_says(groups, weights, seed) -> None:
    rows = rows_of(*groups)
    for source, times in used(choose(rows, Mixture(weights=weights), seed)).items():
        size = rows["source"].to_list().count(source)
        assert abs(times - size * weights.get(source, 1)) <= 0.5 + 1e-9


@given(groups=SIZES, weights=WEIGHTS, cap=st.integers(1, 8), seed=st.integers(0, 3))
def test_no_task_has_more_rows_than_the_cap(groups, weights, cap, seed) -> None:
    chosen = choose(rows_of(*groups), Mixture(weights=weights, cap=cap), seed).filter(
        pl.col("repeat") > 0, pl.col("task").is_not_null()
    )
    assert all(count <= cap for _, count in chosen["task"].value_counts().iter_rows())


def test_another_seed_chooses_other_rows() -> None:
    rows = rows_of(("a", None, 40))
    first, second = (choose(rows, Mixture(weights={"a": 0.5}), seed)["repeat"].to_list() for seed in (0, 1))
    assert first != second


def test_a_smaller_weight_keeps_a_subset() -> None:
    rows = rows_of(("a", None, 40))
    some, fewer = (choose(rows, Mixture(weights={"a": weight}), 0)["repeat"] for weight in (0.5, 0.25))
    assert ((fewer == 0) | (some == 1)).all()


def test_rates_are_those_of_t5() -> None:
    """T5 (Raffel et al. 2020, section 3.5.2): r_m = min(e_m, K)^(1/T) / sum of the same."""
    sizes = {"small": 1_000, "middle": 10_000, "large": 1_000_000}
    assert mixing_rates(sizes) == pytest.approx({"small": 1 / 1011, "middle": 10 / 1011, "large": 1000 / 1011})
    assert mixing_rates(sizes, cap=2**13) == pytest.approx(
        {"small": 1000 / 17384, "middle": 8192 / 17384, "large": 8192 / 17384}
    )
    warm = mixing_rates({"one": 1, "four": 4, "nine": 9}, temperature=2)
    assert warm == pytest.approx({"one": 1 / 6, "four": 2 / 6, "nine": 3 / 6})
    hot = mixing_rates(sizes, cap=2**21, temperature=1e9)
    assert hot == pytest.approx(dict.fromkeys(sizes, 1 / 3), rel=1e-6)


def test_the_rates_are_what_seqio_computes() -> None:
    """seqio's `mixing_rate_num_examples(maximum, scale=1, temperature)`: min(n, maximum) ** (1 / T), normalised."""
    sizes, maximum, temperature = {"a": 120, "b": 4_000, "c": 90_000}, 3_000, 3
    raw = {name: min(n, maximum) ** (1 / temperature) for name, n in sizes.items()}
    assert mixing_rates(sizes, maximum, temperature) == pytest.approx(
        {n: r / sum(raw.values()) for n, r in raw.items()}
    )


def test_flans_cap_leaves_no_more_than_3000_rows_a_task() -> None:
    chosen = choose(rows_of(("a", "x", 3_500), ("a", "y", 800)), Mixture(cap=3000), 0)
    assert used(chosen, "task") == {"x": 3000, "y": 800}


def test_a_temperature_brings_tasks_nearer_and_keeps_the_epochs_size() -> None:
    chosen = choose(rows_of(("a", "one", 10), ("a", "four", 40), ("b", "nine", 90)), Mixture(temperature=2), 0)
    assert used(chosen, "task") == {"one": 23, "four": 47, "nine": 70}  # 140 x 1/6, 2/6, 3/6
    assert sorted(chosen.filter(pl.col("task") == "one")["repeat"].to_list()) == [2] * 7 + [3] * 3
    out = chosen.filter(pl.col("repeat") == 0).sort("value")
    assert out.select("rule", "value", "bound").rows() == [("temperature", rank, 70) for rank in range(71, 91)]


def test_a_cap_comes_before_the_temperature() -> None:
    chosen = choose(rows_of(("a", "x", 100), ("a", "y", 25)), Mixture(cap=25, temperature=3), 0)
    assert used(chosen, "task") == {"x": 25, "y": 25}


def test_cap_and_temperature_count_what_the_config_says() -> None:
    rows = rows_of(("a", "x", 6), ("a", "y", 6), ("b", "x", 2))
    assert used(choose(rows, Mixture(cap=5, by="source"), 0)) == {"a": 5, "b": 2}
    assert choose(rows, Mixture(cap=5, by="language"), 0)["repeat"].sum() == 5


def test_a_budget_of_tokens_ends_a_source_where_it_is_spent() -> None:
    rows = rows_of(("a", None, 10), ("b", None, 3))
    chosen = choose(rows, Mixture(weights={"a": 2}, tokens={"a": 75, "b": 1000}), 0)
    assert used(chosen) == {"a": 6, "b": 3}  # three rows of 10 tokens, each twice
    out = chosen.filter(pl.col("repeat") == 0).sort("value")
    assert out.select("rule", "value", "bound").rows() == [("tokens", 20 * n, 75) for n in range(4, 11)]


MIXTURES = st.builds(
    Mixture,
    weights=WEIGHTS,
    cap=st.one_of(st.none(), st.integers(1, 8)),
    temperature=st.sampled_from([0.5, 1, 2, 5]),
    by=st.sampled_from(["task", "source", "language"]),
    tokens=st.dictionaries(st.sampled_from("abc"), st.integers(0, 90)),
)


@given(groups=SIZES, config=MIXTURES, seed=st.integers(0, 3))
def test_every_mixture_is_independent_of_order_and_names_why_a_row_is_out(groups, config, seed) -> None:
    rows = rows_of(*groups)
    chosen = choose(rows, config, seed)
    assert chosen.equals(choose(rows.reverse(), config, seed).reverse())
    assert ((chosen["repeat"] == 0) == chosen["rule"].is_not_null()).all()
    for source, budget in config.tokens.items():
        assert (chosen["repeat"] * chosen["tokens"]).filter(chosen["source"] == source).sum() <= budget


@given(groups=SIZES, config=MIXTURES)
def test_a_temperature_changes_no_sum(groups, config) -> None:
    rows, plain = rows_of(*groups), config.model_copy(update={"tokens": {}})
    cold = choose(rows, plain.model_copy(update={"temperature": 1.0}), 0)["repeat"].sum()
    assert choose(rows, plain, 0)["repeat"].sum() == cold
