"""Exemplars for few-shot prompts: rows of the same task from the training side, none of which gives the row away.

Each task keeps a pool of its rows, the first of one order by a hash of seed and id, so memory stays bounded and nothing
depends on how the rows are partitioned. A row draws from its task's pool, past itself, its leak group, and all that
shares its prompt or a passage with it, or resembles it: the traps of FLAN's mixtures (google-research/FLAN, issues 19
and 25).
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tuneloom.records import digest
from tuneloom.render.prompts import PromptTemplate, Values, draw, values_of
from tuneloom.text.keys import fold
from tuneloom.text.scripts import TABLE_SIZE, UNSPACED, classes

POOL = 64
"""Rows of a task that may be exemplars."""
TWINS = 0.5
"""Jaccard similarity of character 8-grams, of 4-grams in scripts without spaces, from which a row is no exemplar of
another; dedup removes from 0.8."""
COMPARED = 8_000
"""Characters of a row that are compared with those of others: a book's beginning tells it from another."""
_GRAM = 8
_PASSAGE = 20
"""Bytes, as the split counts them: 7 Chinese characters. A shorter text ("France") may be asked about in row and
exemplar."""


@dataclass(frozen=True)
class Exemplar:
    """A row that is shown before another: its id, its values, and what it is compared by."""

    id: str
    values: Mapping[str, Any]
    passages: frozenset[str]
    """Digests of what is asked about, and of the whole prompt"""
    grams: np.ndarray
    """uint64 (g,): hashes of the runs of characters, sorted, each once: a set of texts took fourteen times as much"""
    group: int | None = None
    """Its leak group, as the split tells it"""

    def gives_away(self, other: "Exemplar") -> bool:
        """Whether one is the other, shares its prompt or a passage, or is its near twin."""
        if self.id == other.id or self.passages & other.passages:
            return True
        shared = len(np.intersect1d(self.grams, other.grams, assume_unique=True))
        return shared >= TWINS * (len(self.grams) + len(other.grams) - shared)


class Pools:
    """The exemplars of every task and language."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rows: dict[tuple[str, str | None], list[tuple[int, str, Exemplar]]] = defaultdict(list)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Offers rows of the training side, whatever their number and order."""
        for row in rows:
            values = values_of(row)
            task = task_of(row)
            if values is None or task is None or "turns" in values.values:
                continue
            pool, rank = self._rows[task, values.language], -draw(self._seed, "pool", values.id)
            if any(row_id == values.id for _, row_id, _ in pool):
                continue
            if len(pool) == POOL and rank < pool[0][0]:
                continue
            push = heapq.heappushpop if len(pool) == POOL else heapq.heappush
            push(pool, (rank, values.id, exemplar(values.id, values.values, row.get("group"))))

    def choose(
        self, row: Values, task: str | None, template: PromptTemplate, count: int, group: int | None = None
    ) -> list[Exemplar]:
        """At most `count` exemplars for a row of a leak group, none of that group, all of which `template` can show;
        the task's own examples where the training side has none of it."""
        itself = exemplar(row.id, row.values)
        wanted = template.needs - {"exemplars", "examples"}
        pool = [exemplar for _, _, exemplar in self._rows.get((task, row.language), ())] if task else []
        fitting = [one for one in pool if wanted <= one.values.keys()] or [
            one for one in _own_examples(row) if wanted <= one.values.keys()
        ]
        fitting = [one for one in fitting if group is None or one.group != group]
        order = sorted(fitting, key=lambda one: (draw(self._seed, row.id, one.id), one.id))
        return list(_first(order, itself, count))

    def choose_examples(self, row: Values, count: int) -> list[dict[str, Any]]:
        """At most `count` good and `count` bad examples of a task's definition, in their order, past the row itself."""
        itself = exemplar(row.id, row.values)
        chosen: list[dict[str, Any]] = []
        for good in (True, False):
            shown = [one for one in row.examples if one["good"] == good and one["output"].strip()]
            apart = [one for one in shown if not exemplar("", {"input": one["input"]}).gives_away(itself)]
            chosen += [{"input": one["input"], "output": one["output"], "good": good} for one in apart[:count]]
        return chosen


_PRIME = 0x100000001B3  # Fowler, Noll and Vo's


def task_of(row: Mapping[str, Any]) -> str | None:
    """A row's task, or its category; rows that name neither have no fellows, whatever else their source holds."""
    return row["task"] or row["category"]


def _first(order: Sequence[Exemplar], row: Exemplar, count: int) -> Iterator[Exemplar]:
    """Those that keep apart from the row and from each other."""
    taken = [row]
    for one in order:
        if len(taken) > count:
            return
        if not any(one.gives_away(other) for other in taken):
            taken.append(one)
            yield one


def _own_examples(row: Values) -> Iterator[Exemplar]:
    """The good examples of the row's definition, as rows of their task."""
    good = [one for one in row.examples if one["good"] and one["output"].strip()]
    for number, one in enumerate(good, start=1):
        values = {**_shared(row.values), "input": one["input"], "text": one["input"], "answer": one["output"]}
        yield exemplar(f"good example {number}", values)


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("definition", "instruction") if name in values}


def exemplar(row_id: str, values: Mapping[str, Any], group: int | None = None) -> Exemplar:
    """A row with what it is compared by: what is asked about; the instruction only where nothing else is."""
    texts = [values[name] for name in ("input", "context") if name in values] or [values.get("instruction", "")]
    folded = [
        str(text) for text in fold(pa.array(texts, pa.large_string()), np.zeros(len(texts), np.uint8)).to_pylist()
    ]
    passages = frozenset(text for text in folded if len(text.encode("utf-8", "surrogatepass")) >= _PASSAGE)
    whole = "\n".join(folded)
    prompt = "\n".join([str(values.get("instruction", "")), whole])
    return Exemplar(row_id, values, frozenset(map(digest, passages | {prompt})), _grams(whole[:COMPARED]), group)


def _grams(text: str) -> np.ndarray:
    """Hashes of the runs of `_GRAM` characters of a text, uint64 (g,), sorted, each once: "abcdefghi" -> 2 of them. A
    character of a script without spaces counts twice; a text that is shorter is one run."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    twice = classes()[np.minimum(points, TABLE_SIZE - 1)] == UNSPACED
    weights = np.where(twice | (points >= TABLE_SIZE), 2, 1)  # above the table is Han
    units = np.repeat(points, weights).astype(np.uint64)
    width = min(_GRAM, len(units))
    hashes = np.zeros(len(units) - width + 1, np.uint64)
    for place in range(width):
        hashes = hashes * np.uint64(_PRIME) + units[place : place + len(hashes)]
    starts = np.cumsum(weights) - weights
    return np.unique(hashes[starts[starts < len(hashes)]])
