"""A suite's questions as the tokens a model is asked with: the model's own template, once, and nothing ever cut.

Prompt and answer are written together, as training writes them (`by_template`, or `as_input_and_target` for an
encoder-decoder), and the prompt alone; the one's tokens must begin with the other's, or the question is not asked. What
cannot be asked (no rendering, no room) is counted: above 0.5 % of the questions no verdict is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuneloom.models.token_row import TokenRow
from tuneloom.render import seq2seq
from tuneloom.render.chat_template import Unrenderable
from tuneloom.render.loss_mask import Unproven, learnt_runs, write_masks
from tuneloom.render.tokenizer import RowTokenizer, row_tokenizer
from tuneloom.suites import Suite

Messages = Sequence[Mapping[str, Any]]
Write = Callable[[str, Sequence[Messages]], list[TokenRow] | str]
"""A row's id and conversations that end with an answer or with a question -> their tokens, or why there are none."""


@dataclass(frozen=True)
class Wanted:
    """A question before it is tokens: the conversation up to the answer, every right answer, and the answers that are
    ranked, where they are not the suite's labels."""

    id: str
    messages: Messages
    references: tuple[str, ...]
    cluster: str
    task: str
    category: str | None = None
    language: str | None = None
    choices: tuple[str, ...] = ()

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
            row.id,
            [*shown, said("user", row.prompt)],
            row.references,
            row.cluster,
            suite.name,
            row.category,
            suite.language,
            row.choices,
        )
        for row in suite.rows
    ]


def by_template(tokenizer: RowTokenizer) -> Write:
    """As a causal model is trained: by its chat template."""

    def write(row_id: str, talks: Sequence[Messages]) -> list[TokenRow] | str:
        found = [tokenizer.template.render(talk, prompt=talk[-1]["role"] != "assistant") for talk in talks]
        if refused := next((one for one in found if isinstance(one, Unrenderable)), None):
            return f"no rendering: {refused.reason}"
        sound = [one for one in found if not isinstance(one, Unrenderable)]
        return _proven(write_masks([row_id] * len(sound), sound, tokenizer))

    return write


def as_input_and_target(tokenizer: RowTokenizer) -> Write:
    """As an encoder-decoder is trained: the question is the input, the answer the target."""
    return lambda row_id, talks: _proven(seq2seq.write_rows([row_id] * len(talks), talks, tokenizer))


def encoder_input(tokenizer: Any, messages: Messages) -> list[int]:
    """What an encoder-decoder reads of a conversation up to a question, by transformers' tokenizer, as it was trained:
    "Hi" -> the ids of `Hi</s>`."""
    plain = row_tokenizer(tokenizer.backend_tokenizer, "", tokenizer.special_tokens_map)
    (row,) = seq2seq.write_rows(["question"], [messages], plain)
    if isinstance(row, Unproven):  # a question has no answer to prove
        raise ValueError(row.expected)
    return row.ids.tolist()


def ask(suite: Suite, wanted: Sequence[Wanted], write: Write, window: int) -> tuple[list[Question], list[Unasked]]:
    """Questions as tokens; a prompt that leaves no room for `max_new_tokens` in the model's `window` is not asked."""
    asked: list[Question] = []
    unasked: list[Unasked] = []
    ranks = any(reading != "generated" for reading in suite.readings)
    for one in wanted:
        ranked, right = (one.choices or suite.labels) if ranks else (), one.references[:1]
        written = _answered(one.messages, [*right, *ranked], one.id, write)
        blank = _answered([said("user", "")], ranked, one.id, write) if "pmi" in suite.readings else None
        if isinstance(written, str) or isinstance(blank, str):
            unasked.append(Unasked(one, written if isinstance(written, str) else str(blank)))
        elif max(len(written.prompt) + suite.max_new_tokens, *(len(row) for row in written.rows)) > window:
            unasked.append(Unasked(one, "prompt too long for the model's window"))
        else:
            choices, empty = tuple(written.rows[len(right) :]), tuple(blank.rows) if blank else ()
            asked.append(Question(one, written.prompt, written.end, choices, empty))
    return asked, unasked


@dataclass(frozen=True)
class _Written:
    """A prompt, a row for each answer to it, and the token that ends a turn."""

    prompt: tuple[int, ...]
    rows: list[TokenRow]
    end: int


def _answered(messages: Messages, answers: Sequence[str], row_id: str, write: Write) -> _Written | str:
    """A row for each answer, which it ends with: its mask is on the answer's own tokens alone."""
    proven = write(row_id, [messages, *([*messages, said("assistant", answer)] for answer in answers)])
    if isinstance(proven, str):
        return proven
    prompt, *whole = proven
    rows, end = [], 0
    for row in whole:
        start, stop = learnt_runs(row.loss_mask)[-1]
        if not np.array_equal(row.ids[:start], prompt.ids):
            return "prompt tokens are no prefix"
        end = int(row.ids[stop - 1])
        mask = row.loss_mask[: stop - 1].copy()
        mask[:start] = 0  # answers of exemplars are learnt, too, where a template is trained on them
        rows.append(TokenRow(row_id, row.ids[: stop - 1], mask))
    return _Written(tuple(prompt.ids.tolist()), rows, end)


def _proven(rows: Sequence[TokenRow | Unproven]) -> list[TokenRow] | str:
    proven = [row for row in rows if not isinstance(row, Unproven)]
    return proven if len(proven) == len(rows) else "no proven tokens"
