"""Draws: a share is a share, a number a number, whatever the order."""

from hypothesis import given
from hypothesis import strategies as st

from tuneloom.review.pick import Doubt, sampled, undecided

IDS = [f"{n:032x}" for n in range(400)]


@given(st.permutations(IDS[:12]), st.integers(1, 15), st.integers(0, 3))
def test_a_number_of_rows_is_drawn_whatever_their_order(ids: list[str], number: int, seed: int) -> None:
    drawn = sampled(ids, number, seed)
    assert drawn == sampled(sorted(ids), number, seed)
    assert len(drawn) == min(number, 12)


def test_a_share_is_about_that_share_and_grows_with_it() -> None:
    few, more = ({doubt.id for doubt in sampled(IDS, share, 0)} for share in (0.1, 0.4))
    assert few < more
    assert 20 < len(few) < 60
    assert 120 < len(more) < 200
    assert sampled(IDS, 0.1, 0) != sampled(IDS, 0.1, 1)


def test_decided_rules_ask_no_more() -> None:
    doubts = [Doubt("a", "x"), Doubt("a", "y"), Doubt("b", "x")]
    assert undecided(doubts, {"a": ["x"], "b": ["x"]}) == {"a": [Doubt("a", "y")]}
