"""Conversations turn by turn: who speaks and what trains, and which conversations another begins with.

All that a row teaches with which another begins, the longer one teaches too; OASST paths and regenerated chats are
full of such rows. Compared are roles, words as they are written, and which answers train; not system prompts, as
everywhere in deduplication.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.text.content import turns_of
from tuneloom.text.keys import key_hashes, mixed

_ROLES = pa.array(["user", "assistant", "tool", "system"])
_ASSISTANT = 1


@dataclass(frozen=True)
class Talks:
    """Of the conversations of n rows."""

    shape: np.ndarray
    """uint64 (n,): key of the roles in turn, and of which answers train; rows of other shapes teach other things"""
    whole: np.ndarray
    """uint64 (n,): key of the conversation up to its last trained answer"""
    heads: np.ndarray
    """uint64 (k,): keys of the conversations up to each trained answer before that"""
    owners: np.ndarray
    """int64 (k,): the rows that these are of, ascending"""


def talks_of(table: pa.Table, scope: np.ndarray) -> Talks:
    """Keys of a table's conversations; rows of another `scope` uint64 (n,) have other ones.

    user A, assistant B, user C, assistant D -> whole A B C D, head A B
    """
    turns = turns_of(table)
    flat = table["messages"].combine_chunks().flatten()
    marks = pc.fill_null(pc.index_in(turns.roles, _ROLES), len(_ROLES)).to_numpy().astype(np.uint64)
    weight = pc.fill_null(pc.struct_field(flat, "weight"), 1).to_numpy()
    trained = (marks == _ASSISTANT) & (weight != 0)
    marks = marks * np.uint64(2) + trained.astype(np.uint64)
    said = mixed(key_hashes(pc.utf8_trim_whitespace(turns.texts))[:, 0] + marks, 1)
    places = np.flatnonzero(pc.fill_null(pc.not_equal(turns.roles, "system"), True).to_numpy(zero_copy_only=False))
    owner = turns.rows[places]
    step = np.arange(len(places)) - np.searchsorted(owner, owner)
    shape, whole, states = np.zeros(len(table), np.uint64), mixed(scope, 2), np.empty(len(places), np.uint64)
    for number in range(int(step.max(initial=-1)) + 1):
        now = np.flatnonzero(step == number)
        rows, turn = owner[now], places[now]
        shape[rows] = mixed(shape[rows] ^ (marks[turn] + np.uint64(1)), 4)
        whole[rows] = states[now] = mixed(whole[rows] ^ said[turn], 3)
    answers = np.flatnonzero(trained[places])
    last = np.full(len(table), -1, np.int64)
    last[owner[answers]] = answers
    ends = last >= 0
    whole[ends] = states[last[ends]]
    earlier = answers[answers != last[owner[answers]]]
    return Talks(shape, whole, states[earlier], owner[earlier])


def holders(whole: np.ndarray, heads: np.ndarray, owners: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """For each of m rows, best first, the row whose conversation begins with its own, or -1; int64 (m,).

    `whole` uint64 (m,), and the keys `heads` uint64 (k,) of the rows `owners` int64 (k,), from `Talks`; rows that are
    `fixed` bool (m,) must stay. Of several rows it is the best that has no holder itself: whatever a holder's
    holder begins with, the holder begins with.
    """
    found = np.full(len(whole), -1, np.int64)
    begins = np.isin(whole, heads) & ~fixed
    if not begins.any():
        return found
    final = ~begins[owners]
    keys, owners = heads[final], owners[final]
    order = np.lexsort((owners, keys))
    keys, owners = keys[order], owners[order]
    place = np.minimum(np.searchsorted(keys, whole[begins]), len(keys) - 1)
    found[begins] = np.where(keys[place] == whole[begins], owners[place], -1) if len(keys) else -1
    return found
