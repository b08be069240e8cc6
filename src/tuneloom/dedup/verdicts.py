"""Exact and near duplicates among rows in survivor order: who is rejected, and for which kept row.

Near-duplicates are found by MinHash bands (bands.py) or by the exact join, and decided by true Jaccard similarity
(text/similarity.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tuneloom.config import Dedup, Near
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.order import LONG
from tuneloom.dedup.prefixes import holders
from tuneloom.text.set_join import rarest_shingles
from tuneloom.text.shingles import Shingles
from tuneloom.text.similarity import Buckets, Pairs, Part, Stars, stars

Sets = Callable[[np.ndarray], tuple[Shingles, Shingles]]
"""Gives the shingle sets of prompts and answers of the rows at sorted positions int64 (m,)."""
Shared = Callable[[np.ndarray], tuple[np.ndarray, Buckets]]
"""Of rows at positions int64 (m,) gives the places of those that share a band with another, and their buckets."""


class Compared(Protocol):
    """What is remembered of earlier comparisons (pairs.py)."""

    def names(self, positions: np.ndarray) -> np.ndarray:
        """Names uint64 (m,) of the rows at positions int64 (m,)."""

    def known(self) -> Pairs:
        """Pairs by the sums of their names, ascending."""

    def keep(self, pairs: Pairs) -> None:
        """Adds pairs that were not known."""


@dataclass(frozen=True)
class Verdicts:
    """Of n rows, by position."""

    survivor: np.ndarray
    """int64 (n,): position of the kept row that it is a duplicate of; -1 where it is kept itself"""
    near: np.ndarray
    """bool (n,): it resembles the survivor; else it equals it"""
    similarity: np.ndarray
    """float64 (n, 2): of the prompts and of the answers; NaN where the row is kept"""
    nearly: np.ndarray
    """float64 (n,): of a kept row its similarity to a better kept one, if little is missing; else NaN"""
    prefix: np.ndarray
    """bool (n,): the survivor's conversation begins with it"""

    @classmethod
    def all_kept(cls, count: int) -> "Verdicts":
        """Of `count` rows none of which is rejected."""
        similarity, nearly = np.full((count, 2), np.nan), np.full(count, np.nan)
        return cls(np.full(count, -1, np.int64), np.zeros(count, bool), similarity, nearly, np.zeros(count, bool))

    @property
    def kept(self) -> np.ndarray:
        """bool (n,)"""
        return self.survivor < 0


def judge(
    marks: Fingerprints,
    order: np.ndarray,
    config: Dedup,
    shared: Shared,
    sets: Sets,
    compared: Compared | None = None,
) -> Verdicts:
    """Verdicts on all n rows; those not in `order` int64 (m,) (positions, best first) do not compete and are kept.
    What was `compared` before saves work and changes nothing.

    A row equal to one that is itself rejected as a near-duplicate resembles that one's survivor just as much: it is
    rejected for the survivor, so that whoever is named is kept.
    """
    verdicts = Verdicts.all_kept(len(marks.prompt))
    first = _first_of_equals(marks.row[order]) if config.exact else np.arange(len(order))
    distinct = order[first == np.arange(len(order))]
    if config.near:
        _judge_near(marks, distinct, config.near, shared, sets, compared, verdicts)
    equal = order[first != np.arange(len(order))]
    twin = order[first[first != np.arange(len(order))]]
    resembles = verdicts.near[twin]
    verdicts.survivor[equal] = np.where(resembles, verdicts.survivor[twin], twin)
    verdicts.near[equal] = resembles
    verdicts.similarity[equal] = np.where(resembles[:, None], verdicts.similarity[twin], 1.0)
    if config.exact:
        _judge_prefixes(marks, order, verdicts)
    return verdicts


def _judge_prefixes(marks: Fingerprints, order: np.ndarray, verdicts: Verdicts) -> None:
    """Adds the kept rows that a kept row's conversation begins with, and their equals, to `verdicts`.

    A row that near-duplicates were rejected for stays, for they resemble it, not the longer one. A conversation longer
    than `LONG` is no survivor for a shorter one: it may be too long to train.
    """
    alive = order[verdicts.kept[order]]
    heads, rows = (np.concatenate([np.empty(0, kind), *parts]) for kind, parts in _of_pieces(marks))
    rank = np.full(len(marks.whole), -1, np.int64)
    rank[alive] = np.arange(len(alive))
    counts = (rank[rows] >= 0) & (marks.length[rows] <= LONG)
    fixed = np.zeros(len(marks.whole), bool)
    fixed[verdicts.survivor[verdicts.near]] = True
    holder = holders(marks.whole[alive], heads[counts], rank[rows[counts]], fixed[alive])
    lost = alive[holder >= 0]
    if not len(lost):
        return
    target = verdicts.survivor  # a row's holder, and through it its equals'
    target[lost] = alive[holder[holder >= 0]]
    verdicts.prefix[lost] = True
    equal = np.flatnonzero((target >= 0) & ~verdicts.prefix)
    equal = equal[verdicts.prefix[target[equal]]]
    target[equal] = target[target[equal]]
    verdicts.prefix[equal] = True
    verdicts.similarity[lost] = 1.0


def _of_pieces(marks: Fingerprints) -> list[tuple[type, list[np.ndarray]]]:
    return [(np.uint64, [keys for keys, _ in marks.heads]), (np.int64, [rows for _, rows in marks.heads])]


def _first_of_equals(keys: np.ndarray) -> np.ndarray:
    """Index of the first row with the same key uint64 (m, 2), int64 (m,): [a, b, a] -> [0, 1, 0]."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: the first of equals comes first
    new = np.ones(len(keys), bool)
    new[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    first = np.empty(len(keys), np.int64)
    first[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1]
    return first


def _judge_near(
    marks: Fingerprints,
    order: np.ndarray,
    near: Near,
    shared: Shared,
    sets: Sets,
    compared: Compared | None,
    verdicts: Verdicts,
) -> None:
    """Adds the near-duplicates among the rows at positions `order` int64 (m,), best first, to `verdicts`."""
    if near.search == "lsh":
        contending, buckets = shared(order)
        rows = order[contending]
        found = _stars_of(marks, rows, near, buckets, sets, compared) if len(rows) else None
    else:
        rows = order
        found = _exact_stars(marks, rows, near, sets) if len(rows) else None
    if found is None:
        return
    lost = found.survivor >= 0
    verdicts.survivor[rows[lost]] = rows[found.survivor[lost]]
    verdicts.near[rows[lost]] = True
    verdicts.similarity[rows[lost]] = found.similarity[lost]
    verdicts.nearly[rows] = found.nearly


def _exact_stars(marks: Fingerprints, rows: np.ndarray, near: Near, sets: Sets) -> Stars:
    """Stars of the rows at positions `rows` int64 (m,) in the buckets of the exact join, which takes all their sets."""
    positions = np.sort(rows)
    slots = np.searchsorted(positions, rows)
    prompts, answers = sets(positions)
    chosen = [part for part, other in ((prompts, "answer"), (answers, "prompt")) if near.compare != other]
    buckets = rarest_shingles(chosen, slots, near.threshold)
    return stars(buckets, *_parts(marks, rows, near, prompts, answers), marks.scope[rows], slots)


def _stars_of(
    marks: Fingerprints, rows: np.ndarray, near: Near, buckets: Buckets, sets: Sets, compared: Compared | None
) -> Stars:
    """The same in given buckets. With pairs known, sets are read only of rows that share a bucket with one that lacks
    some, then, where these decide otherwise than before and more are lacking, of all."""
    known, names = (compared.known(), compared.names(rows)) if compared else (Pairs.none(), None)
    wanted = np.full(len(rows), not len(known))
    while True:
        positions = np.sort(rows[wanted])
        slots = np.where(wanted, np.searchsorted(positions, rows), -1)
        parts = _parts(marks, rows, near, *sets(positions))
        found = stars(buckets, *parts, marks.scope[rows], slots, names, known)
        if not found.lacking.any():
            break
        wanted = np.ones(len(rows), bool) if wanted.any() else _bucket_mates(buckets, found.lacking)
    if compared:
        compared.keep(found.compared)
    return found


def _parts(
    marks: Fingerprints, rows: np.ndarray, near: Near, prompts: Shingles, answers: Shingles
) -> tuple[Part, Part]:
    least = near.threshold
    return (
        Part(prompts, marks.prompt[rows], least if near.compare != "answer" else 0.0),
        Part(answers, marks.answer[rows], least if near.compare != "prompt" else 0.0),
    )


def _bucket_mates(buckets: Buckets, rows: np.ndarray) -> np.ndarray:
    """Which of m rows share a bucket with one of the `rows` bool (m,), or are one; bool (m,)."""
    owner = np.repeat(np.arange(len(rows)), np.diff(buckets.bounds))
    touched = np.zeros(buckets.numbers.max(initial=-1) + 1, bool)
    touched[buckets.numbers[rows[owner]]] = True
    mates = rows.copy()
    mates[owner[touched[buckets.numbers]]] = True
    return mates
