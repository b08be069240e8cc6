"""What `tuneloom show dedup` and the report tell: clusters and the wording behind them, losses by source, similarities.

Texts are not at hand here: what is to be shown of them is named by position first (`Shown`), and read by the stage.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from tuneloom.config import Dedup
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.ledger import Ledger
from tuneloom.dedup.verdicts import Verdicts
from tuneloom.dedup.wording import SAMPLE, common_wording
from tuneloom.records import Origin
from tuneloom.text.personal_data import mask

LARGEST = 10
"""Clusters that are shown with a sample."""
CROWDS = 5
"""Prompts with many answers, and answers to many prompts, that are shown."""
STEP = 0.02
"""Width of the bars of the histograms of similarities."""
TEXT_LENGTH = 200
"""Characters shown of a text."""


@dataclass(frozen=True)
class Cluster:
    """A kept row and those rejected for it."""

    members: tuple[int, ...]
    """Positions: the kept row, then a few of the others, best first"""
    size: int
    """Rows, with the kept one"""


@dataclass(frozen=True)
class Text:
    """What is shown of a row."""

    origin: Origin
    prompt: str
    answer: str


def summarise(
    rows: Ledger,
    marks: Fingerprints,
    order: np.ndarray,
    verdicts: Verdicts,
    config: Dedup,
    read: Callable[[Sequence[int]], dict[int, Text]],
) -> dict[str, Any]:
    """Plain values for `writer.stats`; `read` gives the texts at some positions."""
    lost, near = ~verdicts.kept, verdicts.near
    _, sizes = np.unique(verdicts.survivor[lost], return_counts=True)
    names, source = rows.sources, rows.source()
    alive = order[verdicts.kept[order]]
    largest = largest_clusters(verdicts, order, lost)
    by_source = {
        name: largest_clusters(verdicts, order, lost & (source == number), 1) for number, name in enumerate(names)
    }
    prompts, answers = crowds(marks.prompt[alive]), crowds(marks.answer[alive])
    shown = [at for cluster in (*largest, *chain.from_iterable(by_source.values())) for at in cluster.members]
    texts = read([*shown, *(int(alive[at]) for at, _ in (*prompts.largest, *answers.largest))])
    return {
        "rows": len(order),
        "exact": int((lost & ~near).sum()),
        "near": int(near.sum()),
        "bound": config.near.threshold if config.near else None,
        "clusters": {str(size + 1): count for size, count in sorted(Counter(sizes.tolist()).items())},
        "largest": [describe_cluster(cluster, texts) for cluster in largest],
        "by_source": {
            name: {
                "rows": int((source[order] == number).sum()),
                "exact": int((lost & ~near & (source == number)).sum()),
                "near": int((near & (source == number)).sum()),
                "largest": next((describe_cluster(cluster, texts) for cluster in by_source[name]), None),
            }
            for number, name in enumerate(names)
        },
        "by_file": _by_file(rows, order, lost),
        "across_sources": _across(names, source[lost], source[verdicts.survivor[lost]]),
        "similarities": _histogram(verdicts.similarity[near][:, _compared(config)].min(axis=1, initial=1.0)),
        "nearly": _histogram(verdicts.nearly[~np.isnan(verdicts.nearly)]),
        "same_prompt_other_answers": prompts.told([texts[int(alive[at])].prompt for at, _ in prompts.largest]),
        "same_answer_other_prompts": answers.told([texts[int(alive[at])].answer for at, _ in answers.largest]),
    }


def largest_clusters(verdicts: Verdicts, order: np.ndarray, lost: np.ndarray, most: int = LARGEST) -> list[Cluster]:
    """The clusters that the rows `lost` bool (n,) make with their survivors, largest first; of equally large ones that
    whose survivor comes first in `order` int64 (m,), which no partition changes."""
    gone = order[lost[order]]
    survivors, counts = np.unique(verdicts.survivor[gone], return_counts=True)
    rank = np.empty(len(verdicts.survivor), np.int64)
    rank[order] = np.arange(len(order))
    best = np.lexsort((rank[survivors], -counts))[:most]
    return [
        Cluster(
            (int(survivors[i]), *gone[verdicts.survivor[gone] == survivors[i]][: SAMPLE - 1].tolist()),
            int(counts[i]) + 1,
        )
        for i in best
    ]


def describe_cluster(cluster: Cluster, texts: dict[int, Text]) -> dict[str, Any]:
    """`{"survivor": "web:a:1", "size": 12, "sample": "Name the capital of Chad.", "wording": "Name the capital of …"}`;
    wording is that of the prompts of a few rows."""
    members = [texts[at] for at in cluster.members]
    return {
        "survivor": str(members[0].origin),
        "size": cluster.size,
        "sample": shown_text(members[0].prompt),
        "wording": shown_text(common_wording([member.prompt for member in members])),
    }


@dataclass(frozen=True)
class Crowds:
    """Rows that share a text with another: how many texts, rows, and the first row and the size of the largest."""

    texts: int
    rows: int
    largest: tuple[tuple[int, int], ...]

    def told(self, samples: list[str]) -> dict[str, Any]:
        """Plain values; `samples` are the texts of `largest`."""
        counts = [count for _, count in self.largest]
        examples = [{"text": shown_text(text), "rows": count} for text, count in zip(samples, counts, strict=True)]
        return {"texts": self.texts, "rows": self.rows, "most": max(counts, default=0), "examples": examples}


def crowds(keys: np.ndarray) -> Crowds:
    """Of rows in survivor order with text keys uint64 (n,): [7, 5, 7] -> 1 text, 2 rows, the largest ((0, 2),)."""
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    shared = np.flatnonzero(counts > 1)
    best = shared[np.lexsort((first[shared], -counts[shared]))[:CROWDS]]
    largest = tuple((int(first[i]), int(counts[i])) for i in best)
    return Crowds(len(shared), int(counts[shared].sum()), largest)


def shown_text(text: str) -> str:
    """One short line; personal data are masked before the cut, for half of them is not recognised."""
    line = mask(" ".join(text.split()))
    return line if len(line) <= TEXT_LENGTH else f"{line[: TEXT_LENGTH - 1]}…"


def _compared(config: Dedup) -> list[int]:
    """Columns of the similarities that decide: 0 the prompt's, 1 the answer's."""
    compare = config.near.compare if config.near else "both"
    return {"prompt": [0], "answer": [1], "both": [0, 1]}[compare]


def _by_file(rows: Ledger, order: np.ndarray, lost: np.ndarray) -> list[dict[str, Any]]:
    """The files that lost the largest shares: `{"source": "web", "file": "a.jsonl", "rows": 90, "lost": 31}`."""
    competing = np.bincount(rows.file[order], minlength=len(rows.names)).tolist()
    losses = np.bincount(rows.file[order], weights=lost[order], minlength=len(rows.names)).astype(int).tolist()
    told = [
        {"source": source, "file": file, "rows": count, "lost": gone}
        for (source, file), count, gone in zip(rows.names, competing, losses, strict=True)
        if gone
    ]
    return sorted(told, key=lambda row: (-row["lost"] / row["rows"], -row["rows"], row["source"], row["file"]))[
        :LARGEST
    ]


def _across(names: Sequence[str], lost: np.ndarray, kept: np.ndarray) -> dict[str, dict[str, int]]:
    """{source of the rejected row: {source of the row kept for it: rows}}; int32 (k,) and (k,) number `names`."""
    pairs, counts = np.unique(lost.astype(np.int64) * len(names) + kept, return_counts=True)
    table: dict[str, dict[str, int]] = {}
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        table.setdefault(names[pair // len(names)], {})[names[pair % len(names)]] = count
    return table


def _histogram(similarity: np.ndarray) -> dict[str, int]:
    """Rows by the smallest similarity that decided, in steps of 0.02: {"0.80": 12, "0.82": 9}."""
    steps = np.floor(similarity / STEP + 1e-9).astype(int)
    return {f"{step * STEP:.2f}": count for step, count in sorted(Counter(steps.tolist()).items())}
