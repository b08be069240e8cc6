"""What `show quality` prints: rules, and histograms with the bounds drawn where they lie."""

from tuneloom.quality.describe import bounds_text, histogram, rule_table, signals_shown

STATS = {
    "rules": {
        "long": {"value": "answer_words", "max": 3, "when": "turns > 0", "rejected": 1, "alone": 2, "version": "v-1"},
        "busy": {"value": "answer_words / turns", "min": 1, "rejected": 5, "alone": 5, "version": "v-1", "source": "x"},
        "personal data": {"rejected": 4},
    },
    "histograms": {
        "answer_words": {"edges": [0, 1, 2, 4, 8], "counts": [0, 4, 8, 0, 1]},
        "turns": {"edges": [0, 1], "counts": [0, 0]},
    },
}


def test_a_bound_is_drawn_between_the_bins_it_parts() -> None:
    lines = list(histogram(STATS, "answer_words"))
    assert [line.split()[:2] for line in lines] == [
        ["1", "4"], ["2", "8"], ["─" * 18, "3:"], ["4", "0"], ["8", "1"],
    ]  # fmt: skip
    assert [line.count("█") for line in lines] == [20, 40, 0, 0, 5]
    assert lines[2].endswith("3: max of long")


def test_a_histogram_without_rows_is_one_empty_bin() -> None:
    assert [line.split() for line in histogram(STATS, "turns")] == [["0", "0"]]


def test_the_busiest_rule_comes_first_and_rejects_without_a_bound_are_told_too() -> None:
    head, rows = rule_table(STATS)
    assert [row[0] for row in rows] == ["busy", "personal data", "long"]
    assert all(len(row) == len(head) for row in rows)
    assert rows[2] == ("long", "answer_words <= 3", "turns > 0", "1", "2", " (v-1)")


def test_signals_of_values_and_conditions_are_shown_once() -> None:
    assert signals_shown(STATS) == ["answer_words", "turns"]


def test_both_bounds_are_told() -> None:
    assert bounds_text({"min": 0.1, "max": 2}) == ">= 0.1, <= 2"
