"""What render counts as it goes, for the stats: rows and tokens by side, language, task and length, and a few rows as
text. What it keeps in memory is a length a row."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tuneloom.models.token_row import TokenRow, learnt_runs
from tuneloom.render.describe import Breakdown
from tuneloom.render.outcomes import Composed
from tuneloom.render.tokenizer import RowTokenizer

HISTOGRAM_BIN = 64
EXAMPLES = 5


@dataclass
class Tally:
    """Counts of all slices."""

    rows: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    supervised: Counter[str] = field(default_factory=Counter)
    histogram: Counter[int] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    exemplars: int = 0
    trimmed: int = 0
    truncated: int = 0
    dropped: int = 0
    divided: int = 0
    languages: Breakdown = field(default_factory=Breakdown)
    tasks: Breakdown = field(default_factory=Breakdown)
    examples: list[TokenRow] = field(default_factory=list)
    _lengths: list[NDArray[np.int64]] = field(default_factory=list)
    _repeats: list[NDArray[np.int64]] = field(default_factory=list)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens of every training row: int32 (rows,)."""
        return np.concatenate([np.zeros(0, np.int32), *self._lengths]).astype(np.int32)

    @property
    def repeats(self) -> NDArray[np.int32]:
        """How often each training row trains: int32 (rows,)."""
        return np.concatenate([np.zeros(0, np.int32), *self._repeats]).astype(np.int32)

    def add(self, table: pa.Table, made: Composed, kept: pa.Table) -> None:
        """Counts what a slice of the mixture became, of which `kept` are the shards' rows."""
        self.divided += int((made.counts > 1).sum())
        if not len(kept):
            return
        lengths, learnt = made.rows.lengths, made.rows.supervised
        sides = table["side"].take(pa.array(made.places)).combine_chunks()
        for side in pc.unique(sides).to_pylist():
            there = _equal(sides, side)
            self.rows[side] += int(there.sum())
            self.tokens[side] += int(lengths[there].sum())
            self.supervised[side] += int(learnt[there].sum())
        self.trimmed += int(made.trimmed.sum())
        self.truncated += int((made.dropped > 0).sum())
        self.dropped += int(made.dropped.sum())
        self.templates.update(template or "" for template in made.templates)
        self.exemplars += sum(map(len, made.exemplars))
        self._add_training(table, made, kept, np.flatnonzero(_equal(sides, "train")))

    def _add_training(self, table: pa.Table, made: Composed, kept: pa.Table, train: NDArray[np.int64]) -> None:
        """`train` are numbers of rows of `kept`, int64 (k,)."""
        lengths, learnt = made.rows.lengths[train], made.rows.supervised[train]
        self._lengths.append(lengths)
        self._repeats.append(kept["repeat"].to_numpy()[train])
        starts, counts = np.unique(lengths // HISTOGRAM_BIN * HISTOGRAM_BIN, return_counts=True)
        self.histogram.update(dict(zip(starts.tolist(), counts.tolist(), strict=True)))
        places = pa.array(made.places[train])
        for name, breakdown in (("language", self.languages), ("task", self.tasks)):
            breakdown.add(table[name].take(places).combine_chunks(), lengths, learnt)
        for number in train[: EXAMPLES - len(self.examples)].tolist():
            row = made.rows.row(number, kept["id"][number].as_py())
            self.examples.append(TokenRow(row.id, row.ids.copy(), row.loss_mask.copy()))

    def stats(self, tokenizer: RowTokenizer) -> dict[str, Any]:
        """The stage's stats, but for the packs."""
        return {
            "sides": {
                side: {"rows": n, "tokens": self.tokens[side], "supervised": self.supervised[side]}
                for side, n in sorted(self.rows.items())
            },
            "lengths": {str(start): n for start, n in sorted(self.histogram.items())},
            "length_bin": HISTOGRAM_BIN,
            "trimmed_messages": self.trimmed,
            "too_long": {"truncated_rows": self.truncated, "dropped_messages": self.dropped},
            "divided_rows": self.divided,
            "prompt_templates": dict(sorted(self.templates.items())),
            "exemplars": self.exemplars,
            "template": tokenizer.template.digest,
            "tokenizer": tokenizer.digest,
            "engine": tokenizer.engine.name,
            "fell_back": tokenizer.engine.fell_back,
            "languages": self.languages.stats(),
            "tasks": self.tasks.stats(),
            "examples": [_example(row, tokenizer) for row in self.examples],
        }


def _equal(values: pa.Array, value: str) -> NDArray[np.bool_]:
    return pc.equal(values, value).to_numpy(zero_copy_only=False)


def _example(row: TokenRow, tokenizer: RowTokenizer) -> dict[str, Any]:
    """One row as text, cut where the mask changes: `[["...assistant\\n", false], ["Yo<|im_end|>", true]]`."""
    edges = sorted({0, len(row), *(edge for run in learnt_runs(row.loss_mask) for edge in run)})
    spans = [(a, b) for a, b in pairwise(edges)]
    texts = tokenizer.decode([row.ids[a:b] for a, b in spans])
    return {
        "id": row.id,
        "text": [[text, bool(row.loss_mask[a])] for text, (a, _) in zip(texts, spans, strict=True)],
    }
