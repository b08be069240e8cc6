"""What people are told about duplicates."""

import numpy as np

from tests.tuneloom.dedup.builders import said
from tuneloom.config import Dedup, Near
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.summary import describe_cluster, largest_clusters, summarise
from tuneloom.dedup.verdicts import Verdicts
from tuneloom.records import Origin, to_table

ROWS = to_table(
    [
        (Origin("web", "a", 1), said("p", "a")),
        (Origin("web", "a", 2), said("p", "a")),
        (Origin("forum", "b", 1), said("p", "a")),
        (Origin("forum", "b", 2), said("q", "a")),
        (Origin("suite", "c", 1), said("q", "a", use="evaluate")),
    ]
)
MARKS = Fingerprints(
    np.zeros((5, 2), np.uint64),
    np.array([1, 1, 1, 1, 1], np.uint64),
    np.array([1, 1, 1, 2, 1], np.uint64),
    np.zeros(5, np.uint64),
    np.zeros(5, np.int64),
    np.zeros((5, 0), np.uint64),
)
NAN = float("nan")
VERDICTS = Verdicts(
    np.array([-1, 0, 0, -1, -1]),
    np.array([False, False, True, False, False]),
    np.array([[NAN, NAN], [1, 1], [0.93, 0.85], [NAN, NAN], [NAN, NAN]]),
    np.array([NAN, NAN, NAN, 0.75, NAN]),
)


def test_counts_clusters_and_sources():
    told = summarise(ROWS, MARKS, VERDICTS, Dedup())
    assert told["exact"] == told["near"] == 1
    assert told["clusters"] == {"3": 1}
    assert told["by_source"] == {
        "forum": {"rows": 2, "exact": 0, "near": 1},
        "suite": {"rows": 1, "exact": 0, "near": 0},
        "web": {"rows": 2, "exact": 1, "near": 0},
    }
    assert told["across_sources"] == {"forum": {"web": 1}, "web": {"web": 1}}
    assert told["same_prompt_other_answers"] == {"texts": 1, "rows": 2, "most": 2}
    assert told["same_answer_other_prompts"] == {"texts": 0, "rows": 0, "most": 0}


def test_the_histogram_is_of_what_was_compared():
    told = [summarise(ROWS, MARKS, VERDICTS, Dedup(near=Near(compare=c))) for c in ("both", "prompt", "answer")]
    assert [one["similarities"] for one in told] == [{"0.84": 1}, {"0.92": 1}, {"0.84": 1}]


def test_nothing_lost_is_told_as_nothing():
    none = Verdicts(np.full(5, -1), np.zeros(5, bool), np.full((5, 2), NAN), np.full(5, NAN))
    told = summarise(ROWS, MARKS, none, Dedup(near=None))
    assert (told["clusters"], told["similarities"], told["across_sources"]) == ({}, {}, {})
    assert largest_clusters(none, np.arange(5)) == []


def test_largest_clusters_come_first_and_ties_by_survivor_order():
    survivor = np.array([-1, -1, -1, 0, 1, 1, 2])
    found = Verdicts(survivor, np.zeros(7, bool), np.ones((7, 2)), np.full(7, NAN))
    assert largest_clusters(found, np.arange(7)) == [(1, 3), (0, 2), (2, 2)]
    assert largest_clusters(found, np.arange(7)[::-1]) == [(1, 3), (2, 2), (0, 2)]


def test_a_sample_is_one_short_line():
    origin = Origin("web", "a", 1)
    assert describe_cluster(origin, 3, "a\n  b") == {"survivor": "web:a:1", "size": 3, "sample": "a b"}
    assert len(describe_cluster(origin, 3, "word " * 99)["sample"]) == 200


def test_a_sample_is_cut_where_no_half_of_a_number_is_left():
    text = "x" * 190 + " 13812345678 and more"
    assert describe_cluster(Origin("web", "a", 1), 2, text)["sample"] == "x" * 190 + " <PHONE> …"
