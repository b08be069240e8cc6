"""Dialogues that their publishers wrote as one text: the marks that name the speakers, and the turns between them."""

import re
from typing import Any

from tuneloom.ingest.row import Rejected
from tuneloom.records import Message

_DIALECTS = tuple(
    (re.compile(rf"(?:\A|{before}){human}"), re.compile(rf"(?:\A|{before})(?:({human})|{assistant})"))
    for before, human, assistant in (
        (r"\n\n", r"Human:[ ]?", r"Assistant:[ ]?"),  # Anthropic's HH-RLHF
        (r"\n", r"\[\|Human\|\][ ]?", r"\[\|AI\|\][ ]?"),  # Baize; one line of preface comes before
        (r"\s*", r"\#\#\#[ ]Human:[ ]?", r"\#\#\#[ ]Assistant:[ ]?"),  # Guanaco
        (r"\n", r"<human>:[ ]?", r"<bot>:[ ]?"),  # OIG
    )
)
"""(how a transcript begins, its marks with the human's in group 1)"""
_BAIZE = "The conversation between"


def is_transcript(text: Any) -> bool:
    """ "### Human: Hi### Assistant: Hello" -> True; a text that only quotes one further down -> False."""
    if not isinstance(text, str):
        return False
    begin = _begin(text)
    return any(first.match(begin) for first, _ in _DIALECTS)


def transcript_turns(text: str, field: str) -> tuple[Message, ...]:
    """ "\\n\\nHuman: Hi\\n\\nAssistant: Hello" -> user "Hi", assistant "Hello"; Baize's open last mark is no turn."""
    begin = _begin(text)
    for first, marks in _DIALECTS:
        if first.match(begin):
            found = list(marks.finditer(begin))
            ends = [mark.start() for mark in found[1:]] + [len(begin)]
            turns = [
                Message("user" if mark[1] else "assistant", begin[mark.end() : end].strip())
                for mark, end in zip(found, ends, strict=True)
            ]
            return tuple(turns if turns[-1].content or len(turns) == 1 else turns[:-1])
    raise Rejected("no transcript", field, text, "it begins with none of the known marks of speakers")


def _begin(text: str) -> str:
    """The text from its first mark; Baize's preface says that a human and an AI talk."""
    if text.startswith(_BAIZE):
        return text.partition("\n")[2]
    return text if text.startswith("\n\n") else text.lstrip()
