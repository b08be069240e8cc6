"""Exact and near duplicates among rows in survivor order: who is rejected, and for which kept row.

Near-duplicates are found by MinHash bands or by the exact join, and decided by true Jaccard similarity
(text/similarity.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tuneloom.config import Dedup, Near
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.text.keys import dense
from tuneloom.text.set_join import rarest_shingles
from tuneloom.text.shingles import Shingles
from tuneloom.text.similarity import Buckets, Part, stars

Sets = Callable[[np.ndarray], tuple[Shingles, Shingles]]
"""Gives the shingle sets of prompts and answers of the rows at sorted positions int64 (m,)."""


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

    @property
    def kept(self) -> np.ndarray:
        """bool (n,)"""
        return self.survivor < 0


def judge(marks: Fingerprints, order: np.ndarray, config: Dedup, sets: Sets) -> Verdicts:
    """Verdicts on all n rows; those not in `order` int64 (m,) (positions, best first) do not compete and are kept.

    A row equal to one that is itself rejected as a near-duplicate resembles that one's survivor just as much: it is
    rejected for the survivor, so that whoever is named is kept.
    """
    count = len(marks.prompt)
    verdicts = Verdicts(
        np.full(count, -1, np.int64), np.zeros(count, bool), np.full((count, 2), np.nan), np.full(count, np.nan)
    )
    first = _first_of_equals(marks.row[order]) if config.exact else np.arange(len(order))
    distinct = order[first == np.arange(len(order))]
    if config.near:
        _judge_near(marks, distinct, config.near, sets, verdicts)
    equal = order[first != np.arange(len(order))]
    twin = order[first[first != np.arange(len(order))]]
    resembles = verdicts.near[twin]
    verdicts.survivor[equal] = np.where(resembles, verdicts.survivor[twin], twin)
    verdicts.near[equal] = resembles
    verdicts.similarity[equal] = np.where(resembles[:, None], verdicts.similarity[twin], 1.0)
    return verdicts


def candidates(bands: np.ndarray) -> np.ndarray:
    """Bucket numbers int32 (bands, n) of n rows with band hashes uint64 (n, bands); -1 where no other row has the hash.

    [[7], [5], [7]] -> [[0, -1, 0]]; numbers differ between bands.
    """
    count, width = bands.shape
    buckets, used = np.full((width, count), -1, np.int32), 0
    for band in range(width):
        hashes = bands[:, band]
        order = np.argsort(hashes)
        ordered = hashes[order]
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(count, bool)
        shared[1:] |= same
        shared[:-1] |= same
        starts = shared.copy()
        starts[1:] &= ~same
        numbers = used + np.cumsum(starts) - 1
        buckets[band, order[shared]] = numbers[shared]
        used += int(starts.sum())
    return buckets


def _first_of_equals(keys: np.ndarray) -> np.ndarray:
    """Index of the first row with the same key uint64 (m, 2), int64 (m,): [a, b, a] -> [0, 1, 0]."""
    _, first, inverse = np.unique(dense(keys), return_index=True, return_inverse=True)
    return first[inverse]


def _judge_near(marks: Fingerprints, order: np.ndarray, near: Near, sets: Sets, verdicts: Verdicts) -> None:
    """Adds the near-duplicates among the rows at positions `order` int64 (m,), best first, to `verdicts`."""
    if near.search == "exact":
        rows = order
    else:
        matrix = candidates(marks.bands[order])
        contends = (matrix >= 0).any(axis=0)
        rows, matrix = order[contends], matrix[:, contends]
    if not len(rows):
        return
    positions = np.sort(rows)
    slots = np.searchsorted(positions, rows)
    prompts, answers = sets(positions)
    by_prompt, by_answer = near.compare != "answer", near.compare != "prompt"
    if near.search == "exact":
        compared = [part for part, counts in ((prompts, by_prompt), (answers, by_answer)) if counts]
        buckets = rarest_shingles(compared, slots, near.threshold)
    else:
        buckets = _ragged(matrix)
    found = stars(
        buckets,
        Part(prompts, marks.prompt[rows], near.threshold if by_prompt else 0.0),
        Part(answers, marks.answer[rows], near.threshold if by_answer else 0.0),
        marks.scope[rows],
        slots,
    )
    lost = found.survivor >= 0
    verdicts.survivor[rows[lost]] = rows[found.survivor[lost]]
    verdicts.near[rows[lost]] = True
    verdicts.similarity[rows[lost]] = found.similarity[lost]
    verdicts.nearly[rows] = found.nearly


def _ragged(matrix: np.ndarray) -> Buckets:
    """Bucket numbers int32 (bands, n) with -1 for none -> the buckets of each row."""
    shared = matrix.T >= 0
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(shared.sum(axis=1))])
    return Buckets(bounds, np.ascontiguousarray(matrix.T[shared]))
