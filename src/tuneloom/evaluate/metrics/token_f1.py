"""F1 of tokens in common, in any order, for every language: words, and single characters of scripts without spaces.

The method is SQuAD's, the tokens are those of `rouge_l` and keep articles; `squad_f1` is the official one.
"""

from collections import Counter
from collections.abc import Sequence

from tuneloom.evaluate.metrics.rouge_l import tokens

DIRECTION = "higher"
INTERVAL = "mean"


def score(answer: str, references: Sequence[str]) -> float:
    """`"在巴黎"` against `["巴黎"]` -> 0.8."""
    return max((bag_f1(tokens(answer), tokens(reference)) for reference in references), default=0.0)


def bag_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """`["a", "b"]` against `["b", "c"]` -> 0.5; with one of them empty 1.0 if both are."""
    if not answer or not reference:
        return float(list(answer) == list(reference))
    return 2 * (Counter(answer) & Counter(reference)).total() / (len(answer) + len(reference))
