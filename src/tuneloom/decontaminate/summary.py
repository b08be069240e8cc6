"""The reverse report: which evaluation rows are given away, by what, and by how many rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.decontaminate.items import Items
from tuneloom.decontaminate.matches import LONG, RULES, Matches
from tuneloom.records import ORIGIN, SIDES, Origin
from tuneloom.text.personal_data import mask

WORST = 10
"""Evaluation rows that are shown."""

IN_TEST = "in the test side"

COMPROMISED = pa.schema(
    [
        ("id", pa.string()),
        ("origin", ORIGIN),
        ("rows", pa.int64()),
        *((rule.replace(" ", "_").replace("-", "_"), pa.int64()) for rule in RULES),
        ("coverage", pa.float64()),
    ]
)
"""An evaluation row that training or validation rows gave away: how many, by which rule, and the greatest coverage."""


class Tally:
    """Sums over the pieces of a stage, for m evaluation rows."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.by_rule = np.zeros((len(RULES), len(items)), np.int64)
        self.coverage = np.zeros(len(items))
        self.touching = np.zeros((2, len(items)), np.int64)
        self.in_test = np.zeros(len(items), np.int64)
        self.rejected = dict.fromkeys(RULES, 0)
        self.rows = dict.fromkeys(SIDES, 0)

    def add(self, found: Matches, sides: pa.ChunkedArray) -> None:
        """The matches of rows of training and validation, whose sides these are: they are rejected."""
        for rule in range(len(RULES)):
            self.by_rule[rule] += np.bincount(found.items[found.rule == rule], minlength=len(self.items))
            self.rejected[RULES[rule]] += int((found.rule[found.best] == rule).sum())
        np.maximum.at(self.coverage, found.items, found.coverage)
        self.touching += found.touching
        for side in sides.take(pa.array(found.rows[found.best])).to_pylist():
            self.rows[side] += 1

    def add_test(self, found: Matches) -> None:
        """The matches of test rows, which stay."""
        self.in_test += np.bincount(found.items, minlength=len(self.items))
        self.rows["test"] += len(found.best)

    def compromised(self) -> pa.Table:
        """The evaluation rows that are given away, by origin, as a table of schema `COMPROMISED`."""
        rows = self.by_rule.sum(axis=0)
        which = pa.array(np.flatnonzero(rows))
        columns = [
            self.items.ids,
            self.items.origins,
            pa.array(rows),
            *map(pa.array, self.by_rule),
            pa.array(self.coverage.round(4)),
        ]
        return pa.table([column.take(which) for column in columns], schema=COMPROMISED)

    def as_dict(self, ngram: int) -> dict[str, Any]:
        """Plain values for `writer.stats`."""
        names = pc.struct_field(self.items.origins, "source").to_numpy(zero_copy_only=False)
        return {
            "protected": len(self.items),
            "rejected": self.rejected,
            "contaminated_rows": self.rows,
            "reverse": {
                "sources": {name: self._of(names == name, ngram) for name in sorted({*names.tolist()})},
                "worst": self._worst(),
            },
        }

    def _of(self, which: np.ndarray, ngram: int) -> dict[str, int]:
        """Of the evaluation rows bool (m,) of one source: how many are touched and given away by what."""
        rows = self.by_rule[:, which]
        touched = (self.touching[:, which] > 0).sum(axis=1).tolist()
        return {
            "rows": int(which.sum()),
            "compromised": int((rows.sum(axis=0) > 0).sum()),
            **{rule: int((rows[number] > 0).sum()) for number, rule in enumerate(RULES)},
            **{f"any {length}-gram": count for length, count in zip((ngram, LONG), touched, strict=True)},
            IN_TEST: int((self.in_test[which] > 0).sum()),
        }

    def _worst(self) -> list[dict[str, Any]]:
        """Those that most rows give away; personal data are masked before the cut, for half of them is not
        recognised."""
        rows = self.by_rule.sum(axis=0)
        order = np.argsort(-rows, kind="stable")[:WORST]
        return [
            {
                "origin": str(Origin(**self.items.origins[int(item)].as_py())),
                "rows": int(rows[item]),
                "coverage": round(float(self.coverage[item]), 4),
                "sample": _sample(self.items, int(item)),
            }
            for item in order
            if rows[item]
        ]


def report_lines(stats: Mapping[str, Any]) -> list[str]:
    """What a person reads of the stage's stats: a line an evaluation source, then its rows that are given away most.

    gsm8k  1,319 evaluation rows, 2 compromised (1 exact question, 0 near duplicate, 1 n-gram coverage); told only: ...
    """
    if stats["protected"] is None:
        return ["turned off (decontaminate: null)"]
    if not stats["protected"]:
        return ["no evaluation rows to protect: add a source with `use: evaluate` or `use: decontaminate`"]
    told = [f"any {stats['ngram']}-gram", f"any {LONG}-gram", IN_TEST]
    lines = []
    for name, counts in stats["reverse"]["sources"].items():
        acting = ", ".join(f"{counts[rule]:,} {rule}" for rule in RULES)
        found = f"{counts['rows']:,} evaluation rows, {counts['compromised']:,} compromised ({acting})"
        lines.append(f"{name}  {found}; told only: {', '.join(f'{counts[what]:,} {what}' for what in told)}")
    return lines + [
        f"  {worst['origin']}  {worst['rows']:,} rows, coverage {worst['coverage']}: {worst['sample']}"
        for worst in stats["reverse"]["worst"]
    ]


def _sample(items: Items, item: int) -> str:
    """The beginning of an evaluation row's first text."""
    text = mask(" ".join(items.texts[int(items.first_texts[item])].as_py().split()))
    return text if len(text) <= 200 else f"{text[:199]}…"
