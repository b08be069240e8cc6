"""The label that a generated answer gives, or none: what cannot be told is a failed extraction and counts as wrong."""

import re
import unicodedata
from collections.abc import Sequence

_DENIED = re.compile(
    r"(?:(?<![a-z])(?:not|non|no|no longer|never|neither|nor|[a-z]+n't)(?:[ -](?:an?|the|be|very|really|at all))*[ -]?"
    r"|不(?:是|算|能|太|很|够)*|非是?|没有?|未必?)[\"'“”‘「《]*\Z"
)
"""Words directly before a label that deny it."""


def find_label(answer: str, labels: Sequence[str]) -> str | None:
    """The one label that stands in the answer, as a whole word where a script has words, and is not denied.

    `"I think it is Positive."` -> `"positive"`; `"positive or negative"`, `"not positive"` -> None; of `非正面` and
    `正面` in "非正面" the longer. Never part of a word: "untrue" is not `true`.
    """
    left, found = _plain(answer), set()
    for label in sorted(labels, key=len, reverse=True):
        pattern = re.compile(rf"(?<![a-z0-9]){re.escape(_plain(label))}(?![a-z0-9])")
        if any(not _DENIED.search(left[: match.start()]) for match in pattern.finditer(left)):
            found.add(label)
        left = pattern.sub("\n", left)
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().replace("’", "'").split())
