"""Leak groups: rows that share a prompt, a passage or a span, directly or through others, must not be on two sides.

Rows that share a strong key always hang together. Spans join them further, the rarest wording first, as long as the
group stays within a cap; a span that would join more is the weakest link, and is cut and told. A group's anchor is its
smallest strong key. It does not depend on the order of the rows, and stays when rows are added that bring no smaller
one, so that a refresh leaves the rows on their sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneloom.split.links import Links
from tuneloom.text.kernels import Integer, kernel, read_only

CAP_SHARE = 0.05
"""Largest share of the rows that spans may join to one group: with more, no share of the sides could be kept."""
CAP_ROWS = 100
"""A group of so many rows is never cut."""


@dataclass(frozen=True)
class Groups:
    """The group of each of n rows."""

    labels: np.ndarray
    """int64 (n,): equal in a group"""
    anchors: np.ndarray
    """uint64 (n,): the smallest strong key of the row's group"""
    cut: np.ndarray
    """uint64 (c,): spans that would have joined more than the cap"""
    cut_rows: int
    """Rows that hold one of them"""


def leak_groups(strong: Sequence[Links], spans: Sequence[Links], count: int, cap: int | None = None) -> Groups:
    """Groups of rows 0 .. `count` - 1: rows {a: [3, 7], b: [7], c: [5]} -> {a, b} with anchor 3, {c} with anchor 5.

    `cap` is the most rows that spans may join, by default 5 % of them or 100.
    """
    parent, size = np.arange(count), np.ones(count, np.int64)
    most = max(CAP_ROWS, int(CAP_SHARE * count)) if cap is None else cap
    rows, keys = _joined(strong)
    _unite_in_order(rows, keys, count, parent, size)
    weak_rows, weak_keys = _joined(spans)
    cut = _unite_in_order(weak_rows, weak_keys, most, parent, size)
    labels = _roots(parent)
    anchors = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(anchors, labels[rows], keys)
    return Groups(labels, anchors[labels], cut, len(np.unique(weak_rows[np.isin(weak_keys, cut)])))


def _joined(links: Sequence[Links]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.concatenate([np.empty(0, np.int64), *(link.rows for link in links)])
    return rows, np.concatenate([np.empty(0, np.uint64), *(link.keys for link in links)])


def _unite_in_order(rows: np.ndarray, keys: np.ndarray, cap: int, parent: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Joins the rows of each key, those of the fewest rows first, equal ones by the key; returns those it cut."""
    order = np.argsort(keys)  # among the rows of a key the order decides nothing
    rows, keys = rows[order], keys[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), bool), keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(starts, len(keys)))
    shared = np.flatnonzero(counts > 1)
    by_rarity = shared[np.argsort(counts[shared], kind="stable")]  # starts are sorted by key
    cut = np.zeros(len(by_rarity), np.uint8)
    _unite(read_only(rows), read_only(starts[by_rarity]), read_only(counts[by_rarity]), cap, parent, size, cut)
    return np.sort(keys[starts[by_rarity[cut == 1]]])


@kernel
def _root(parent: np.ndarray, row: Integer) -> Integer:
    """The root of a row in `parent` int64 (n,), halving the path to it."""
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@kernel
def _unite(
    rows: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
    cap: Integer,
    parent: np.ndarray,
    size: np.ndarray,
    cut: np.ndarray,
) -> None:
    """Joins rows[start : start + count] of each key, int64 (k,) each, to the smallest root; or sets `cut` uint8 (k,).

    `parent`, `size` int64 (n,): the forest of rows, and at its roots the rows of the tree.
    """
    counted = np.full(len(parent), -1, np.int64)
    for key in range(len(starts)):
        total, least = np.int64(0), np.int64(len(parent))
        for at in range(starts[key], starts[key] + counts[key]):
            root = _root(parent, rows[at])
            if counted[root] != key:
                counted[root] = key
                total += size[root]
                least = np.int64(min(least, root))
        if total > cap and total > size[least]:
            cut[key] = 1
            continue
        for at in range(starts[key], starts[key] + counts[key]):
            root = _root(parent, rows[at])
            if root != least:
                parent[root] = least
        size[least] = total


@kernel
def _roots(parent: np.ndarray) -> np.ndarray:
    """The root of each row, int64 (n,)."""
    out = np.empty_like(parent)
    for row in range(len(parent)):
        out[row] = _root(parent, row)
    return out
