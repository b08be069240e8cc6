"""From a slice of rows to token rows: the prompt's wording, what is learnt, the tokens, and what is too long for them.

A row may become several (a split conversation, an answer each for an encoder-decoder) or none; each outcome is a row of
tokens or a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tuneloom.config import Render
from tuneloom.models.token_row import TokenRow
from tuneloom.records import SIDES
from tuneloom.render import seq2seq, too_long
from tuneloom.render.chat_template import Unrenderable
from tuneloom.render.loss_mask import Said, Spoken, speak, write_rows
from tuneloom.render.messages import message_dicts
from tuneloom.render.outcomes import Composed, Outcome, Refused, Rendered, composed, joined, refusal
from tuneloom.render.prompts import Unfilled
from tuneloom.render.sheet import Unproven
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.render.wording import COLUMNS as WORDED
from tuneloom.render.wording import Worded, Wording


class Speaker(Protocol):
    """How a kind of model takes conversations."""

    @property
    def parts_by_answer(self) -> bool:
        """Whether each answer is a row of its own."""

    def say(self, asked: Sequence[Said]) -> list[Outcome]:
        """An outcome for each, in order."""

    def say_columns(self, table: pa.Table) -> Spoken | None:
        """The rows of the mixture's `table` that need not be looked at one by one; None where all must be."""


@dataclass(frozen=True)
class Decoder:
    """Causal models: the chat template, with the loss on what the assistant says."""

    tokenizer: RowTokenizer
    parts_by_answer: bool = False

    def say(self, asked: Sequence[Said]) -> list[Outcome]:
        """All together, as pieces of text."""
        written = write_rows(asked, self.tokenizer)
        return [_outcome(row, trimmed) for row, trimmed in zip(written.rows, written.trimmed, strict=True)]

    def say_columns(self, table: pa.Table) -> Spoken | None:
        """Conversations of words alone; suites' rows, which are prompts, are few."""
        tools = pc.fill_null(pc.greater(pc.binary_length(table["tools"]), 0), False)
        able = pc.and_(pc.invert(tools), pc.is_in(table["side"], pa.array(SIDES)))
        return speak(table["messages"], able.to_numpy(), self.tokenizer)


@dataclass(frozen=True)
class EncoderDecoder:
    """Sequence-to-sequence models: the prompt in, the answer out."""

    tokenizer: RowTokenizer
    parts_by_answer: bool = True

    def say(self, asked: Sequence[Said]) -> list[Outcome]:
        """Rows whose mask divides input and target."""
        plain = [one for one in asked if not one.tools and not any(map(_beyond_words, one.messages))]
        rows = iter(seq2seq.write_rows([one.id for one in plain], [one.messages for one in plain], self.tokenizer))
        return [self._outcome(one, rows) for one in asked]

    def say_columns(self, table: pa.Table) -> Spoken | None:
        """Not yet: such models' rows are made one by one."""
        return None

    def _outcome(self, one: Said, rows: Any) -> Outcome:
        if one.tools or any(map(_beyond_words, one.messages)):
            return Refused("no place for tools", {"evidence": "an encoder-decoder reads words alone"})
        row = next(rows)
        return _outcome(row)


def compose(table: pa.Table, config: Render, speaker: Speaker, wording: Wording | None) -> Composed:
    """What becomes of each row of the mixture's `table`; `wording` is None without prompt templates.

    Rows that keep their words are made by columns, the others as Python objects, one by one.
    """
    table = table.combine_chunks()
    quick = speaker.say_columns(table) if wording is None and config.learn == "all" else None
    if quick is None:
        return composed(_one_by_one(table, config, speaker, wording), np.arange(len(table)))
    found, left = _judged(quick, config)
    left = np.union1d(left, np.setdiff1d(np.arange(len(table)), quick.places))
    if not len(left):
        return found
    return joined(found, composed(_one_by_one(table.take(pa.array(left)), config, speaker, None), left))


def _one_by_one(table: pa.Table, config: Render, speaker: Speaker, wording: Wording | None) -> list[list[Outcome]]:
    columns = set(WORDED if wording else ("id", "tools", "side")) - {"messages"}
    described = zip(
        table.select(sorted(columns & {*table.column_names})).to_pylist(), message_dicts(table["messages"]), strict=True
    )
    rows = [_Row({**row, "messages": messages}, speaker, config, wording) for row, messages in described]
    said = iter(speaker.say([part for row in rows for part in row.parts]))
    return [row.outcomes([next(said) for _ in row.parts]) for row in rows]


def _judged(spoken: Spoken, config: Render) -> tuple[Composed, NDArray[np.int64]]:
    """Rows made by columns, as `_Row._judge` judges them, and the places of those that are too long and not to be
    rejected for it."""
    lengths, unproven = spoken.rows.lengths, np.zeros(len(spoken.rows), bool)
    unproven[list(spoken.unproven)] = True
    unlearnt = ~unproven & (spoken.rows.supervised == 0)
    long = ~unproven & ~unlearnt & (lengths > config.max_length)
    refused = {r: refusal(why) for r, why in spoken.unproven.items()}
    refused |= dict.fromkeys(np.flatnonzero(unlearnt).tolist(), _NOTHING)
    if config.too_long == "reject":
        refused |= {r: _too_long(int(lengths[r]), config) for r in np.flatnonzero(long).tolist()}
    kept = np.flatnonzero(~(unproven | unlearnt | long))
    places = spoken.places.tolist()
    made = Composed(
        rows=spoken.rows.take(kept),
        places=spoken.places[kept],
        trimmed=spoken.trimmed[kept],
        dropped=np.zeros(len(kept), np.int64),
        templates=[None] * len(kept),
        exemplars=[()] * len(kept),
        refused=[(places[r], refused[r]) for r in sorted(refused)],
    )
    return made, spoken.places[long] if config.too_long != "reject" else np.zeros(0, np.int64)


class _Row:
    """One row of the mixture on its way."""

    def __init__(self, row: Mapping[str, Any], speaker: Speaker, config: Render, wording: Wording | None) -> None:
        self._speaker, self._config = speaker, config
        self._id, self._tools, self._side = row["id"], row["tools"], row["side"]
        self._row, self._wording = row, wording
        self._failure: Refused | None = None
        try:
            self._worded = wording.word(row) if wording else Worded(row["messages"])
        except Unfilled as error:
            self._worded = Worded(())
            self._failure = Refused("prompt template failed", {"rule": "prompt template", "evidence": str(error)})
        self.parts = [] if self._failure else [self._asked(messages) for messages in self._parts()]

    def outcomes(self, said: Sequence[Outcome]) -> list[Outcome]:
        """What becomes of the parts, those that are too long treated as the config says."""
        if self._failure:
            return [self._failure]
        if self._worded.exemplars and any(map(_is_too_long, map(self._judge, said))):
            said = self._with_fewer_exemplars()
        found = [one for part, outcome in zip(self.parts, said, strict=True) for one in self._fitted(part, outcome)]
        return [self._with_wording(one) for one in found]

    def _with_fewer_exemplars(self) -> Sequence[Outcome]:
        """An exemplar goes before the row does."""
        said: Sequence[Outcome] = ()
        for shots in range(len(self._worded.exemplars) - 1, -1, -1):
            self._worded = self._wording.word(self._row, shots) if self._wording else self._worded
            self.parts = [self._asked(messages) for messages in self._parts()]
            said = self._speaker.say(self.parts)
            if not any(map(_is_too_long, map(self._judge, said))):
                break
        return said

    def _parts(self) -> list[too_long.Messages]:
        messages = self._worded.messages
        if self._side not in SIDES:
            return [_question(messages)]
        if self._config.learn == "last" or (self._speaker.parts_by_answer and self._side != "train"):
            messages = too_long.learn_last(messages)
        return seq2seq.targets(messages) if self._speaker.parts_by_answer else [messages]

    def _asked(self, messages: too_long.Messages) -> Said:
        return Said(self._id, messages, self._tools, prompt=self._side not in SIDES)

    def _fitted(self, part: Said, outcome: Outcome) -> list[Outcome]:
        judged = self._judge(outcome)
        if not _is_too_long(judged) or self._config.too_long == "reject":
            return [judged]
        # A held-out row is judged by its last answer, so nothing of it may become a row of its own.
        if self._config.too_long == "split" and self._side == "train" and not self._speaker.parts_by_answer:
            runs = too_long.split(part.messages, self._fits)
            return [self._judge(one) for one in self._speaker.say([self._asked(run) for run in runs])]
        kept = too_long.truncate(part.messages, self._fits)
        if kept is None:
            return [judged]
        (shorter,) = self._speaker.say([self._asked(kept)])
        if isinstance(shorter, Rendered):
            shorter = Rendered(shorter.row, shorter.trimmed, len(part.messages) - len(kept))
        return [self._judge(shorter)]

    def _fits(self, messages: too_long.Messages) -> bool:
        (outcome,) = self._speaker.say([self._asked(messages)])
        return isinstance(outcome, Rendered) and len(outcome.row) <= self._config.max_length

    def _judge(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Refused):
            return outcome
        if self._side in SIDES and not outcome.row.supervised:
            return _NOTHING
        if len(outcome.row) > self._config.max_length:
            return _too_long(len(outcome.row), self._config)
        return outcome

    def _with_wording(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Refused) or self._worded.template is None:
            return outcome
        worded = self._worded
        return Rendered(outcome.row, outcome.trimmed, outcome.dropped, worded.template, worded.exemplars)


def _is_too_long(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.reason == "too long"


def _question(messages: too_long.Messages) -> too_long.Messages:
    """What comes before the last answer, where a suite's row brings one."""
    return messages[:-1] if len(messages) > 1 and messages[-1]["role"] == "assistant" else messages


_NOTHING = Refused("nothing to learn", {"value": 0, "bound": 1})


def _too_long(tokens: int, config: Render) -> Refused:
    return Refused("too long", {"value": tokens, "bound": config.max_length})


def _outcome(row: TokenRow | Unproven | Unrenderable, trimmed: int = 0) -> Outcome:
    return Rendered(row, trimmed) if isinstance(row, TokenRow) else refusal(row)


def _beyond_words(message: Mapping[str, Any]) -> bool:
    return bool(message.get("tool_calls") or message["role"] == "tool" or message.get("reasoning"))
