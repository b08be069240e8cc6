"""Which conversations another begins with, against the plain comparison of turns (T16)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.dedup.prefixes import holders, talks_of
from tuneloom.records import Conversation, Message, Origin, to_table

TURN = st.tuples(st.sampled_from(["user", "assistant", "system"]), st.sampled_from(["a", "b"]), st.sampled_from([0, 1]))
Turns = list[tuple[str, str, int]]


def table(rows: list[Turns]):
    said = (Conversation(tuple(Message(role, text, weight=weight) for role, text, weight in turns)) for turns in rows)
    return to_table((Origin("s", "f", n), row) for n, row in enumerate(said))


def heads_of(turns: Turns) -> list[tuple]:
    """What is said up to each answer that trains, as plain tuples."""
    told = [(role, text, role == "assistant" and weight) for role, text, weight in turns if role != "system"]
    return [tuple(told[: n + 1]) for n, (_, _, trains) in enumerate(told) if trains]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(TURN, max_size=6), max_size=7), st.randoms())
def test_the_rows_that_go_and_their_survivors(rows: list[Turns], random):
    fixed = [random.random() < 0.2 for _ in rows]
    found = talks_of(table(rows), np.zeros(len(rows), np.uint64))
    holder = holders(found.whole, found.heads, found.owners, np.array(fixed, bool)).tolist()
    plain = [heads_of(turns) for turns in rows]
    begins = [
        bool(mine) and not fixed[n] and any(mine[-1] in other[:-1] for other in plain) for n, mine in enumerate(plain)
    ]
    assert [one >= 0 for one in holder] == begins
    for row, one in enumerate(holder):
        if one >= 0:
            assert not begins[one], "who is named is kept"
            assert one == min(n for n, other in enumerate(plain) if plain[row][-1] in other[:-1] and not begins[n])


@settings(deadline=None)
@given(st.lists(st.lists(TURN, max_size=5), min_size=1, max_size=8), st.integers(1, 8))
def test_a_key_is_of_its_row_alone(rows: list[Turns], cut: int):
    scope = np.zeros(len(rows), np.uint64)
    whole = talks_of(table(rows), scope)
    parts = [talks_of(table(part), scope[: len(part)]) for part in (rows[:cut], rows[cut:])]
    for name in ("shape", "whole", "heads"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts])), name


def test_scopes_share_no_conversation():
    rows = [[("user", "a", 1), ("assistant", "b", 1)]] * 2
    found = talks_of(table(rows), np.array([1, 2], np.uint64))
    assert found.whole[0] != found.whole[1]
    assert found.shape[0] == found.shape[1]
