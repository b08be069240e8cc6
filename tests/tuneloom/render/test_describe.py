"""What render made, as people read it."""

import numpy as np
import pyarrow as pa

from tuneloom.render.describe import MOST, SHOWN, Breakdown, shown_rows, summary, tables


def test_tokens_are_counted_by_name_most_first_and_the_rest_summed_up():
    found = Breakdown()
    numbers = np.arange(MOST + 2)
    found.add(pa.array([f"task {number}" for number in numbers]), 100 - numbers, np.full(MOST + 2, 7))
    found.add(pa.array([None], pa.string()), np.array([200]), np.array([1]))
    stats = found.stats()
    names = list(stats)
    assert (names[0], names[1], names[-1]) == ("(none)", "task 0", "(others)")
    assert stats["(others)"] == {"rows": 3, "tokens": 61 + 60 + 59, "supervised": 21}
    assert sum(counts["tokens"] for counts in stats.values()) == sum(found.tokens.values())


def test_rows_are_shown_with_personal_data_masked():
    stats = {"examples": [{"id": "ab", "text": [["Call ", False], ["me: jane.doe@example.com<|im_end|>", True]]}]}
    (shown,) = shown_rows(stats)
    assert shown.spans == (("Call ", False), ("me: <EMAIL><|im_end|>", True))
    assert shown_rows({}) == []


def test_tables_of_sides_tasks_and_lengths():
    counts = {"rows": 2, "tokens": 1000, "supervised": 250}
    tasks = {f"t{i}": counts for i in range(SHOWN + 3)}
    side, task, lengths = tables({"sides": {"train": counts}, "tasks": tasks, "lengths": {"0": 2, "64": 4, "1984": 1}})
    assert side.rows == (("train", "2", "1,000", "250", "25%"),)
    assert task.rows[-1][0] == "(3 more)"
    assert [(first, rows, len(bar)) for first, rows, bar in lengths.rows] == [("0", "6", 40), ("1984", "1", 7)]


def test_the_summary_says_who_tokenised_and_why_not_the_fast_engine():
    packs = {"rows": 5, "packs": 2, "length": 2048, "fill": 0.5}
    told = list(summary({"packs": packs, "engine": "tokenizers 1", "fell_back": "no module"}))
    assert told == [
        "5 rows in 2 packs of 2,048 tokens, 50.00% filled",
        "tokenised by tokenizers 1",
        "not by the fast engine: no module",
    ]
