"""Which evaluation texts hold an n-gram: a hash table, as large as the evaluation side whatever is trained on.

N-grams that many questions of one file share are its template, not what it asks, and are left out.
"""

import math
from dataclasses import dataclass

import numpy as np

from tuneloom.decontaminate.items import Items
from tuneloom.text.kernels import kernel, read_only
from tuneloom.text.keys import key_hashes
from tuneloom.text.ngrams import Ngrams

SHARED_BY = 3
SHARED_SHARE = 0.01
"""Wording is shared where more than 3 different rows of the file hold it, and more than 1 % of them."""


@dataclass(frozen=True)
class Index:
    """n-gram -> the texts that hold it, for t texts."""

    slots: np.ndarray
    """int32 (power of two,): number of the n-gram that hashes there, -1 where there is none"""
    grams: np.ndarray
    """uint64 (g,)"""
    bounds: np.ndarray
    """int64 (g + 1,): the texts of n-gram i are texts[bounds[i] : bounds[i + 1]]"""
    texts: np.ndarray
    """int32 (postings,)"""
    sizes: np.ndarray
    """int64 (t,): different n-grams of each text that are its own"""
    shared: np.ndarray
    """int64 (t,): different n-grams of each text that its file shares"""


def index_of(grams: Ngrams, items: Items) -> Index:
    """The index of the texts of `items`, whose n-grams are `grams`."""
    text = np.repeat(np.arange(len(grams)), np.diff(grams.bounds))
    value, text = _different(grams.values, text)
    shared = _is_shared(value, text, items)
    unique, starts = np.unique(value[~shared], return_index=True)
    return Index(
        slots=_slots(unique),
        grams=read_only(unique),
        bounds=read_only(np.append(starts, int((~shared).sum())).astype(np.int64)),
        texts=read_only(text[~shared].astype(np.int32)),
        sizes=np.bincount(text[~shared], minlength=len(grams)),
        shared=np.bincount(text[shared], minlength=len(grams)),
    )


def _different(value: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different pairs of uint64 (k,) and int64 (k,), sorted."""
    order = np.lexsort((other, value))
    value, other = value[order], other[order]
    new = np.ones(len(value), bool)
    new[1:] = (value[1:] != value[:-1]) | (other[1:] != other[:-1])
    return value[new], other[new]


def _is_shared(value: np.ndarray, text: np.ndarray, items: Items) -> np.ndarray:
    """Whether a posting (n-gram uint64 (k,), text int64 (k,), sorted) is of wording that the text's file shares.

    Rows that open with the same question are one: a row that is repeated is no template.
    """
    if not len(value):
        return np.zeros(0, bool)
    openings = np.unique(key_hashes(items.openings)[:, 0], return_inverse=True)[1]
    files = items.files[items.item]
    rows_of_file = np.bincount(_different(items.files.astype(np.uint64), openings)[0].astype(np.int64))
    most = np.maximum(SHARED_BY, np.floor(rows_of_file * SHARED_SHARE)).astype(np.int64)
    number = np.cumsum(np.append(0, value[1:] != value[:-1]))
    file_of = number * (int(files.max()) + 1) + files[text]
    place, inverse = np.unique(file_of, return_inverse=True)
    holders = _different(inverse.astype(np.uint64), openings[items.item[text]])[0]
    held_by = np.bincount(holders.astype(np.int64), minlength=len(place))
    return (held_by > most[place % (int(files.max()) + 1)])[inverse]


def _slots(grams: np.ndarray) -> np.ndarray:
    """A hash table of different n-grams uint64 (g,), at most half full."""
    slots = np.full(2 ** max(4, math.ceil(math.log2(2 * len(grams) + 1))), -1, np.int32)
    _fill(read_only(grams), slots)
    return read_only(slots)


@kernel
def _fill(grams: np.ndarray, slots: np.ndarray) -> None:
    """Puts the numbers of `grams` uint64 (g,) into `slots` int32 (power of two,)."""
    last = np.uint64(len(slots) - 1)
    for number in range(len(grams)):
        place = grams[number] & last
        while slots[place] >= 0:
            place = (place + np.uint64(1)) & last
        slots[place] = number
