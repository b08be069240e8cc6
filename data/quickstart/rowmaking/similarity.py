"""How alike two rows are: Jaccard of 5-unit shingles, a unit being a lower-cased word or one Chinese character.

Two ways of cutting are judged (punctuation dropped, punctuation kept), so that no reader's way makes rows more alike.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from rowmaking.rows import Row

_HAN = "\u3400-\u9fff"
_WORDS = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+")
_MARKS = re.compile(rf"[{_HAN}\u3000-\u303f\uff00-\uffef]|[^\s{_HAN}\u3000-\u303f\uff00-\uffef]+")
SHINGLE = 5


def shingles(text: str, keep_marks: bool = False) -> frozenset[tuple[str, ...]]:
    """Runs of five units: `"a b c d e f"` -> `{(a, b, c, d, e), (b, c, d, e, f)}`; a shorter text is one run."""
    units = (_MARKS if keep_marks else _WORDS).findall(text.lower())
    if len(units) <= SHINGLE:
        return frozenset([tuple(units)])
    return frozenset(tuple(units[i : i + SHINGLE]) for i in range(len(units) - SHINGLE + 1))


def jaccard(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> float:
    """Shared shingles over all shingles: `{1, 2}` and `{2, 3}` -> 1/3."""
    return len(left & right) / len(left | right)


def views(row: Row) -> tuple[str, ...]:
    """The texts by which a row may be compared: all of it, its prompt, its user's words."""
    return row.whole, row.prompt, row.user_text


def likeness(left: Row, right: Row) -> tuple[float, float]:
    """The smallest and the largest Jaccard over all views and ways of cutting."""
    values = [
        jaccard(shingles(a, marks), shingles(b, marks))
        for a, b in zip(views(left), views(right), strict=True)
        for marks in (False, True)
    ]
    return min(values), max(values)


class Differing:
    """Admits a row only if it is less alike than `bound` to every row admitted before, in every view."""

    def __init__(self, bound: float) -> None:
        self.bound = bound
        self.largest = 0.0
        self._sizes: dict[tuple[int, bool], list[int]] = defaultdict(list)
        self._holders: dict[tuple[int, bool], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))

    def admit(self, row: Row) -> bool:
        """Remember the row and say True, or leave it and say False."""
        cuts = {
            (view, marks): {hash_of(s) for s in shingles(text, marks)}
            for view, text in enumerate(views(row))
            for marks in (False, True)
        }
        nearest = max(self._nearest(key, cut) for key, cut in cuts.items())
        if nearest >= self.bound:
            return False
        self.largest = max(self.largest, nearest)
        for key, cut in cuts.items():
            for shingle in cut:
                self._holders[key][shingle].append(len(self._sizes[key]))
            self._sizes[key].append(len(cut))
        return True

    def _nearest(self, key: tuple[int, bool], cut: set[int]) -> float:
        holders, sizes = self._holders[key], self._sizes[key]
        shared: Counter[int] = Counter()
        for shingle in cut:
            if shingle in holders:
                shared.update(holders[shingle])
        return max((n / (len(cut) + sizes[other] - n) for other, n in shared.items()), default=0.0)


def hash_of(shingle: tuple[str, ...]) -> int:
    """A number for a shingle within this process; it only saves memory and never reaches a file."""
    return hash(shingle)
