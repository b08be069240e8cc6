"""What `tuneloom show dedup` and the report tell: clusters with samples, losses by source, similarities."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.config import Dedup
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.verdicts import Verdicts
from tuneloom.records import Origin
from tuneloom.text.personal_data import mask

LARGEST = 10
"""Clusters that are shown with a sample."""

_STEP = 0.02  # of the histogram of similarities


def largest_clusters(verdicts: Verdicts, order: np.ndarray) -> list[tuple[int, int]]:
    """(survivor's position, rows it stands for with itself) of the largest clusters, largest first; of equally large
    ones the one whose survivor comes first in `order` int64 (m,), which no partition changes."""
    survivors, lost = np.unique(verdicts.survivor[~verdicts.kept], return_counts=True)
    rank = np.empty(len(verdicts.survivor), np.int64)
    rank[order] = np.arange(len(order))
    best = np.lexsort((rank[survivors], -lost))[:LARGEST]
    return [(int(survivors[i]), int(lost[i]) + 1) for i in best]


def summarise(rows: pa.Table, marks: Fingerprints, verdicts: Verdicts, config: Dedup) -> dict[str, Any]:
    """Plain values for `writer.stats`, but for the samples: counts, cluster sizes, sources, similarities."""
    lost, near = ~verdicts.kept, verdicts.near
    _, sizes = np.unique(verdicts.survivor[lost], return_counts=True)
    source = pc.struct_field(rows["origin"].combine_chunks(), "source").to_numpy(zero_copy_only=False)
    trains = pc.equal(rows["use"], "train").to_numpy()
    return {
        "exact": int((lost & ~near).sum()),
        "near": int(near.sum()),
        "bound": config.near.threshold if config.near else None,
        "clusters": {str(size + 1): count for size, count in sorted(Counter(sizes.tolist()).items())},
        "by_source": {
            name: {
                "rows": int((source == name).sum()),
                "exact": int((lost & ~near & (source == name)).sum()),
                "near": int((near & (source == name)).sum()),
            }
            for name in sorted(set(source))
        },
        "across_sources": _across(source[lost], source[verdicts.survivor[lost]]),
        "similarities": _histogram(verdicts.similarity[near][:, _compared(config)].min(axis=1, initial=1.0)),
        "same_prompt_other_answers": _crowds(marks.prompt[verdicts.kept & trains]),
        "same_answer_other_prompts": _crowds(marks.answer[verdicts.kept & trains]),
    }


def describe_cluster(origin: Origin, size: int, sample: str) -> dict[str, Any]:
    """One entry of `stats["largest"]`; personal data are masked before the cut, for half of them is not recognised."""
    text = mask(" ".join(sample.split()))
    return {"survivor": str(origin), "size": size, "sample": text if len(text) <= 200 else f"{text[:199]}…"}


def _compared(config: Dedup) -> list[int]:
    """Columns of the similarities that decide: 0 the prompt's, 1 the answer's."""
    compare = config.near.compare if config.near else "both"
    return {"prompt": [0], "answer": [1], "both": [0, 1]}[compare]


def _across(lost: np.ndarray, kept: np.ndarray) -> dict[str, dict[str, int]]:
    """{source of the rejected row: {source of the row kept for it: rows}}."""
    pairs = sorted(Counter(zip(lost.tolist(), kept.tolist(), strict=True)).items())
    table: dict[str, dict[str, int]] = {}
    for (loser, keeper), count in pairs:
        table.setdefault(loser, {})[keeper] = count
    return table


def _histogram(similarity: np.ndarray) -> dict[str, int]:
    """Near-duplicates by the smallest similarity that decided, in steps of 0.02: {"0.80": 12, "0.82": 9}."""
    steps = np.floor(similarity / _STEP + 1e-9).astype(int)
    return {f"{step * _STEP:.2f}": count for step, count in sorted(Counter(steps.tolist()).items())}


def _crowds(keys: np.ndarray) -> dict[str, int]:
    """Kept rows that share a text uint64 (n,) with another: how many texts, rows, and the most rows on one."""
    _, counts = np.unique(keys, return_counts=True)
    shared = counts[counts > 1]
    return {"texts": len(shared), "rows": int(shared.sum()), "most": int(shared.max(initial=0))}
