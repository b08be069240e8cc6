"""GSM8K's strict match, as lm-evaluation-harness's gsm8k task v3 has it: the number behind the first `####`, compared
as text after `,`, `$` and a final `.` are gone. Without `####` there is no answer."""

import re
from collections.abc import Sequence

DIRECTION = "higher"
INTERVAL = "share"
_MARKED = re.compile(r"#### (\-?[0-9\.\,]+)")


def score(answer: str, references: Sequence[str]) -> float | None:
    """`"3 + 15 = 18\\n#### 18"` against `["18"]` -> 1.0; `"18"` -> None."""
    found = _MARKED.search(answer)
    return None if found is None else float(plain(found[1]) in {plain(_last(r)) for r in references})


def plain(text: str) -> str:
    """`"$1,018."` -> `"1018"`."""
    bare = text.strip().replace(",", "").replace("$", "")
    return bare.removesuffix(".").lower()


def _last(reference: str) -> str:
    """A reference may be GSM8K's whole solution: what follows its last `####`."""
    return reference.rpartition("####")[2]
