"""Whether the answer's number has the reference's value: "$18.00", "18." and "１８" are 18, "-5" is not 5.

The number behind `####` where there is one, else the last number of the text. A decimal point is one, whatever else a
text ends with; commas and single spaces group thousands; a minus stands at its digit, for before a space it is a list's
dash. Ours: lm-evaluation-harness compares numbers as text.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

DIRECTION = "higher"
INTERVAL = "share"
_NUMBER = re.compile(
    r"(?<![\d.])(?:(?<![\w).])-)?[$¥€£]?(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3}(?!\d))+|\d+)(?:\.\d+)?|(?<!\d)\.\d+"
)
_WORKING = re.compile(r"\([^()=]*\d\s*[-+*/x×÷]\s*[$¥€£]?\d[^()=]*\)")
"""A sum in brackets without its result: `29 pencils (3 x 12 - 7)`."""


def score(answer: str, references: Sequence[str]) -> float | None:
    """`"It costs $18.00."` against `["18"]` -> 1.0; `"I cannot say"` -> None."""
    found = number(answer)
    return None if found is None else float(found in {number(reference) for reference in references})


def number(text: str) -> Decimal | None:
    """`"18. (See steps 1-3.)\\n#### 18"` -> `Decimal("18")`; None where there is none."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-")
    before, mark, after = plain.rpartition("####")
    found = _NUMBER.findall(after)
    if mark and found:
        return _value(found[0])
    found = _NUMBER.findall(_WORKING.sub("", before + after)) or _NUMBER.findall(before + after)
    return _value(found[-1]) if found else None


def _value(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.-]", "", text))
