"""What is remembered of pairs of rows that were compared: how similar they are, 24 bytes a pair, no text.

A row is named by its place: the ingested file that it is of never changes under its key. A refresh thus compares new
rows with known ones, and reads no text of others. What a run adds goes beside one of its files as the fingerprints do,
the first that has none yet; as every refresh brings a file, there is room.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tuneloom.artifacts import Store
from tuneloom.config import Near
from tuneloom.dedup.pieces import Piece
from tuneloom.records import canonical, digest
from tuneloom.text.keys import mixed
from tuneloom.text.similarity import Pairs

MEMO = "pairs-v1"
"""Name of the memo; count the version up whenever shingles or what is recorded of a pair change."""


@dataclass(frozen=True)
class PairMemo:
    """The pairs known of the rows of some pieces, in a store."""

    store: Store
    keys: tuple[str, ...]
    """Of what may be remembered beside each piece"""
    starts: np.ndarray
    """int64 (p,): position of each piece's first row"""
    seeds: np.ndarray
    """uint64 (p,): hash of each piece's name"""

    @classmethod
    def of(cls, store: Store, pieces: Sequence[Piece], near: Near) -> "PairMemo":
        """For what `near` compares."""
        what = digest(canonical([near.threshold, near.compare]))
        places = [digest(canonical([piece.member.key, piece.file])) for piece in pieces]
        keys = [f"{piece.member.key}-{digest(place + what)[:16]}" for piece, place in zip(pieces, places, strict=True)]
        starts = np.array([piece.start for piece in pieces], np.int64)
        return cls(store, tuple(keys), starts, np.array([int(place[:16], 16) for place in places], np.uint64))

    def names(self, positions: np.ndarray) -> np.ndarray:
        """uint64 (m,) for rows at positions int64 (m,): the same in every run that has the file."""
        piece = np.searchsorted(self.starts, positions, "right") - 1
        return mixed(mixed(self.seeds[piece], 6) + (positions - self.starts[piece]).astype(np.uint64), 7)

    def known(self) -> Pairs:
        """All pairs that earlier runs compared, by key."""
        tables = [*self.store.known_memos(MEMO, self.keys).values()]
        if not tables:
            return Pairs.none()
        table = pa.concat_tables(tables)
        keys = table["key"].to_numpy()
        order = np.argsort(keys)
        similarity = np.stack([table[name].to_numpy() for name in ("prompt", "answer")], axis=1)
        return Pairs(keys[order], similarity[order])

    def keep(self, pairs: Pairs) -> None:
        """Writes pairs that were not known."""
        there = self.store.known_memos(MEMO, self.keys)
        free = next((key for key in self.keys if key not in there), None)
        if not len(pairs) or free is None:
            return
        prompt, answer = np.ascontiguousarray(pairs.similarity.T)
        table = pa.table({"key": pairs.keys, "prompt": prompt, "answer": answer})
        self.store.memo(MEMO, free, lambda: table)
