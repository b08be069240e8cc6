"""A suite's questions as the tokens a model is asked with: the model's own template, once, and nothing ever cut.

Prompt and answer are rendered together, as training renders them, and the prompt alone; the one's tokens must begin
with the other's, or the question is not asked. What cannot be asked (no rendering, no room) is counted: above 0.5 % of
the questions no verdict is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuneloom.models.token_row import TokenRow
from tuneloom.render.chat_template import Unrenderable
from tuneloom.render.loss_mask import Unproven, learnt_runs, write_masks
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.suites import Suite

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """A question before it is tokens: the conversation up to the answer, and every right answer."""

    id: str
    messages: Messages
    references: tuple[str, ...]
    cluster: str
    task: str
    category: str | None = None
    language: str | None = None

    @property
    def prompt(self) -> str:
        """What is asked last."""
        return str(self.messages[-1]["content"])


@dataclass(frozen=True)
class Question:
    """A question that can be asked: `prompt_ids`, and for each label a row whose loss mask covers the label's tokens.

    `blank` has the same labels after an empty question; both are empty where nothing is ranked. `end` is the token that
    ends a turn.
    """

    wanted: Wanted
    prompt_ids: tuple[int, ...]
    end: int
    choices: tuple[TokenRow, ...] = ()
    blank: tuple[TokenRow, ...] = ()


@dataclass(frozen=True)
class Unasked:
    """A question that cannot be asked, and why."""

    wanted: Wanted
    reason: str


def said(role: str, content: str) -> dict[str, Any]:
    """A message as templates and records have it."""
    return {"role": role, "content": content, "weight": 1}


def wanted_of(suite: Suite) -> list[Wanted]:
    """A suite's own rows, each after the first `shots` exemplars."""
    shown = [
        message
        for row in suite.exemplars[: suite.shots]
        for message in (said("user", row.prompt), said("assistant", row.references[0]))
    ]
    return [
        Wanted(
            row.id, [*shown, said("user", row.prompt)], row.references, row.cluster, suite.name, language=suite.language
        )
        for row in suite.rows
    ]


def ask(
    suite: Suite, wanted: Sequence[Wanted], tokenizer: RowTokenizer, window: int
) -> tuple[list[Question], list[Unasked]]:
    """Questions as tokens; a prompt that leaves no room for `max_new_tokens` in the model's `window` is not asked."""
    asked: list[Question] = []
    unasked: list[Unasked] = []
    ranked = suite.labels if any(reading != "generated" for reading in suite.readings) else ()
    for one in wanted:
        prompt = _prompt(one.messages, one.id, tokenizer)
        if isinstance(prompt, str):
            unasked.append(Unasked(one, prompt))
            continue
        labels = [one.references[0], *ranked]
        rows = _answered(one.messages, labels, one.id, tokenizer, prompt)
        blank = _blank(ranked, one.id, tokenizer) if "pmi" in suite.readings else ()
        if isinstance(rows, str) or isinstance(blank, str):
            unasked.append(Unasked(one, rows if isinstance(rows, str) else str(blank)))
        elif max(len(prompt) + suite.max_new_tokens, *(len(row) for row in rows)) > window:
            unasked.append(Unasked(one, "prompt too long for the model's window"))
        else:
            asked.append(Question(one, tuple(prompt), _end(rows[0]), tuple(rows[1:]), tuple(blank)))
    return asked, unasked


def _prompt(messages: Messages, row_id: str, tokenizer: RowTokenizer) -> list[int] | str:
    """Token ids up to where the answer begins, or why there are none."""
    rendering = tokenizer.template.render(messages, prompt=True)
    if isinstance(rendering, Unrenderable):
        return f"no rendering: {rendering.reason}"
    (row,) = write_masks([row_id], [rendering], tokenizer)
    return "no proven tokens" if isinstance(row, Unproven) else [int(i) for i in row.ids]


def _answered(
    messages: Messages, answers: Sequence[str], row_id: str, tokenizer: RowTokenizer, prompt: Sequence[int]
) -> list[TokenRow] | str:
    """A row for each answer, its mask on the answer's own tokens, not on the one that ends the turn."""
    renderings = [tokenizer.template.render([*messages, said("assistant", answer)]) for answer in answers]
    refused = next((r for r in renderings if isinstance(r, Unrenderable)), None)
    if refused:
        return f"no rendering: {refused.reason}"
    proven = write_masks([row_id] * len(answers), [r for r in renderings if not isinstance(r, Unrenderable)], tokenizer)
    rows: list[TokenRow] = []
    for row in proven:
        if isinstance(row, Unproven):
            return "no proven tokens"
        start, end = learnt_runs(row.loss_mask)[-1]
        if row.ids[:start].tolist() != list(prompt):
            return "prompt tokens are no prefix"
        mask = row.loss_mask.copy()
        mask[:start] = 0  # answers of exemplars are learnt, too, where a template is trained on them
        mask[end - 1 :] = 0
        rows.append(TokenRow(row_id, row.ids, mask))
    return rows


def _end(row: TokenRow) -> int:
    """The token behind the answer's own."""
    return int(row.ids[learnt_runs(row.loss_mask)[-1][1]])


def _blank(labels: Sequence[str], row_id: str, tokenizer: RowTokenizer) -> list[TokenRow] | str:
    empty = [said("user", "")]
    prompt = _prompt(empty, row_id, tokenizer)
    return prompt if isinstance(prompt, str) else _answered(empty, labels, row_id, tokenizer, prompt)
