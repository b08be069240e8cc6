"""What render made, in words, tables and coloured rows, for the terminal and the report; personal data is masked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tuneloom.text.personal_data import mask

MOST = 40
"""Tasks and languages kept apart in the stats; the rest is summed up."""
SHOWN = 15
BAR = 40
HEAD = ("rows", "tokens", "learnt", "learnt %")


@dataclass
class Breakdown:
    """Rows, tokens and learnt tokens of the training side by a property of its rows."""

    rows: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    supervised: Counter[str] = field(default_factory=Counter)

    def add(self, names: pa.Array, tokens: NDArray[np.int64], learnt: NDArray[np.int64]) -> None:
        """Counts rows under their names, strings (rows,); none is "(none)". Both counts are int64 (rows,)."""
        coded = pc.if_else(pc.equal(pc.fill_null(names, ""), ""), "(none)", names).dictionary_encode()
        places = coded.indices.to_numpy()
        for counter, counts in ((self.rows, None), (self.tokens, tokens), (self.supervised, learnt)):
            sums = np.bincount(places, counts, len(coded.dictionary)).astype(np.int64).tolist()
            counter.update(dict(zip(coded.dictionary.to_pylist(), sums, strict=True)))

    def stats(self) -> dict[str, dict[str, int]]:
        """`{"en": {"rows": 2, "tokens": 90, "supervised": 40}}`, most tokens first, the smallest as "(others)"."""
        order = sorted(self.rows, key=lambda name: (-self.tokens[name], name))
        groups = [(name, [name]) for name in order[:MOST]]
        if order[MOST:]:
            groups.append(("(others)", order[MOST:]))
        parts = {"rows": self.rows, "tokens": self.tokens, "supervised": self.supervised}
        return {name: {part: sum(c[n] for n in names) for part, c in parts.items()} for name, names in groups}


@dataclass(frozen=True)
class Table:
    """Cells as text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """A row as a person reads it: texts and whether their tokens are learnt."""

    id: str
    spans: tuple[tuple[str, bool], ...]


def shown_rows(stats: Mapping[str, Any]) -> list[Shown]:
    """The sampled training rows: `<|im_start|>assistant\\n` is not learnt, `Yo<|im_end|>` is."""
    return [
        Shown(row["id"], tuple((mask(text), learnt) for text, learnt in row["text"]))
        for row in stats.get("examples", ())
    ]


def summary(stats: Mapping[str, Any]) -> Iterator[str]:
    """A line for the packs, one for who tokenised, one where the fast way was given up."""
    if packs := stats.get("packs"):
        share = "nothing" if packs["fill"] is None else f"{packs['fill']:.2%} filled"
        yield f"{packs['rows']:,} rows in {packs['packs']:,} packs of {packs['length']:,} tokens, {share}"
    if engine := stats.get("engine"):
        yield f"tokenised by {engine}"
    if why := stats.get("fell_back"):
        yield f"not by the fast engine: {why}"


def tables(stats: Mapping[str, Any]) -> Iterator[Table]:
    """Tokens by side, language and task, and the lengths of the training rows."""
    for title, key in (("side", "sides"), ("language", "languages"), ("task", "tasks")):
        if found := stats.get(key):
            yield Table(f"Tokens by {title}", (title, *HEAD), tuple(_counted(found)))
    if lengths := stats.get("lengths"):
        yield Table("Tokens a row", ("from", "rows", ""), tuple(_histogram(lengths)))


def _counted(found: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, ...]]:
    for name, counts in list(found.items())[:SHOWN]:
        share = counts["supervised"] / counts["tokens"] if counts["tokens"] else 0
        yield mask(name), *(f"{counts[part]:,}" for part in ("rows", "tokens", "supervised")), f"{share:.0%}"
    if len(found) > SHOWN:
        yield f"({len(found) - SHOWN} more)", "", "", "", ""


def _histogram(lengths: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """`{"0": 3, "64": 6}` -> ("0", "3", "████"), ("64", "6", "████████"); up to SHOWN bars, bins joined for it."""
    bins = sorted((int(start), count) for start, count in lengths.items())
    width = 1 + bins[-1][0] // SHOWN if bins else 1
    joined: Counter[int] = Counter()
    for start, count in bins:
        joined[start // width] += count
    firsts = {part: min(start for start, _ in bins if start // width == part) for part in joined}
    top = max(joined.values(), default=1)
    for part in sorted(joined):
        yield str(firsts[part]), f"{joined[part]:,}", "█" * max(1, round(BAR * joined[part] / top))
