"""Prompt templates: a row's fields in another wording, drawn from many, as FLAN does (Wei et al. 2021).

A template is a Jinja file below `data/templates/<family>/` or a folder of the user's own, found by where it lies: a
header in YAML between lines of `---`, the prompt and, behind a line `|||`, the answer where it is not the row's own.
`family.yaml` beside it names the tasks and categories that the family is for. Which template a row gets is a hash of
seed, id and template name: it depends on no other row, and a template more changes few rows.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from tuneloom.config import Section
from tuneloom.render.sandbox import Failed, Limited

ANY = "*"
"""The pattern of families that serve the rows no other family serves."""
EXEMPLARS = frozenset(["exemplars", "examples"])
"""What a template for few shots reads: other rows, or the examples that a task's definition brings."""

INVERTED_ROWS = 10
"""One row in so many is asked backwards, where a template does so: the task itself stays the rule."""
ASKED = ("instruction", "definition", "context", "input", "options", "turns")
"""What a row asks with."""


class Header(Section):
    """What a template's file says of itself; its family is its folder."""

    language: str
    """Language of its words; rows of this language get it."""
    shots: Literal["zero", "few"] = "zero"
    """`few`: it lays out the exemplars itself. Before a `zero` one they stand each in the same wording."""
    chain_of_thought: bool = False
    """Its answer reasons before it concludes."""
    inverted: bool = False
    """It asks for what the row gives, given the row's answer (FLAN 2022); held-out rows never get it."""
    optional: tuple[str, ...] = ()
    """Fields that it can do without; all others that it reads a row must have."""
    source: str | None = None
    """Where its layout comes from, where it is a known one."""


@dataclass(frozen=True)
class PromptTemplate:
    """A template file: `name` is `family/file`, `needs` the values that a row must have."""

    name: str
    file: Path
    header: Header
    tasks: tuple[str, ...]
    prompt: Limited
    prompt_line: int
    answer: Limited | None
    answer_line: int
    needs: frozenset[str]

    @property
    def general(self) -> bool:
        """Whether it is for rows that no other family serves."""
        return ANY in self.tasks

    def fits(self, row: "Values", held_out: bool) -> bool:
        """Whether the row has the language and all that the template needs; its tasks are another question."""
        spoken = (row.language or "").lower().split("-")[0]
        if self.header.language != spoken or (held_out and self.header.inverted):
            return False
        return self.needs <= row.values.keys() | EXEMPLARS and (self.header.inverted or self._tells_all(row))

    def _tells_all(self, row: "Values") -> bool:
        """A prompt that left a passage or the options out would ask for what nobody can answer."""
        reads = self.needs | {*self.header.optional}
        told = reads | ({"context", "input"} if "text" in reads else set())
        return {name for name in ASKED if name in row.values} <= told

    def serves(self, row: "Values") -> bool:
        """Whether the row's task or category is one of the family's."""
        labels = [label.casefold() for label in (row.task, row.category) if label]
        return any(fnmatch.fnmatchcase(label, pattern) for label in labels for pattern in self.tasks)

    def fill(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Prompt and answer. Raises Unfilled with file and line."""
        everything = dict.fromkeys(self.header.optional) | dict(values)
        prompt = self._render(self.prompt, everything, self.prompt_line)
        answer = self._render(self.answer, everything, self.answer_line) if self.answer else values["answer"]
        return prompt, answer

    def _render(self, part: Limited, values: Mapping[str, Any], first_line: int) -> str:
        try:
            text = part.render(values).strip("\n")
        except Failed as error:
            raise Unfilled(self.file, (error.line or 1) + first_line - 1, error.why) from error
        if not text.strip():
            raise Unfilled(self.file, first_line, "it says nothing for this row")
        return text


@dataclass(frozen=True)
class Values:
    """What templates may read of a row: its fields and what follows from them."""

    id: str
    task: str | None
    category: str | None
    language: str | None
    values: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...] = ()
    """Those that the task's definition brings: dicts of input, output and good."""


class Unfilled(Exception):
    """A template that failed on a row; the message names file, line and cause."""

    def __init__(self, file: Path, line: int, why: str) -> None:
        super().__init__(f"{file.parent.name}/{file.name}, line {line}: {why}")


def values_of(row: Mapping[str, Any]) -> Values | None:
    """A row's values, or None where templates have no say: tools, reasoning, weights, no answer, no fields.

    fields {instruction: "Add.", input: "1 2"}, assistant "3" -> {instruction, input, text: "1 2", answer: "3"}; of a
    row of several exchanges only {turns: [{role, content}, ...], answer}: its fields do not say what was said before.
    """
    talk = [message for message in row["messages"] if message["role"] != "system"]
    if not talk or talk[-1]["role"] != "assistant" or row["tools"]:
        return None
    if any(m["role"] == "tool" or m.get("tool_calls") or m.get("reasoning") or m.get("weight") == 0 for m in talk):
        return None
    values: dict[str, Any] = {}
    if len(talk) > 2:
        values["turns"] = [{"role": m["role"], "content": m["content"]} for m in talk[:-1]]
    else:
        values |= {name: text for name, text in row["fields"] or () if text and text.strip()}
        values |= {name: list(row[name]) for name in ("choices", "references") if row[name]}
        if said := [values[name] for name in ("context", "input") if name in values]:
            values["text"] = "\n\n".join(said)
    if not values.keys() - {"answer", "choices", "references"}:
        return None
    values["answer"] = talk[-1]["content"]
    examples = tuple(row["examples"] or ())
    return Values(row["id"], row["task"], row["category"], row["language"], values, examples)


def fitting_templates(
    templates: Sequence[PromptTemplate], row: Values, *, held_out: bool, shots: bool
) -> list[PromptTemplate]:
    """The templates that the row may get: of the family of its task, else of those for any task; none where none fits.

    Without `shots` those that lay out exemplars are left aside. Depends on the row's labels and on which values it has.
    """
    fitting = [one for one in templates if one.fits(row, held_out) and (shots or one.header.shots == "zero")]
    own = [one for one in fitting if not one.general and one.serves(row)]
    return own or [one for one in fitting if one.general]


def choose_template(fitting: Sequence[PromptTemplate], row_id: str, seed: int) -> PromptTemplate:
    """The one of them that the row gets: an inverted one for one row in INVERTED_ROWS."""
    inverted = draw(seed, row_id, "inverted") % INVERTED_ROWS == 0
    several = [one for one in fitting if one.header.inverted == inverted] or fitting
    return max(several, key=lambda one: draw(seed, row_id, one.name))


def draw(seed: int, *names: str) -> int:
    """64 random bits, the same on every machine."""
    text = "\0".join([str(seed), *names])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
