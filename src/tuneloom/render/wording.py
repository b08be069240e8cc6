"""A row's messages in the words of its prompt template, with exemplars before them where shots are asked for.

Rows that templates have no say in, and rows that none fits, keep their messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuneloom.records import SIDES
from tuneloom.render.prompts import PromptTemplate, Values, choose_template, fitting_templates, values_of
from tuneloom.render.shots import Exemplar, Pools, task_of

COLUMNS = ("id", "origin", "messages", "fields", "examples", "tools", "references", "choices", "task", "category",
           "language", "side", "group")  # fmt: skip
"""Columns of the mixture's rows that wording reads."""


@dataclass(frozen=True)
class Worded:
    """What is rendered of a row: `template` is None where the messages are its own; `exemplars` are ids of rows, or
    "good example 1" of its task's definition."""

    messages: Sequence[Mapping[str, Any]]
    template: str | None = None
    exemplars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wording:
    """The templates of a run, and what exemplars are drawn from."""

    templates: Sequence[PromptTemplate]
    shots: int
    seed: int
    pools: Pools
    _known: dict[Any, list[PromptTemplate]] = field(default_factory=dict, repr=False, compare=False)

    def word(self, row: Mapping[str, Any], shots: int | None = None) -> Worded:
        """The row in its template's words, after at most `shots` exemplars, by default as many as the run has.

        Raises Unfilled where the template fails on the row.
        fields {instruction: "Add.", input: "1 2"} and the template `{{ instruction }} {{ input }} =` -> user
        "Add. 1 2 =", the assistant's answer as it was; a system message stays.
        """
        values = values_of(row) if row["side"] in SIDES else None
        if values is None:
            return Worded(row["messages"])
        held_out, most = row["side"] != "train", self.shots if shots is None else shots
        fitting = self._fitting(values, held_out, most > 0)
        if fitting and most:
            template = choose_template(fitting, values.id, self.seed)
            if worded := self._with_shots(row, values, template, most):
                return worded
            fitting = self._fitting(values, held_out, False)
        if not fitting:
            return Worded(row["messages"])
        template = choose_template(fitting, values.id, self.seed)
        return _worded(row, *template.fill(values.values), template.name)

    def _fitting(self, row: Values, held_out: bool, shots: bool) -> list[PromptTemplate]:
        """Remembered, for rows of one kind are many."""
        kind = (row.task, row.category, row.language, frozenset(row.values), held_out, shots)
        if kind not in self._known:
            self._known[kind] = fitting_templates(self.templates, row, held_out=held_out, shots=shots)
        return self._known[kind]

    def _with_shots(self, row: Mapping[str, Any], values: Values, template: PromptTemplate, most: int) -> Worded | None:
        """None where there is nothing to show."""
        if template.header.shots == "zero":
            exemplars = self.pools.choose(values, task_of(row), template, most, row.get("group"))
            if not exemplars:
                return None
            shown = "\n\n".join("\n".join(template.fill(one.values)) for one in exemplars)
            prompt, answer = template.fill(values.values)
            return _worded(row, f"{shown}\n\n{prompt}", answer, template.name, [one.id for one in exemplars])
        more, names = self._laid_out(row, values, template, most)
        if not names:
            return None
        return _worded(row, *template.fill({**values.values, **more}), template.name, names)

    def _laid_out(
        self, row: Mapping[str, Any], values: Values, template: PromptTemplate, most: int
    ) -> tuple[dict[str, Any], list[str]]:
        """What a template for few shots shows, and its names."""
        if "examples" in template.needs:
            examples = self.pools.choose_examples(values, most)
            return {"examples": examples}, _names(examples)
        exemplars: list[Exemplar] = self.pools.choose(values, task_of(row), template, most, row.get("group"))
        return {"exemplars": [dict(one.values) for one in exemplars]}, [one.id for one in exemplars]


def _names(examples: Sequence[Mapping[str, Any]]) -> list[str]:
    """["good example 1", "good example 2", "bad example 1"]."""
    kinds = ["good" if one["good"] else "bad" for one in examples]
    return [f"{kind} example {kinds[:place].count(kind) + 1}" for place, kind in enumerate(kinds)]


def _worded(row: Mapping[str, Any], prompt: str, answer: str, template: str, exemplars: Sequence[str] = ()) -> Worded:
    system = [message for message in row["messages"] if message["role"] == "system"]
    *_, asked, answered = row["messages"]
    said = [*system, {**asked, "role": "user", "content": prompt}, {**answered, "content": answer}]
    return Worded(said, template, tuple(exemplars))
