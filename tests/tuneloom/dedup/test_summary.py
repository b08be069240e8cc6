"""What people are told about duplicates."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.tuneloom.dedup.builders import make_ledger, said
from tuneloom.config import Dedup, Near
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.summary import Cluster, Text, describe_cluster, largest_clusters, shown_text, summarise
from tuneloom.dedup.verdicts import Verdicts
from tuneloom.records import Origin, to_table

ROWS = make_ledger(
    [
        to_table(
            [
                (Origin("web", "a", 1), said("p", "a")),
                (Origin("web", "a", 2), said("p", "a")),
                (Origin("forum", "b", 1), said("p", "a")),
                (Origin("forum", "b", 2), said("q", "a")),
                (Origin("suite", "c", 1), said("q", "a", use="evaluate")),
            ]
        )
    ]
)
MARKS = Fingerprints(
    np.zeros((5, 2), np.uint64),
    np.array([1, 1, 1, 1, 1], np.uint64),
    np.array([1, 1, 1, 2, 1], np.uint64),
    np.zeros(5, np.uint64),
    np.zeros(5, np.int64),
    np.zeros(5, np.uint64),
    [],
)
NAN = float("nan")
VERDICTS = Verdicts(
    np.array([-1, 0, 0, -1, -1]),
    np.array([False, False, True, False, False]),
    np.array([[NAN, NAN], [1, 1], [0.93, 0.85], [NAN, NAN], [NAN, NAN]]),
    np.array([NAN, NAN, NAN, 0.75, NAN]),
    np.zeros(5, bool),
)


ORDER = np.array([0, 1, 2, 3])


def summary(verdicts: Verdicts = VERDICTS, config: Dedup | None = None) -> dict[str, Any]:
    def read(positions: Sequence[int]) -> dict[int, Text]:
        return {at: Text(Origin("web", "a", at), f"prompt {at}", "answer") for at in positions}

    return summarise(ROWS, MARKS, ORDER, verdicts, config or Dedup(), read)


def test_counts_clusters_and_sources():
    told = summary()
    assert (told["rows"], told["exact"], told["near"]) == (4, 1, 1)
    assert told["clusters"] == {"3": 1}
    losses = {name: [one[part] for part in ("rows", "exact", "near")] for name, one in told["by_source"].items()}
    assert losses == {"forum": [2, 0, 1], "suite": [0, 0, 0], "web": [2, 1, 0]}
    assert told["by_source"]["forum"]["largest"]["size"] == 2
    assert told["by_source"]["suite"]["largest"] is None
    assert told["across_sources"] == {"forum": {"web": 1}, "web": {"web": 1}}
    assert told["by_file"] == [
        {"source": "forum", "file": "b", "rows": 2, "lost": 1},
        {"source": "web", "file": "a", "rows": 2, "lost": 1},
    ]


def test_t8_one_prompt_with_other_answers_and_one_answer_to_many_prompts_are_told():
    told = summary()
    one_prompt = {"texts": 1, "rows": 2, "most": 2, "examples": [{"text": "prompt 0", "rows": 2}]}
    assert told["same_prompt_other_answers"] == one_prompt
    assert told["same_answer_other_prompts"] == {"texts": 0, "rows": 0, "most": 0, "examples": []}


def test_the_histogram_is_of_what_was_compared():
    told = [summary(config=Dedup(near=Near(compare=c))) for c in ("both", "prompt", "answer")]
    assert [one["similarities"] for one in told] == [{"0.84": 1}, {"0.92": 1}, {"0.84": 1}]
    assert told[0]["nearly"] == {"0.74": 1}


def test_nothing_lost_is_told_as_nothing():
    none = Verdicts.all_kept(5)
    told = summary(none, Dedup(near=None))
    for name in ("clusters", "similarities", "nearly", "across_sources"):
        assert told[name] == {}, name
    assert told["largest"] == told["by_file"] == []


def test_largest_clusters_come_first_and_ties_by_survivor_order():
    survivor = np.array([-1, -1, -1, 0, 1, 1, 2])
    found = Verdicts(survivor, np.zeros(7, bool), np.ones((7, 2)), np.full(7, NAN), np.zeros(7, bool))
    lost = survivor >= 0
    assert largest_clusters(found, np.arange(7), lost) == [
        Cluster((1, 4, 5), 3),
        Cluster((0, 3), 2),
        Cluster((2, 6), 2),
    ]
    backwards = largest_clusters(found, np.arange(7)[::-1], lost)
    assert backwards == [Cluster((1, 5, 4), 3), Cluster((2, 6), 2), Cluster((0, 3), 2)]
    only = largest_clusters(found, np.arange(7), np.arange(7) == 4, most=1)
    assert only == [Cluster((1, 4), 2)]


def test_a_cluster_is_told_by_what_its_prompts_share():
    texts = {
        n: Text(Origin("web", "a", n), f"Name the capital of {name}.", "x") for n, name in enumerate(("Chad", "Peru"))
    }
    assert describe_cluster(Cluster((0, 1), 40), texts) == {
        "survivor": "web:a:0",
        "size": 40,
        "sample": "Name the capital of Chad.",
        "wording": "Name the capital of …",
    }


def test_a_sample_is_one_short_line():
    assert shown_text("a\n  b") == "a b"
    assert len(shown_text("word " * 99)) == 200


def test_a_sample_is_cut_where_no_half_of_a_number_is_left():
    assert shown_text("x" * 190 + " 13812345678 and more") == "x" * 190 + " <PHONE> …"
