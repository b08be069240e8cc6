"""BLEU (Papineni 2002) of a whole corpus by sacrebleu, with its tokeniser for Chinese (`zh`) and `13a` for the rest.

Counts are sacrebleu's own; only their sums are turned into scores here, for many resamples at a time.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneloom.evaluate.metrics import About

DIRECTION = "higher"
INTERVAL = "corpus"
LARGEST = 100
ORDERS = 4


def measure(answer: str, references: Sequence[str], about: About) -> list[float]:
    """Lengths of answer and closest reference, right n-grams and all n-grams of orders 1 to 4: ten numbers."""
    found = _bleu(about.language).sentence_score(answer, list(references))
    return [float(n) for n in (found.sys_len, found.ref_len, *found.counts, *found.totals)]


def combine(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts float64 (r, 10) -> BLEU float64 (r,), orders without a match smoothed by halves (sacrebleu's `exp`)."""
    said, wanted, right, given = sums[:, 0], sums[:, 1], sums[:, 2:6], sums[:, 6:10]
    missed = np.cumsum((right == 0) & (given > 0), axis=1)
    shares = np.where(right > 0, right, 0.5**missed) / np.maximum(given, 1)
    logs = np.log(shares).sum(axis=1) / ORDERS
    ratio = np.divide(wanted, said, out=np.full_like(said, np.inf), where=said > 0)
    scores = 100 * np.exp(np.minimum(0.0, 1 - ratio)) * np.exp(logs)
    return np.where((right.sum(axis=1) > 0) & (given.min(axis=1) > 0), scores, 0.0)


def signature(language: str | None) -> str:
    """What identifies the setting: `nrefs:var|case:mixed|eff:no|tok:zh|smooth:exp|version:2.6.0`."""
    from sacrebleu import __version__

    return f"nrefs:var|case:mixed|eff:no|tok:{_tokeniser(language)}|smooth:exp|version:{__version__}"


@cache
def _bleu(language: str | None) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=_tokeniser(language), effective_order=True)


def _tokeniser(language: str | None) -> str:
    return "zh" if language == "zh" else "13a"
