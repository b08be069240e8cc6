"""Instructions that a program can check, in the manner of IFEval (Zhou et al. 2023): "at least 50 words", "no commas".

A rule is a function `rule(text, value) -> bool` of this module, named in a suite as `{rule: value}`. A word is what
white space parts, and each Han, Kana or Thai character; Chinese marks end sentences as English ones do.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from tuneloom.text.language import detect_languages

Rule = Callable[[str, Any], bool]

_UNSPACED = "\u0e00-\u0e7f\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]*[^\W_{_UNSPACED}][^\s{_UNSPACED}]*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？])[\"'”’）]*")
_BULLET = re.compile(r"^\s*[*\-•]\s+\S", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*(\d+)[.)、]\s*\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(?<!\*)(\*{1,2})(?!\*)(?=\S)([^*\n]+?)(?<=\S)\1(?!\*)")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]+\]")
_TITLE = re.compile(r"<<[^<>\n]*\S[^<>\n]*>>|《《[^《》\n]*\S[^《》\n]*》》")
_FENCED = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)
_QUOTES = (('"', '"'), ("“", "”"), ("「", "」"))


def words(text: str) -> int:
    """`"It's 3 pm."` -> 3; `"今天下雨"` -> 4."""
    return len(_WORD.findall(text))


def sentences(text: str) -> int:
    """`"Hi. How are you? 好。很好！"` -> 4; a last one needs no mark."""
    return sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text) if part)


def paragraphs(text: str) -> int:
    """Blocks of text between empty lines."""
    return sum(bool(block.strip()) for block in re.split(r"\n\s*\n", text))


def at_least_words(text: str, value: int) -> bool:
    return words(text) >= value


def at_most_words(text: str, value: int) -> bool:
    return 0 < words(text) <= value


def at_least_sentences(text: str, value: int) -> bool:
    return sentences(text) >= value


def at_most_sentences(text: str, value: int) -> bool:
    return 0 < sentences(text) <= value


def exactly_paragraphs(text: str, value: int) -> bool:
    return paragraphs(text) == value


def contains(text: str, value: Sequence[str]) -> bool:
    """Every one of the words, whatever their case."""
    return all(_times(text, word) for word in value)


def avoids(text: str, value: Sequence[str]) -> bool:
    """None of the words; an empty answer avoids nothing."""
    return bool(text.strip()) and not any(_times(text, word) for word in value)


def repeats_word(text: str, value: Sequence[Any]) -> bool:
    """[word, times]: at least so often."""
    return _times(text, value[0]) >= int(value[1])


def letter_at_least(text: str, value: Sequence[Any]) -> bool:
    """[letter, times], whatever its case."""
    return text.lower().count(str(value[0]).lower()) >= int(value[1])


def starts_with(text: str, value: str) -> bool:
    return text.strip().lower().startswith(value.lower())


def ends_with(text: str, value: str) -> bool:
    """The very last words, also with quotation marks behind them."""
    return text.strip().rstrip("\"”'」").lower().endswith(value.lower().rstrip("\"”'」"))


def no_commas(text: str, value: bool) -> bool:
    """Not one of , ，、"""
    return bool(text.strip()) and not re.search(r"[,，、]", text)


def lower_case(text: str, value: bool) -> bool:
    return text == text.lower() and any(char.isalpha() for char in text)


def upper_case(text: str, value: bool) -> bool:
    return text == text.upper() and any(char.isalpha() for char in text)


def capital_words_at_least(text: str, value: int) -> bool:
    """Words all in capitals, of two letters or more."""
    return len(re.findall(r"\b[A-Z]{2,}\b", text)) >= value


def is_json(text: str, value: bool) -> bool:
    """One JSON object or array, bare or in one fence."""
    fenced = _FENCED.match(text.strip())
    try:
        return isinstance(json.loads(fenced[1] if fenced else text), dict | list)
    except ValueError:
        return False


def json_keys(text: str, value: Sequence[str]) -> bool:
    """One JSON object with exactly these keys."""
    fenced = _FENCED.match(text.strip())
    try:
        found = json.loads(fenced[1] if fenced else text)
    except ValueError:
        return False
    return isinstance(found, dict) and set(found) == set(value)


def exactly_bullets(text: str, value: int) -> bool:
    """Lines that begin with *, - or •."""
    return len(_BULLET.findall(text)) == value


def numbered_list(text: str, value: int) -> bool:
    """Lines 1. to `value`., in this order, and no other."""
    return [int(number) for number in _NUMBERED.findall(text)] == list(range(1, value + 1))


def highlights_at_least(text: str, value: int) -> bool:
    """Parts in *one* or **two** stars."""
    return len(_HIGHLIGHT.findall(text)) >= value


def placeholders_at_least(text: str, value: int) -> bool:
    """Parts in square brackets."""
    return len(_PLACEHOLDER.findall(text)) >= value


def has_title(text: str, value: bool) -> bool:
    """<<A title>>, or 《《标题》》."""
    return bool(_TITLE.search(text))


def in_quotes(text: str, value: bool) -> bool:
    """All of the answer between one pair of quotation marks."""
    whole = text.strip()
    return len(whole) > 2 and any(whole.startswith(left) and whole.endswith(right) for left, right in _QUOTES)


def two_answers(text: str, value: str) -> bool:
    """Two different ones with the given line between them."""
    parts = [part.strip() for part in text.split(value)]
    return len(parts) == 2 and all(parts) and parts[0] != parts[1]


def postscript(text: str, value: str) -> bool:
    """A line that begins with the mark ("P.S."), not the first one."""
    return any(line.strip().lower().startswith(value.lower()) for line in text.strip().splitlines()[1:])


def one_of(text: str, value: Sequence[str]) -> bool:
    """Nothing but one of the given answers, a final mark aside."""
    return text.strip().rstrip(".。!！").strip().lower() in {option.lower().rstrip(".。") for option in value}


def in_language(text: str, value: str) -> bool:
    """As `text.language` tells it."""
    return detect_languages([text])[0] == value


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        at_least_words, at_most_words, at_least_sentences, at_most_sentences, exactly_paragraphs, contains, avoids,
        repeats_word, letter_at_least, starts_with, ends_with, no_commas, lower_case, upper_case,
        capital_words_at_least, is_json, json_keys, exactly_bullets, numbered_list, highlights_at_least,
        placeholders_at_least, has_title, in_quotes, two_answers, postscript, one_of, in_language,
    )
}  # fmt: skip


def loosened(text: str) -> list[str]:
    """IFEval's eight variants: without its first line, its last, both; each also without stars. The first is `text`."""
    lines = text.split("\n")
    cut = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(part.replace("*", "") for part in cut)]


def followed(text: str, constraints: Sequence[str], loose: bool = False) -> list[bool]:
    """Which of the constraints (`'{"at_most_words": 20}'` each) the answer keeps; an empty answer keeps none."""
    variants = [variant for variant in (loosened(text) if loose else [text]) if variant.strip()]
    found = []
    for constraint in constraints:
        ((name, value),) = json.loads(constraint).items()
        found.append(any(RULES[name](variant, value) for variant in variants))
    return found


def _times(text: str, word: str) -> int:
    """Occurrences of a word, as a whole one in scripts that part them."""
    ends = r"(?<![a-z0-9]){}(?![a-z0-9])" if re.match(r"[a-z0-9]", word, re.IGNORECASE) else "{}"
    return len(re.findall(ends.format(re.escape(word.lower())), text.lower()))
