"""How much of each evaluation text a row holds: one pass over the row's n-grams and the index.

Counted is what one row holds, never what all of them hold together, and each n-gram once.
"""

from dataclasses import dataclass

import numpy as np

from tuneloom.decontaminate.index import Index
from tuneloom.text.kernels import kernel, read_only
from tuneloom.text.ngrams import Ngrams


@dataclass(frozen=True)
class Overlaps:
    """k pairs of a row and an evaluation text that it holds much of, by row and text."""

    rows: np.ndarray
    """int64 (k,)"""
    texts: np.ndarray
    """int64 (k,)"""
    found: np.ndarray
    """int64 (k,): different n-grams of the text that the row holds"""
    touching: np.ndarray
    """int64 (m,): rows that hold any n-gram of each of m evaluation rows"""


def overlaps(
    grams: Ngrams, bounds: np.ndarray, index: Index, item: np.ndarray, needed: np.ndarray, items: int
) -> Overlaps:
    """Overlaps of rows whose texts are bounds[i] : bounds[i + 1] of `grams`, int64 (n + 1,).

    `needed` int64 (t,): n-grams from which on a pair is of interest; `item` int64 (t,): the row, of `items`, that each
    text is of.
    """
    touching = np.zeros(items, np.int64)
    pairs = _find(
        read_only(grams.bounds[bounds]),
        grams.values,
        index.slots,
        index.grams,
        index.bounds,
        index.texts,
        read_only(item),
        read_only(needed),
        touching,
    )
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Overlaps(pairs[order, 0], pairs[order, 1], pairs[order, 2], touching)


@kernel
def _find(
    bounds: np.ndarray,
    values: np.ndarray,
    slots: np.ndarray,
    grams: np.ndarray,
    holders: np.ndarray,
    texts: np.ndarray,
    item: np.ndarray,
    needed: np.ndarray,
    touching: np.ndarray,
) -> np.ndarray:
    """N-grams `values` uint64 of rows `bounds` int64 (n + 1,) -> (row, text, found) int64 (k, 3); the index's arrays
    as in `Index`, `item` and `needed` int64 (t,). Adds to `touching` int64 (m,)."""
    last, used = np.uint64(len(slots) - 1), 0
    pairs = np.empty((64, 3), np.int64)
    seen = np.full(len(grams), -1, np.int32)
    row_of, found = np.full(len(needed), -1, np.int32), np.zeros(len(needed), np.int64)
    touched, touched_by = np.empty(len(needed), np.int64), np.full(len(touching), -1, np.int32)
    for row in range(len(bounds) - 1):
        count = 0
        for at in range(bounds[row], bounds[row + 1]):
            place = values[at] & last
            gram = slots[place]
            while gram >= 0 and grams[gram] != values[at]:
                place = (place + np.uint64(1)) & last
                gram = slots[place]
            if gram < 0 or seen[gram] == row:
                continue
            seen[gram] = row
            for holder in range(holders[gram], holders[gram + 1]):
                text = texts[holder]
                if row_of[text] != row:
                    row_of[text], found[text] = row, 0
                    touched[count] = text
                    count += 1
                found[text] += 1
        for number in range(count):
            text = touched[number]
            if touched_by[item[text]] != row:
                touched_by[item[text]] = row
                touching[item[text]] += 1
            if found[text] >= needed[text]:
                if used == len(pairs):
                    longer = np.empty((2 * used, 3), np.int64)
                    longer[:used] = pairs
                    pairs = longer
                pairs[used, 0], pairs[used, 1], pairs[used, 2] = row, text, found[text]
                used += 1
    return pairs[:used]
