"""Leak groups: rows that share a prompt or a passage, directly or through others, must not be on two sides.

A group's anchor is its smallest key. It does not depend on the order of the rows, and stays when rows are added that
bring no smaller key, so that a refresh leaves the rows on their sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.text.content import content_of
from tuneloom.text.keys import dense, fold, key_hashes

PASSAGE_BYTES = 20
"""Shorter passages ("France", "2 + 2") are no leak: other questions about them share nothing that was learnt."""


@dataclass(frozen=True)
class Links:
    """k pairs of a row and a key that it holds; each row has at least one, its prompt's."""

    rows: np.ndarray
    """int64 (k,)"""
    keys: np.ndarray
    """uint64 (k, 2)"""


@dataclass(frozen=True)
class Groups:
    """The group of each of n rows."""

    labels: np.ndarray
    """int64 (n,): equal in a group"""
    anchors: np.ndarray
    """uint64 (n, 2): the smallest key of the row's group"""


def links_of(table: pa.Table, start: int) -> Links:
    """The keys of a table's rows, the first of which has number `start`: of prompt, input and context.

    All are folded as prose: whether a row is code also depends on its answer, and one prompt must have one key.
    """
    content = content_of(table)
    numbers = start + np.arange(len(table))
    prose = np.zeros(len(table), np.uint8)
    rows, keys = [numbers], [key_hashes(fold(content.prompt, prose))]
    for passage in content.passages:
        folded = fold(passage, prose)
        long = pc.greater_equal(pc.binary_length(folded), PASSAGE_BYTES).to_numpy(zero_copy_only=False)
        rows.append(numbers[long])
        keys.append(key_hashes(folded)[long])
    return Links(np.concatenate(rows), np.concatenate(keys))


def leak_groups(links: Sequence[Links], count: int) -> Groups:
    """Groups of rows 0 .. `count` - 1: rows {a: [3, 7], b: [7], c: [5]} -> {a, b} with anchor 3, {c} with anchor 5."""
    rows = np.concatenate([np.empty(0, np.int64), *(link.rows for link in links)])
    keys = np.concatenate([np.empty((0, 2), np.uint64), *(link.keys for link in links)])
    ranks = dense(keys)
    smallest = np.empty((ranks.max(initial=-1) + 1, 2), np.uint64)
    smallest[ranks] = keys
    label_of_key = np.arange(len(smallest))
    while True:
        label_of_row = np.full(count, len(smallest))
        np.minimum.at(label_of_row, rows, label_of_key[ranks])
        lowered = label_of_key.copy()
        np.minimum.at(lowered, ranks, label_of_row[rows])
        lowered = lowered[lowered]  # a label is a key itself: jump to that one's label
        if np.array_equal(lowered, label_of_key):
            return Groups(label_of_row, smallest[label_of_row])
        label_of_key = lowered
