"""The wording behind a cluster: what its texts have in common, with a mark for what varies."""

import re
from collections import Counter
from collections.abc import Sequence

SAMPLE = 8
"""Texts of a cluster that are compared."""
LONGEST = 2000
"""Characters of a text that are looked at; it is cut to far less when it is shown."""

_RUN = 3  # words; one or two stand in any two texts
_OWN = r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u9FFF"  # characters that are words
_GAP = " …"
_WORDS = re.compile(f"[{_OWN}]|[^\\s{_OWN}]+")


def common_wording(texts: Sequence[str]) -> str:
    """The first text, with "…" for its words that stand in no run of three words common to all of them.

    ["Name the capital of France today.", "Name the capital of Chad today.", "Name the capital of Peru today."] ->
    "Name the capital of …"
    """
    rows = [_WORDS.findall(text[:LONGEST]) for text in texts]
    if not rows:
        return ""
    holders = Counter(run for row in rows for run in {tuple(row[at : at + _RUN]) for at in range(len(row))})
    first = rows[0]
    shared = [False] * len(first)
    for at in range(len(first)):
        run = tuple(first[at : at + _RUN])
        if holders[run] == len(rows) and (len(run) == _RUN or at == 0):
            shared[at : at + len(run)] = [True] * len(run)
    pieces, ends = [], 0
    for word, keep in zip(_WORDS.finditer(texts[0][:LONGEST]), shared, strict=True):
        before = texts[0][ends : word.start()]
        if keep:
            pieces.append(before + word.group())
        elif not pieces or pieces[-1] != _GAP:
            pieces.append(_GAP)
        ends = word.end()
    return " ".join("".join(pieces).split())
