"""A source that changed its character is told, one that only grew is not."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import chat
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.drift import Character, characters, drifts, stored_characters
from tuneloom.records import Origin, Reject, to_table

SHARES = st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any)


def of(length: float = 5.0, languages: dict[str, float] | None = None, duplicates: float = 0.0) -> Character:
    return Character(10_000, length, 1.0, languages or {"en": 1.0}, duplicates)


def ingested(store: Store, name: str, rows: Sequence[tuple[str, str, str]]) -> Artifact:
    """Rows of (source, answer, language) as ingest writes them."""

    def build(writer: Writer) -> None:
        writer.count(rows_in=len(rows))
        placed = (
            (Origin(source, "f", n), chat("q", answer, language=lang)) for n, (source, answer, lang) in enumerate(rows)
        )
        writer.add(to_table(placed))

    return store.ensure(Spec("ingest", name), build)


def deduplicated(store: Store, name: str, rejected: Sequence[tuple[str, int]]) -> Artifact:
    def build(writer: Writer) -> None:
        writer.count(rows_in=len(rejected))
        writer.reject([Reject(Origin(source, "f", row), "near duplicate") for source, row in rejected])

    return store.ensure(Spec("dedup", name), build)


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (of(length=5.6), ["length"]),
        (of(length=4.4), ["length"]),
        (of(length=5.4), []),
        (of(languages={"en": 0.85, "zh": 0.15}), ["language"]),
        (of(languages={"en": 0.95, "zh": 0.05}), []),
        (of(duplicates=0.2), ["duplicates"]),
        (of(length=9, languages={"zh": 1.0}, duplicates=1.0), ["length", "language", "duplicates"]),
    ],
)
def test_what_changed_beyond_its_bound_is_told(now: Character, what: list[str]) -> None:
    found = drifts({"web": of(), "old": of()}, {"web": now, "new": of()})
    assert [(one.source, one.what) for one in found] == [("web", one) for one in what]


def test_the_line_says_from_what_to_what_and_over_which_bound() -> None:
    (one,) = drifts({"web": of()}, {"web": of(languages={"en": 0.6, "zh": 0.4})})
    assert one.line == "source web changed: languages, 100% en -> 60% en, 40% zh (variation 0.4, bound 0.11)"


@given(SHARES, SHARES)
def test_variation_is_numpys_and_no_direction_counts(first: list[int], second: list[int]) -> None:
    one, two = (np.array(counts) / sum(counts) for counts in (first, second))
    before, now = ({"web": of(languages=dict(zip("abc", map(float, shares), strict=True)))} for shares in (one, two))
    there, back = ([d.change for d in drifts(*pair)] for pair in ((before, now), (now, before)))
    wanted = float(np.abs(one - two).sum() / 2)
    assert there == pytest.approx([wanted] if wanted > 0.1142 else there)
    assert bool(there) == (wanted > 0.1 + math.sqrt(2 / 10_000))
    assert there == pytest.approx(back)


def test_draws_from_one_source_are_not_told_for_their_smallness() -> None:
    chance, told = random.Random(1), 0
    for _ in range(300):
        sides = []
        for _ in range(2):
            values = [(chance.gauss(5, 1), chance.choice(["en", "zh"]), chance.random() < 0.3) for _ in range(60)]
            lengths = np.array([value[0] for value in values])
            english = sum(value[1] == "en" for value in values) / 60
            shares = {"en": english, "zh": 1 - english}
            sides.append(Character(60, lengths.mean(), lengths.std(), shares, sum(v[2] for v in values) / 60))
        told += bool(drifts({"web": sides[0]}, {"web": sides[1]}))
    assert told <= 6, "one in fifty"


def test_rows_of_one_length_that_become_rows_of_another_are_told() -> None:
    before, now = Character(100, 3.0, 0.0, {"en": 1.0}, 0.0), Character(100, 4.0, 0.0, {"en": 1.0}, 0.0)
    assert [one.what for one in drifts({"web": before}, {"web": now})] == ["length"]
    assert drifts({"web": before}, {"web": before}) == []


def test_a_source_of_few_rows_is_not_judged() -> None:
    few = Character(49, 9.0, 1.0, {"zh": 1.0}, 1.0)
    assert drifts({"web": of()}, {"web": few}) == []


def test_characters_are_counted_by_source_in_characters_and_kept_in_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows = [("web", "abc", "en"), ("web", "长", "zh"), ("faq", "", "")]
    ingest, dedup = ingested(store, "a", rows), deduplicated(store, "a", [("web", 1)])
    found = characters(ingest, dedup)
    assert found["web"].rows == 2
    assert found["web"].length == pytest.approx((math.log(5) + math.log(3)) / 2)  # the prompt is a character, too
    assert found["web"].deviation == pytest.approx((math.log(5) - math.log(3)) / 2)
    assert found["web"].languages == {"en": 0.5, "zh": 0.5}
    assert found["web"].duplicates == 0.5
    assert found["faq"] == Character(1, pytest.approx(math.log(2)), 0.0, {"": 1.0}, 0.0)
    assert stored_characters(store, ingest, dedup) == stored_characters(store, ingest, dedup) == found
