"""GSM8K's flexible extraction, as lm-evaluation-harness's gsm8k task v3 has it: the last thing like a number, compared
as text. By it a right "$18.00." is wrong: `decimal_match` stands beside it."""

import re
from collections.abc import Sequence

from tuneloom.evaluate.metrics.gsm8k_strict import plain

DIRECTION = "higher"
INTERVAL = "share"
_LIKE_A_NUMBER = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


def score(answer: str, references: Sequence[str]) -> float | None:
    """`"so she has 18 eggs"` against `["18"]` -> 1.0; `"eighteen"` -> None."""
    found = _LIKE_A_NUMBER.findall(answer)
    if not found:
        return None
    last = next(group for group in found[-1] if group)
    return float(plain(last) in {plain(reference.rpartition("####")[2]) for reference in references})
