"""Exact match, safe for numbers and for Chinese: 1.0 where an answer equals a reference but for case, spaces and
punctuation. Super-NaturalInstructions' official rule drops every ASCII punctuation mark, so that "-5" equals "5" and
"1.5" equals "15", and keeps the Chinese ones; here signs and points of numbers count, and `。` does not."""

import re
import unicodedata
from collections.abc import Sequence

DIRECTION = "higher"
INTERVAL = "share"
_OF_A_NUMBER = re.compile(r"(?<=\d)[.:/](?=\d)|(?<![\w.])[-+](?=[\d.])|(?<=\d)%|(?<![\w.])\.(?=\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def score(answer: str, references: Sequence[str]) -> float:
    """`"Paris."` against `["paris"]` -> 1.0; `"-5"` against `["5"]` -> 0.0."""
    return float(normalise(answer) in {normalise(reference) for reference in references})


def normalise(text: str) -> str:
    """`" The CAPITAL，is: -1,000.5! "` -> `"the capital is -1000.5"`; a text of marks alone keeps them."""
    plain = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).lower())
    kept = {match.start() for match in _OF_A_NUMBER.finditer(plain)}
    letters = [" " if unicodedata.category(c)[0] == "P" and i not in kept else c for i, c in enumerate(plain)]
    return " ".join("".join(letters).split()) or " ".join(plain.split())
