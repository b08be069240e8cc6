"""The pieces of many rows, tokenised together, laid out as arrays and proven from them.

Equal pieces (headers, system prompts, T0's questions) are tokenised once. All work on tokens is Arrow's and NumPy's:
what is done in Python is a few steps a piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.models.token_row import TokenRow, TokenRows, runs_of_rows
from tuneloom.render.plans import Piece, Plan
from tuneloom.render.token_bytes import said_bytes
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.text.personal_data import mask


@dataclass(frozen=True)
class Unproven:
    """Why a row has no mask: the answer `expected` and the text `found` that its learnt tokens stand for."""

    expected: str
    found: str


@dataclass(frozen=True)
class Pieces:
    """Rows as pieces: piece p is text `places[p]` of the special tokens, then `whole`, then `bare`; `turns[p]` is the
    learnt turn it belongs to, from 1 (0: not learnt); row r has the pieces `sizes[r]:sizes[r + 1]`. All int64.
    """

    whole: pa.LargeStringArray
    """Texts that begin anew"""
    bare: pa.LargeStringArray
    """Texts that go on where another ended"""
    places: NDArray[np.int64]
    turns: NDArray[np.int64]
    sizes: NDArray[np.int64]


@dataclass(frozen=True)
class _Expected:
    """What the learnt turns must stand for: their bytes in a row, where each ends, and the row of each."""

    data: memoryview
    ends: NDArray[np.int64]
    rows: NDArray[np.int64]


def is_bare(piece: Piece, place: int, tokenizer: RowTokenizer) -> bool:
    """Whether a piece at this place of its row gets no space before it, where others do."""
    prefixing = tokenizer.prefixing
    return (prefixing == "first" and place > 0) or (prefixing == "each" and piece.goes_on)


def lay_out(pieces: Pieces, tokenizer: RowTokenizer, slowly: bool = False) -> tuple[TokenRows, dict[int, Unproven]]:
    """Tokenises every text once, puts the rows together and proves them; rows that are not proven are named by number.

    `slowly` has `tokenizers` do the work.
    """
    rows = _lay(pieces, tokenizer, slowly)
    return rows, _disprove(rows, _expect(pieces, tokenizer), tokenizer)


class Sheet:
    """Takes rows as pieces and gives TokenRows; `slowly` has `tokenizers` do the work."""

    def __init__(self, tokenizer: RowTokenizer, slowly: bool = False) -> None:
        self._tokenizer, self._slowly = tokenizer, slowly
        self._controls = {text: number for number, text in enumerate(tokenizer.special)}
        self._whole: dict[str, int] = {}  # texts that begin anew
        self._bare: dict[str, int] = {}  # texts that go on where another ended
        self._pieces: list[int] = []  # controls from 0, then whole and bare texts in turn
        self._turns: list[int] = []  # learnt turn of each piece, from 1; 0: not learnt
        self._sizes: list[int] = [0]  # pieces before each row
        self._templates: dict[int, tuple[list[int], list[int], list[bool]]] = {}

    def add(self, pieces: Sequence[Piece]) -> None:
        """Adds a row."""
        for place, piece in enumerate(pieces):
            self._pieces.append(self._number(piece, place))
            self._turns.append(0 if piece.turn is None else piece.turn + 1)
        self._sizes.append(len(self._pieces))

    def add_planned(self, plan: Plan, words: Sequence[str]) -> None:
        """Adds a row of a known shape, of which `words` are the filled slots."""
        if id(plan) not in self._templates:
            numbers = [self._number(piece, place) for place, piece in enumerate(plan.pieces)]
            turns = [0 if piece.turn is None else piece.turn + 1 for piece in plan.pieces]
            goes_on = [is_bare(plan.pieces[place], place, self._tokenizer) for place, _ in plan.slots]
            self._templates[id(plan)] = numbers, turns, goes_on
        numbers, turns, goes_on = self._templates[id(plan)]
        start = len(self._pieces)
        self._pieces += numbers
        for (place, _), text, bare in zip(plan.slots, words, goes_on, strict=True):
            self._pieces[start + place] = self._text_number(text, bare)
        self._turns += turns
        self._sizes.append(len(self._pieces))

    def finish(self, ids: Sequence[str]) -> list[TokenRow | Unproven]:
        """All rows added, under their ids."""
        numbers = np.array(self._pieces, np.int64)
        texts, controls = numbers - len(self._controls), numbers < len(self._controls)
        # Texts were numbered whole, bare, whole, bare, ...; they lie all whole ones first.
        places = np.where(controls, numbers, len(self._controls) + texts // 2 + (texts % 2) * len(self._whole))
        turns, sizes = np.array(self._turns, np.int64), np.array(self._sizes, np.int64)
        whole, bare = (pa.array(list(known), pa.large_string()) for known in (self._whole, self._bare))
        rows, wrong = lay_out(Pieces(whole, bare, places, turns, sizes), self._tokenizer, self._slowly)
        return [wrong.get(r) or rows.row(r, row_id) for r, row_id in enumerate(ids)]

    def _number(self, piece: Piece, place: int) -> int:
        if piece.control:
            return self._controls[piece.text]
        return self._text_number(piece.text, is_bare(piece, place, self._tokenizer))

    def _text_number(self, text: str, bare: bool) -> int:
        known = self._bare if bare else self._whole
        number = known.get(text)
        if number is None:
            number = known[text] = len(known)
        return len(self._controls) + 2 * number + bare


def _lay(pieces: Pieces, tokenizer: RowTokenizer, slowly: bool) -> TokenRows:
    encode = tokenizer.judge if slowly else tokenizer.encode_flat
    whole, ends = encode(pieces.whole.to_pylist(), False)
    bare, bare_ends = encode(pieces.bare.to_pylist(), True)
    special = np.fromiter(tokenizer.special.values(), np.int32)
    values = np.concatenate([special, whole, bare])
    offsets = np.concatenate([np.arange(len(special)), len(special) + ends, len(special) + len(whole) + bare_ends[1:]])
    row = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values)).take(pa.array(pieces.places))
    starts = row.offsets.to_numpy()
    learnt = np.repeat((pieces.turns > 0).astype(np.uint8), np.diff(starts))
    return TokenRows(row.flatten().to_numpy(), learnt, starts.astype(np.int64)[pieces.sizes])


def _expect(pieces: Pieces, tokenizer: RowTokenizer) -> _Expected:
    """The bytes of the learnt pieces, turn by turn."""
    learnt = np.flatnonzero(pieces.turns)
    texts = [pa.array(list(tokenizer.special), pa.large_string()), _prefixed(pieces.whole, tokenizer), pieces.bare]
    data, bounds = said_bytes(pa.concat_arrays(texts).cast(pa.large_binary()), pieces.places[learnt])
    rows = np.searchsorted(pieces.sizes, learnt, side="right") - 1
    # A turn ends where the next learnt piece is another turn's or another row's.
    last = np.ones(len(learnt), bool)
    last[:-1] = (np.diff(pieces.turns[learnt]) != 0) | (np.diff(rows) != 0)
    return _Expected(data, bounds[1:][last], rows[last])


def _prefixed(texts: pa.LargeStringArray, tokenizer: RowTokenizer) -> pa.LargeStringArray:
    if tokenizer.prefixing == "none":
        return texts
    return pa.array([tokenizer.prefix(text) + text for text in texts.to_pylist()], pa.large_string())


def _disprove(laid: TokenRows, expected: _Expected, tokenizer: RowTokenizer) -> dict[int, Unproven]:
    """Rows that are not what they should be, judged from the finished arrays: one run of learnt tokens for each
    learnt turn, standing for that turn's bytes, its last token a special one."""
    starts, ends = runs_of_rows(laid.loss_mask, laid.bounds)
    data, bounds = tokenizer.said(laid.ids[laid.loss_mask.astype(bool)])
    stops = bounds[np.cumsum(ends - starts)]
    ended = np.isin(laid.ids[ends - 1], np.fromiter(tokenizer.special.values(), np.int32))
    if ended.all() and np.array_equal(stops, expected.ends) and data == expected.data:
        return {}
    rows = np.searchsorted(laid.bounds, starts, side="right") - 1
    found, wanted = _by_row(data, stops, rows), _by_row(expected.data, expected.ends, expected.rows)
    open_ended = set(rows[~ended].tolist())
    return {
        r: _unproven(wanted.get(r, []), found.get(r, []))
        for r in found.keys() | wanted.keys()
        if found.get(r) != wanted.get(r) or r in open_ended
    }


def _by_row(data: memoryview, ends: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[int, list[bytes]]:
    texts: dict[int, list[bytes]] = {}
    begins = [0, *ends[:-1].tolist()]
    for row, start, end in zip(rows.tolist(), begins, ends.tolist(), strict=True):
        texts.setdefault(row, []).append(bytes(data[start:end]))
    return texts


def _unproven(expected: list[bytes], found: list[bytes]) -> Unproven:
    """The first turn that differs, masked and cut for showing."""
    wrong = next(((e, f) for e, f in zip(expected, found, strict=False) if e != f), None)
    if wrong:
        return Unproven(*(mask(text.decode(errors="replace"))[:200] for text in wrong))
    return Unproven(f"{len(expected)} learnt turns, each with its end token", f"{len(found)} learnt runs")
