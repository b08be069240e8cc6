"""What was said is counted: by suite and model, with what was not asked, cut and not found."""

import pyarrow as pa

from tuneloom.evaluate.outputs import OUTPUTS, Tally, tally, tokens_an_answer


def row(model: str, state: str = "answered", failed=(), tokens: int | None = 5, suite: str = "mood"):
    said = None if state == "not asked" else "words"
    return {
        "suite": suite, "model": model, "id": "x", "state": state, "failed": list(failed), "output": said,
        "tokens": tokens if said else None,
    }  # fmt: skip


def test_counts_are_by_suite_and_model():
    rows = [row("base"), row("base", "cut", ["mood.accuracy"], 9), row("base", "not asked"), row("tuned")]
    found = tally(pa.Table.from_pylist([*rows, row("base", suite="other")], OUTPUTS))
    assert found == [
        Tally("mood", "base", 3, 1, 1, 1, 2, 14),
        Tally("mood", "tuned", 1, 0, 0, 0, 1, 5),
        Tally("other", "base", 1, 0, 0, 0, 1, 5),
    ]
    assert tokens_an_answer(found, "base") == 19 / 3
    assert tokens_an_answer(found, "champion") is None


def test_more_than_one_in_two_hundred_unasked_is_void():
    assert not Tally("mood", "base", 200, 1, 0, 0, 199, 0).void
    assert Tally("mood", "base", 199, 1, 0, 0, 198, 0).void


def test_nothing_said_is_nothing_counted():
    assert tally(OUTPUTS.empty_table()) == []
