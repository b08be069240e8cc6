"""Packs rows into fixed lengths: best-fit decreasing (Johnson 1974), no row split, the same plan for the same rows.

Open packs are kept by the room they have left; a big integer with a bit for every room that occurs finds the tightest
fit in one operation, so a million rows take about a second.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pack(lengths: NDArray[np.int32], capacity: int, seed: int) -> list[list[int]]:
    """Row lengths int32 (n,) -> packs of row numbers, each at most `capacity` long in sum, in a seeded random order.

    Lengths `[6, 9, 4, 1]` with capacity 10 -> `[[1, 3], [0, 2]]` or the two the other way round.
    """
    packs: list[list[int]] = []
    by_room: dict[int, list[int]] = defaultdict(list)
    rooms = 0  # bit r is set where a pack with room r is open
    for row in np.argsort(-lengths.astype(np.int64), kind="stable").tolist():
        length = int(lengths[row])
        if length > capacity:
            raise ValueError(f"row {row} has {length} tokens, a pack holds {capacity}")
        fitting = rooms >> length
        if length and fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            number = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
        else:
            room, number = capacity, len(packs)
            packs.append([])
        packs[number].append(row)
        left = room - length
        by_room[left].append(number)
        rooms |= 1 << left
    order = np.random.default_rng(seed).permutation(len(packs))
    return [packs[i] for i in order.tolist()]


def pack_places(lengths: NDArray[np.int32], repeats: NDArray[np.int32], capacity: int, seed: int) -> list[list[int]]:
    """The plan of rows of which row i trains `repeats[i]` times: int32 (n,) both -> packs of row numbers.

    It needs nothing but what the shards say of their rows (`ShardRows.lengths`, `.repeats`), so packs of another length
    are made without tokenising again. Lengths `[6, 4]`, repeats `[2, 1]`, capacity 10 -> `[[0, 1], [0]]` in some order.
    """
    places = np.repeat(np.arange(len(lengths), dtype=np.int32), np.maximum(repeats, 0))
    return [places[numbers].tolist() for numbers in pack(lengths[places], capacity, seed)]


def fill(packs: Sequence[Sequence[int]], lengths: NDArray[np.int32], capacity: int) -> float | None:
    """Share of the packs' room that tokens take, for row lengths int32 (n,); None without packs."""
    if not packs:
        return None
    return float(sum(int(lengths[list(rows)].sum()) for rows in packs) / (len(packs) * capacity))
