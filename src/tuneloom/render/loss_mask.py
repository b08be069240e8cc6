"""The one writer of the loss mask: an assistant's words and the token that ends its turn are learnt, nothing else.

A rendering is cut at the template's special tokens (which become their ids) and where an answer begins, so no token
reaches over the edge between prompt and answer, just as when the model answers. Then each row is proven from its
finished arrays: the runs of learnt tokens must stand for exactly the answers, each with its end token. What cannot be
proven is not trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.errors import ConfigError
from tuneloom.models.token_row import TokenRow, TokenRows, learnt_runs
from tuneloom.render.chat_template import Rendering, Unrenderable
from tuneloom.render.columns import dicts_of, plan_rows
from tuneloom.render.plans import cut
from tuneloom.render.sheet import Sheet, Unproven, lay_out
from tuneloom.render.tokenizer import RowTokenizer

SAMPLE = 256
"""One row in so many is also rendered by itself and tokenised by `tokenizers`, to be compared."""


@dataclass(frozen=True)
class Said:
    """A conversation to be made a row: messages with the fields of `records.Message`; a `prompt` ends in the header
    that an assistant's answer follows."""

    id: str
    messages: Sequence[Mapping[str, Any]]
    tools: str | None = None
    prompt: bool = False


@dataclass(frozen=True)
class Written:
    """Rows in the order asked for; `trimmed` counts texts of each whose outer white space the template dropped."""

    rows: list[TokenRow | Unproven | Unrenderable]
    trimmed: list[int]


def write_rows(said: Sequence[Said], tokenizer: RowTokenizer) -> Written:
    """Conversations -> rows with proven masks, many at a time.

    `[{role: user, content: Hi}, {role: assistant, content: Yo}]` -> ids int32 (n,) of
    `[<|im_start|> user \\n Hi <|im_end|> \\n <|im_start|> assistant \\n Yo <|im_end|> \\n]` and
    loss_mask uint8 (n,) `[0 0 0 0 0 0 0 0 0 1 1 0]`.

    One row in SAMPLE is made again without plans and by `tokenizers`; where it differs, all are.
    """
    written = _write(said, tokenizer)
    if tokenizer.quick:
        picked = range(0, len(said), SAMPLE)
        again = _write([said[i] for i in picked], tokenizer, slowly=True).rows
        if any(not _same(written.rows[i], row) for i, row in zip(picked, again, strict=True)):
            tokenizer.fall_back("a sampled row has other tokens by the fast way")
            return _write(said, tokenizer)
    return written


@dataclass(frozen=True)
class Spoken:
    """Rows made of a column: row r is the column's row `places[r]`, int64 (rows,) rising; `trimmed` int64 (rows,) is
    that of `Written`, `unproven` names rows whose mask is not proven."""

    rows: TokenRows
    places: NDArray[np.int64]
    trimmed: NDArray[np.int64]
    unproven: Mapping[int, Unproven]


def speak(messages: pa.ChunkedArray, able: NDArray[np.bool_], tokenizer: RowTokenizer) -> Spoken | None:
    """A column of `list<Message>` -> the tokens of its rows that are `able` bool (rows,) and of a planned shape, as
    `write_rows` makes them; None where the fast way is not to be trusted.

    One row in SAMPLE is made again as `write_rows` makes it again; where it differs, so may all.
    """
    if not tokenizer.quick:
        return None
    column = messages.chunk(0) if messages.num_chunks == 1 else pa.concat_arrays(messages.chunks)
    planned = plan_rows(column, able, tokenizer)
    rows, unproven = lay_out(planned.pieces, tokenizer)
    picked = np.arange(0, len(rows), SAMPLE)
    talks = dicts_of(column, planned.numbers[picked])
    said = [Said("", talk) for talk in talks]
    again = _write(said, tokenizer, slowly=True).rows
    made = [unproven.get(r) or rows.row(r, "") for r in picked.tolist()]
    if not all(map(_same, made, again)):
        tokenizer.fall_back("a sampled row has other tokens by the fast way")
        return None
    return Spoken(rows, planned.numbers, planned.trimmed, unproven)


def write_masks(
    ids: Sequence[str], renderings: Sequence[Rendering], tokenizer: RowTokenizer
) -> list[TokenRow | Unproven]:
    """Renderings -> rows with proven masks, as `write_rows` makes them."""
    sheet = Sheet(tokenizer)
    for rendering in renderings:
        sheet.add(list(cut(rendering)))
    return sheet.finish(ids)


def prompt_ids(row: TokenRow) -> NDArray[np.int32]:
    """What the last learnt answer of a row follows, its header included: ids int32 (p,), p < n; all of them where
    nothing is learnt. The model is asked exactly what it was trained on."""
    runs = learnt_runs(row.loss_mask)
    return row.ids[: runs[-1][0]] if runs else row.ids


def check_tokenizer(tokenizer: RowTokenizer) -> None:
    """Compares pieces with the whole text on a sample conversation, so that a tokenizer that treats pieces in another
    way (it strips white space, say) is refused instead of silently mistaken.

    Raises ConfigError naming the first difference.
    """
    talk = [{"role": r, "content": c} for r, c in (("user", "Hi there."), ("assistant", "Yo, 你好!"))]
    rendering = tokenizer.template.render(talk)
    if isinstance(rendering, Unrenderable):
        raise ConfigError(
            f"the chat template cannot be used: {rendering.reason}",
            where=rendering.evidence,
            remedy="Its loss mask could not be proven; choose another model or mend its template.",
        )
    (row,) = write_masks(["sample"], [rendering], tokenizer)
    want = tokenizer.encode_whole(rendering.text)
    got = [] if isinstance(row, Unproven) else row.ids.tolist()
    bos = tokenizer.special.get(tokenizer.template.named.get("bos_token", ""))
    if got != want:
        raise ConfigError(
            f"the tokenizer cuts a sample conversation into {want}, but its pieces into {got}",
            where="loss mask",
            remedy="This tokenizer's white space rules are not supported; choose another model.",
        )
    if bos is not None and want[:2] == [bos, bos]:
        raise ConfigError(
            f"the chat template begins with two {tokenizer.template.named['bos_token']!r}",
            where="chat template",
            remedy="Mend the template: a doubled begin token costs accuracy.",
        )


def _write(said: Sequence[Said], tokenizer: RowTokenizer, slowly: bool = False) -> Written:
    """`slowly`: without plans, by `tokenizers`."""
    sheet = Sheet(tokenizer, slowly)
    refused: dict[int, Unrenderable] = {}
    trimmed = [0] * len(said)
    quick = tokenizer.quick and not slowly
    for i, one in enumerate(said):
        plan = tokenizer.plans.of(one.messages, one.tools, one.prompt) if quick else None
        if plan:
            sheet.add_planned(plan, [slot.fill(one.messages) for _, slot in plan.slots])
            trimmed[i] = plan.trimmed(one.messages)
            continue
        rendering = tokenizer.template.render(one.messages, one.tools, prompt=one.prompt)
        if isinstance(rendering, Unrenderable):
            refused[i] = rendering
        else:
            sheet.add(list(cut(rendering)))
            trimmed[i] = rendering.trimmed
    made = iter(sheet.finish([one.id for i, one in enumerate(said) if i not in refused]))
    return Written([refused[i] if i in refused else next(made) for i in range(len(said))], trimmed)


def _same(one: TokenRow | Unproven | Unrenderable, other: TokenRow | Unproven | Unrenderable) -> bool:
    if isinstance(one, TokenRow) and isinstance(other, TokenRow):
        return np.array_equal(one.ids, other.ids) and np.array_equal(one.loss_mask, other.loss_mask)
    return one == other
