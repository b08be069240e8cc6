"""The pieces of many rows, tokenised together, laid out as arrays and proven from them.

Equal pieces (headers, system prompts, T0's questions) are tokenised once. All work on tokens is Arrow's and NumPy's:
what is done in Python is a few steps a piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.models.token_row import TokenRow, runs_of_rows
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
class _Laid:
    """Rows as arrays: `tokens` int32 (t,), `loss_mask` uint8 (t,), row r at `bounds[r]:bounds[r + 1]`, int64."""

    tokens: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]
    bounds: NDArray[np.int64]


@dataclass(frozen=True)
class _Expected:
    """What the learnt turns must stand for: their bytes in a row, where each ends, and the row of each."""

    data: memoryview
    ends: NDArray[np.int64]
    rows: NDArray[np.int64]


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
            bare = [self._is_bare(plan.pieces[place], place) for place, _ in plan.slots]
            self._templates[id(plan)] = numbers, turns, bare
        numbers, turns, bare = self._templates[id(plan)]
        start = len(self._pieces)
        self._pieces += numbers
        for (place, _), text, is_bare in zip(plan.slots, words, bare, strict=True):
            self._pieces[start + place] = self._text_number(text, is_bare)
        self._turns += turns
        self._sizes.append(len(self._pieces))

    def finish(self, ids: Sequence[str]) -> list[TokenRow | Unproven]:
        """All rows added, under their ids."""
        numbers = np.array(self._pieces, np.int64)
        texts, controls = numbers - len(self._controls), numbers < len(self._controls)
        # Texts were numbered whole, bare, whole, bare, ...; they lie all whole ones first.
        places = np.where(controls, numbers, len(self._controls) + texts // 2 + (texts % 2) * len(self._whole))
        turns = np.array(self._turns, np.int64)
        sizes = np.array(self._sizes, np.int64)
        laid = self._lay(places, turns, sizes)
        expected = self._expect(places, turns, sizes)
        wrong = self._disprove(laid, expected)
        views = zip(ids, laid.bounds[:-1].tolist(), laid.bounds[1:].tolist(), strict=True)
        return [
            wrong.get(r) or TokenRow(row_id, laid.tokens[a:b], laid.loss_mask[a:b])
            for r, (row_id, a, b) in enumerate(views)
        ]

    def _is_bare(self, piece: Piece, place: int) -> bool:
        prefixing = self._tokenizer.prefixing
        return (prefixing == "first" and place > 0) or (prefixing == "each" and piece.goes_on)

    def _number(self, piece: Piece, place: int) -> int:
        return (
            self._controls[piece.text] if piece.control else self._text_number(piece.text, self._is_bare(piece, place))
        )

    def _text_number(self, text: str, bare: bool) -> int:
        known = self._bare if bare else self._whole
        number = known.get(text)
        if number is None:
            number = known[text] = len(known)
        return len(self._controls) + 2 * number + bare

    def _lay(self, places: NDArray[np.int64], turns: NDArray[np.int64], sizes: NDArray[np.int64]) -> _Laid:
        """Tokenises every text once and puts the rows together."""
        encode = self._tokenizer.judge if self._slowly else self._tokenizer.encode_flat
        whole, ends = encode(list(self._whole), False)
        bare, bare_ends = encode(list(self._bare), True)
        special = np.fromiter(self._tokenizer.special.values(), np.int32)
        values = np.concatenate([special, whole, bare])
        offsets = np.concatenate(
            [np.arange(len(special)), len(special) + ends, len(special) + len(whole) + bare_ends[1:]]
        )
        pieces = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values))
        row = pieces.take(pa.array(places))
        lengths = np.diff(row.offsets.to_numpy())
        learnt = np.repeat((turns > 0).astype(np.uint8), lengths)
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)[sizes]
        return _Laid(row.flatten().to_numpy(), learnt, bounds)

    def _expect(self, places: NDArray[np.int64], turns: NDArray[np.int64], sizes: NDArray[np.int64]) -> _Expected:
        """The bytes of the learnt pieces, turn by turn."""
        prefix = self._tokenizer.prefix
        texts = [*self._controls, *(prefix(text) + text for text in self._whole), *self._bare]
        learnt = np.flatnonzero(turns)
        table = pa.array([text.encode() for text in texts], pa.binary())
        data, bounds = said_bytes(table, places[learnt])
        rows = np.searchsorted(sizes, learnt, side="right") - 1
        # A turn ends where the next learnt piece is another turn's or another row's.
        last = np.ones(len(learnt), bool)
        last[:-1] = (np.diff(turns[learnt]) != 0) | (np.diff(rows) != 0)
        return _Expected(data, bounds[1:][last], rows[last])

    def _disprove(self, laid: _Laid, expected: _Expected) -> dict[int, Unproven]:
        """Rows that are not what they should be, judged from the finished arrays: one run of learnt tokens for each
        learnt turn, standing for that turn's bytes, its last token a special one."""
        starts, ends = runs_of_rows(laid.loss_mask, laid.bounds)
        learnt = laid.tokens[laid.loss_mask.astype(bool)]
        data, bounds = self._tokenizer.said(learnt)
        stops = bounds[np.cumsum(ends - starts)]
        ended = np.isin(laid.tokens[ends - 1], np.fromiter(self._tokenizer.special.values(), np.int32))
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
