"""Seeded choices. Only `random.random()` is used, the one generator whose sequence Python promises to keep."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any


class Dice:
    """Choices that are the same on every machine: `Dice("a").below(6)` is always the same number."""

    def __init__(self, seed: str) -> None:
        self._source = random.Random(seed)
        self._decks: dict[tuple[str, int], list[int]] = {}

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound` - 1."""
        return int(self._source.random() * bound)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options, each as likely as the others."""
        return options[self.below(len(options))]

    def deal(self, name: str, options: Sequence[Any]) -> Any:
        """One of the options from a shuffled deck: all come once before any comes again."""
        deck = self._decks.setdefault((name, len(options)), [])
        if not deck:
            deck.extend(self.shuffled(range(len(options))))
        return options[deck.pop()]

    def shuffled(self, items: Sequence[Any]) -> list[Any]:
        """The items in a new order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
