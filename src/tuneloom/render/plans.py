"""How rows of one shape are cut into pieces, found once: the rows themselves only bring their words.

A shape is who speaks in which order, with which texts and which of them are learnt. Its plan exists where the template
is proven to pass words on unseen (transparency.py) and equals what chat_template.py renders of placeholders; every
other row is rendered by itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tuneloom.render.chat_template import ChatTemplate, Rendering
from tuneloom.render.transparency import TRIMS, Words, place, render_unseen


@dataclass(frozen=True)
class Piece:
    """A part of a rendering that is tokenised by itself.

    `control` is a special token of the template's own, `turn` the number of the learnt turn it belongs to (None: not
    learnt), `goes_on` tells that it continues the piece before without a special token between.
    """

    text: str
    control: bool
    turn: int | None
    goes_on: bool


@dataclass(frozen=True)
class Slot:
    """A piece with words in it: `texts` stand around and between `words` (message, field, trim of TRIMS)."""

    texts: tuple[str, ...]
    words: tuple[tuple[int, str, str], ...]

    def fill(self, said: Sequence[Mapping[str, Any]]) -> str:
        """`user\\n` and the words of message 0 -> `user\\nHi`."""
        if len(self.words) == 1:  # as nearly always
            message, field, trim = self.words[0]
            words = said[message][field]
            return self.texts[0] + (words if trim == "n" else TRIMS[trim](words)) + self.texts[1]
        filled = [TRIMS[trim](said[message][field]) for message, field, trim in self.words]
        return "".join(part for pair in zip(self.texts, [*filled, ""], strict=True) for part in pair)


@dataclass(frozen=True)
class Plan:
    """The pieces of a shape; `slots` says which of them have words (place, Slot)."""

    pieces: tuple[Piece, ...]
    slots: tuple[tuple[int, Slot], ...]
    absent: tuple[str, ...]
    """Literals that may not occur in the words."""

    def trimmed(self, said: Sequence[Mapping[str, Any]]) -> int:
        """How many texts the template trims."""
        return sum(
            TRIMS[trim](said[m][field]) != said[m][field]
            for _, slot in self.slots
            for m, field, trim in slot.words
            if trim != "n"
        )


Shape = tuple[bool, tuple[tuple[str, bool, bool, bool], ...]]
"""Whether it is a prompt, and of each message its role, whether it has no words, no reasoning, and no weight."""


class Plans:
    """The plans of one template, made as shapes turn up."""

    def __init__(self, template: ChatTemplate) -> None:
        self._template = template
        self._known: dict[Shape, Plan | None] = {}

    def of(self, messages: Sequence[Mapping[str, Any]], tools: str | None, prompt: bool) -> Plan | None:
        """The plan for these messages; None where they are to be rendered by themselves."""
        shape = _shape(messages, tools, prompt)
        if shape is None:
            return None
        plan = self.of_shape(shape, lambda: messages)
        if plan and plan.absent and _occurs(plan.absent, messages):
            return None
        return plan

    def of_shape(self, shape: Shape, example: Callable[[], Sequence[Mapping[str, Any]]]) -> Plan | None:
        """The plan for conversations of a shape, of which `example` gives one; it holds for those whose words have
        none of its `absent` literals."""
        if shape not in self._known:
            self._known[shape] = self._make(example(), shape[0])
        return self._known[shape]

    def _make(self, messages: Sequence[Mapping[str, Any]], prompt: bool) -> Plan | None:
        blank = [
            {**m, **{name: place(name[0], i) for name in ("content", "reasoning") if m.get(name)}}
            for i, m in enumerate(messages)
        ]
        rendering = self._template.render(blank, None, prompt=prompt)
        if not isinstance(rendering, Rendering):
            return None
        absent: set[str] = set()
        unseen = [_watched(message, i, absent) for i, message in enumerate(messages)]
        text = render_unseen(
            self._template.environment,
            self._template.source,
            unseen,
            add_generation_prompt=prompt,
            **self._template.named,
        )
        if text is None or _PLACE.sub(lambda found: place(found[1], int(found[2])), text) != rendering.text:
            return None
        spots = [(int(m), _FIELDS[field], trim) for field, m, trim in _PLACE.findall(text)]
        return _plan(rendering, spots, tuple(sorted(absent)))


def cut(rendering: Rendering) -> Iterator[Piece]:
    """Cuts a rendering at special tokens and at the edges of turns."""
    cuts = {0, len(rendering.text)}
    cuts.update(edge for span in rendering.controls for edge in span)
    cuts.update(edge for turn in rendering.turns for edge in (turn.start, turn.end))
    controls = {start for start, _ in rendering.controls}
    learnt = {
        at: number
        for number, turn in enumerate(turn for turn in rendering.turns if turn.learnt)
        for at in cuts
        if turn.start <= at < turn.end
    }
    after_text = False
    for start, end in pairwise(sorted(cuts)):
        control = start in controls
        yield Piece(rendering.text[start:end], control, learnt.get(start), after_text and not control)
        after_text = not control


_FIELDS = {"c": "content", "r": "reasoning"}
_PLACE = re.compile(r"SLOTx([cr])x(\d+)x([nslrSLR])xEND")


def _shape(messages: Sequence[Mapping[str, Any]], tools: str | None, prompt: bool) -> Shape | None:
    """None where more is in play."""
    if tools:
        return None
    shape: list[tuple[str, bool, bool, bool]] = []
    for message in messages:
        content, reasoning = message["content"], message.get("reasoning")
        if message.get("tool_calls") or message.get("tool_call_id") or message.get("name"):
            return None
        if content.isspace() or (reasoning and reasoning.isspace()):
            return None
        shape.append((message["role"], not content, not reasoning, message.get("weight") == 0))
    return prompt, tuple(shape)


def _occurs(literals: Sequence[str], messages: Sequence[Mapping[str, Any]]) -> bool:
    return any(lit in m["content"] or lit in (m.get("reasoning") or "") for m in messages for lit in literals)


def _watched(message: Mapping[str, Any], number: int, absent: set[str]) -> dict[str, Any]:
    """A message as `for_template` gives it, its words watched."""
    said = {"role": message["role"], "content": Words.of("c", number, absent) if message["content"] else ""}
    if message.get("reasoning"):
        said["reasoning_content"] = Words.of("r", number, absent)
    return said


def _plan(rendering: Rendering, spots: Sequence[tuple[int, str, str]], absent: tuple[str, ...]) -> Plan:
    pieces = tuple(cut(rendering))
    slots, seen = [], 0
    for number, piece in enumerate(pieces):
        texts = tuple(_PLACE.split(piece.text)[::4])
        if len(texts) > 1:
            slots.append((number, Slot(texts, tuple(spots[seen : seen + len(texts) - 1]))))
            seen += len(texts) - 1
    return Plan(pieces, tuple(slots), absent)
