"""The one writer of the loss mask: an assistant's words and the token that ends its turn are learnt, nothing else.

A rendering is cut at the template's special tokens (which become their ids) and where an answer begins, so no token
reaches over the edge between prompt and answer, just as when the model answers. Then each row is proven from its
finished arrays: the runs of learnt tokens must decode to exactly the answers, each with its end token. What cannot be
proven is not trained on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tuneloom.errors import ConfigError
from tuneloom.models.token_row import TokenRow
from tuneloom.render.chat_template import Rendering, Unrenderable
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.text.personal_data import mask


@dataclass(frozen=True)
class Unproven:
    """Why a row has no mask: the answer `expected` and the text `found` that its learnt tokens decode to."""

    expected: str
    found: str


@dataclass(frozen=True)
class _Piece:
    text: str
    control: bool
    learnt: bool


def write_masks(
    ids: Sequence[str], renderings: Sequence[Rendering], tokenizer: RowTokenizer
) -> list[TokenRow | Unproven]:
    """Renderings -> rows with proven masks.

    `<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nYo<|im_end|>\\n` -> ids int32 (n,) of
    `[<|im_start|> user \\n Hi <|im_end|> \\n <|im_start|> assistant \\n Yo <|im_end|> \\n]` and
    loss_mask uint8 (n,) `[0 0 0 0 0 0 0 0 0 1 1 0]`.
    """
    pieces = [list(_pieces(rendering)) for rendering in renderings]
    texts = list(dict.fromkeys(piece.text for row in pieces for piece in row if not piece.control))
    encoded = dict(zip(texts, tokenizer.encode(texts), strict=True))
    encoded_controls = {text: [i] for text, i in tokenizer.special.items()}
    rows = []
    for row_id, row in zip(ids, pieces, strict=True):
        tokens = [(encoded_controls if piece.control else encoded)[piece.text] for piece in row]
        learnt = np.repeat([piece.learnt for piece in row], [len(t) for t in tokens]).astype(np.uint8)
        rows.append(TokenRow(row_id, np.array([i for t in tokens for i in t], np.int32), learnt))
    return _prove(rows, renderings, tokenizer)


def learnt_runs(loss_mask: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Runs of ones in a loss_mask uint8 (n,) as (start, end): `[0 1 1 0 1]` -> `[(1, 3), (4, 5)]`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loss_mask, [0])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def prompt_ids(row: TokenRow) -> NDArray[np.int32]:
    """What the last learnt answer of a row follows, its header included: ids int32 (p,), p < n; all of them where
    nothing is learnt. The model is asked exactly what it was trained on."""
    runs = learnt_runs(row.loss_mask)
    return row.ids[: runs[-1][0]] if runs else row.ids


def check_tokenizer(tokenizer: RowTokenizer) -> None:
    """Compares pieces with the whole text on a sample conversation, so that a tokenizer that treats pieces in another
    way (a space put before each text, tokens that swallow white space) is refused instead of silently mistaken.

    Raises ConfigError naming the first difference.
    """
    said = [{"role": r, "content": c} for r, c in (("user", "Hi there."), ("assistant", "Yo, 你好!"))]
    rendering = tokenizer.template.render(said)
    if isinstance(rendering, Unrenderable):
        raise ConfigError(
            f"the chat template cannot be used: {rendering.reason}",
            where=rendering.evidence,
            remedy="Its loss mask could not be proven; choose another model or mend its template.",
        )
    (row,) = write_masks(["sample"], [rendering], tokenizer)
    from tokenizers import Tokenizer

    whole = Tokenizer.from_str(tokenizer.backend.to_str())
    whole.encode_special_tokens = False
    want = whole.encode(rendering.text, add_special_tokens=False).ids
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


def _pieces(rendering: Rendering) -> Iterator[_Piece]:
    """Cuts the text at special tokens and at the edges of turns."""
    cuts = {0, len(rendering.text)}
    cuts.update(edge for span in rendering.controls for edge in span)
    cuts.update(edge for turn in rendering.turns for edge in (turn.start, turn.end))
    edges = sorted(cuts)
    controls = {start for start, _ in rendering.controls}
    learnt = [turn for turn in rendering.turns if turn.learnt]
    for start, end in pairwise(edges):
        inside = any(turn.start <= start < turn.end for turn in learnt)
        yield _Piece(rendering.text[start:end], start in controls, inside)


def _prove(
    rows: Sequence[TokenRow], renderings: Sequence[Rendering], tokenizer: RowTokenizer
) -> list[TokenRow | Unproven]:
    """From the arrays alone: one run of learnt tokens for each learnt turn, decoding to that turn's text."""
    runs = [learnt_runs(row.loss_mask) for row in rows]
    decoded = iter(tokenizer.decode([row.ids[a:b] for row, spans in zip(rows, runs, strict=True) for a, b in spans]))
    ends = frozenset(tokenizer.special.values())
    proven: list[TokenRow | Unproven] = []
    for row, spans, rendering in zip(rows, runs, renderings, strict=True):
        found = [next(decoded) for _ in spans]
        expected = [rendering.text[turn.start : turn.end] for turn in rendering.turns if turn.learnt]
        ended = all(int(row.ids[end - 1]) in ends for _, end in spans)
        if found == expected and ended:
            proven.append(row)
            continue
        wrong = next((pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]), (expected, found))
        proven.append(Unproven(*(mask(str(text))[:200] for text in wrong)))
    return proven
