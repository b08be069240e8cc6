"""Super-NaturalInstructions' official ROUGE-L: that of rouge_score 0.1.2 with its stemmer, best over the references.

Words of [a-z0-9] only, those of four letters and more stemmed by NLTK's Porter: a Chinese text against itself gets 0.
Kept for comparison with published numbers; `rouge_l` is the one for every language.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from tuneloom.evaluate.metrics.rouge_l import longest_common_f1

DIRECTION = "higher"
INTERVAL = "mean"


def score(answer: str, references: Sequence[str]) -> float:
    """`"The cats ran"` against `["the cat ran"]` -> 1.0; `"法国"` against `["法国"]` -> 0.0."""
    words = tokens(answer)
    return max((longest_common_f1(words, tokens(r)) if words else 0.0 for r in references), default=0.0)


def tokens(text: str) -> list[str]:
    """`"Running, 4 Cats!"` -> `["run", "4", "cat"]`."""
    return [_stem(word) if len(word) > 3 else word for word in re.findall("[a-z0-9]+", text.lower())]


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
