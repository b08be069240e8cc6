"""Rows for encoder-decoder models (T5, BART): the prompt is the encoder's input, the answer the decoder's target.

A row keeps both in one line of ids, the mask 0 on the input and 1 on the target, so that shards, packs and the ledger
are those of every other row; `models.seq2seq` takes them apart. Such models bring no chat template: a single turn is
the input as it is, a longer conversation bears its speakers' names.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuneloom.models.seq2seq import input_and_target
from tuneloom.models.token_row import TokenRow
from tuneloom.render.sheet import Unproven
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.text.personal_data import mask

Messages = Sequence[Mapping[str, Any]]


def encoder_text(messages: Messages) -> str:
    """[user "Hi"] -> "Hi"; [user "Hi", assistant "Yo", user "So?"] -> "user: Hi\\n\\nassistant: Yo\\n\\nuser: So?"."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def targets(messages: Messages) -> list[Messages]:
    """A conversation for each answer that is learnt, at its end: [u1, a1, u2, a2] -> [u1, a1], [u1, a1, u2, a2].

    Where nothing is learnt, the conversation itself.
    """
    learnt = [i for i, m in enumerate(messages) if m["role"] == "assistant" and m.get("weight") != 0]
    return [messages[: i + 1] for i in learnt] or [messages]


def write_rows(
    ids: Sequence[str], conversations: Sequence[Messages], tokenizer: RowTokenizer
) -> list[TokenRow | Unproven]:
    """Conversations that end with the answer to learn, or with a prompt, -> rows.

    user "Hi", assistant "Yo" -> ids int32 (n,) of `[Hi </s> Yo </s>]` and loss_mask uint8 (n,) `[0 0 1 1]`. A row is
    proven: its target decodes to the answer, white space aside (T5's vocabulary has no line break), and its end token.
    """
    end = tokenizer.special[tokenizer.template.named["eos_token"]]
    learnt = [talk[-1]["role"] == "assistant" and talk[-1].get("weight") != 0 for talk in conversations]
    asked = [talk[:-1] if taught else talk for talk, taught in zip(conversations, learnt, strict=True)]
    answers = [talk[-1]["content"] if taught else None for talk, taught in zip(conversations, learnt, strict=True)]
    inputs = tokenizer.encode([encoder_text(talk) for talk in asked])
    outputs = iter(tokenizer.encode([answer for answer in answers if answer is not None]))
    rows: list[TokenRow | Unproven] = []
    for row_id, given, answer in zip(ids, inputs, answers, strict=True):
        target = [*next(outputs), end] if answer is not None else []
        tokens = np.array([*given, end, *target], np.int32)
        row = TokenRow(row_id, tokens, (np.arange(len(tokens)) > len(given)).astype(np.uint8))
        rows.append(row if answer is None else _prove(row, answer, tokenizer))
    return rows


def _prove(row: TokenRow, answer: str, tokenizer: RowTokenizer) -> TokenRow | Unproven:
    _, target = input_and_target(row)
    (found,) = tokenizer.decode([target[:-1]])
    if found.split() == answer.split():
        return row
    return Unproven(mask(answer)[:200], mask(found)[:200])
