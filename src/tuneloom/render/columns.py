"""Conversations as Arrow columns -> pieces, without a Python object for each message.

Rows of one shape (plans.py) become pieces together: what a plan says of one holds for all, and their words are joined
to the template's texts by Arrow. Rows that have no plan are left to loss_mask.py.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tuneloom.render.messages import message_dicts
from tuneloom.render.plans import Plan, Shape, Slot
from tuneloom.render.sheet import Pieces, is_bare
from tuneloom.render.tokenizer import RowTokenizer
from tuneloom.render.transparency import TRIMS

Words = tuple[str, str]
"""A field of messages and how it is trimmed: `("content", "n")`"""
Filling = tuple[tuple[str, ...], tuple[Words, ...], bool]
"""The texts around and between words, the words, and whether the piece is bare"""


@dataclass(frozen=True)
class Planned:
    """The rows that have plans: row r of `pieces` is row `numbers[r]` of the column, int64 (rows,); `trimmed` int64
    (rows,) counts its texts whose outer white space the template drops."""

    numbers: NDArray[np.int64]
    pieces: Pieces
    trimmed: NDArray[np.int64]


def plan_rows(column: pa.ListArray, able: NDArray[np.bool_], tokenizer: RowTokenizer) -> Planned:
    """A column of `list<Message>`, its rows that are `able` bool (rows,), -> those of them that have plans.

    `[[user "Hi", assistant "Yo"]]` -> pieces `<|im_start|>`, `user\\nHi`, `<|im_end|>`, ..., `Yo`, `<|im_end|>`, `\\n`.
    """
    talks = _Talks(column)
    groups = []
    for shape, rows in talks.shapes(able & talks.words_alone):
        first = int(rows[0])
        plan = tokenizer.plans.of_shape(shape, lambda first=first: talks.dicts([first])[0])  # type: ignore[misc]
        if plan:
            rows = talks.without(plan.absent, rows)
            groups.append((plan, rows))
    return _Filler(talks, tokenizer).fill(groups)


def dicts_of(column: pa.ListArray, rows: Sequence[int] | NDArray[np.int64]) -> list[list[dict[str, Any]]]:
    """Some rows' messages as `message_dicts` gives them."""
    return message_dicts(pa.chunked_array([column.take(pa.array(rows, pa.int64()))]))


class _Talks:
    """A column of conversations, its messages' fields as arrays."""

    def __init__(self, column: pa.ListArray) -> None:
        self._column = column
        self._messages = column.flatten()
        offsets = column.offsets.to_numpy().astype(np.int64)
        self.bounds = offsets - offsets[0] if len(offsets) else np.zeros(1, np.int64)  # a slice's do not begin at 0

    def dicts(self, rows: Sequence[int]) -> list[list[dict[str, Any]]]:
        return dicts_of(self._column, rows)

    @cached_property
    def _texts(self) -> dict[str, pa.LargeStringArray]:
        """The fields whose words are rendered; nulls are empty."""
        return {
            name: pc.fill_null(self._messages.field(name), "").cast(pa.large_string())
            for name in ("content", "reasoning")
        }

    @cached_property
    def _edges(self) -> dict[str, NDArray[np.int64]]:
        """Messages whose words may begin or end with white space, by field."""
        return {name: _with_edges(text) for name, text in self._texts.items()}

    @property
    def words_alone(self) -> NDArray[np.bool_]:
        """Rows whose messages have a role, words and reasoning alone, none of them mere white space: bool (rows,)."""
        more = np.zeros(len(self._messages), bool)
        for name in ("tool_calls", "tool_call_id", "name"):
            values = self._messages.field(name)
            if values.null_count < len(values):
                more |= pc.fill_null(pc.greater(pc.binary_length(values), 0), False).to_numpy(zero_copy_only=False)
        for name, text in self._texts.items():
            edges = self._edges[name]
            more[edges[[words.isspace() for words in text.take(pa.array(edges)).to_pylist()]]] = True
        return ~self._any(more)

    def _any(self, messages: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Rows with such a message."""
        before = np.concatenate([[0], np.cumsum(messages)])[self.bounds]
        return np.diff(before) > 0

    def shapes(self, able: NDArray[np.bool_]) -> Iterator[tuple[Shape, NDArray[np.int64]]]:
        """Each shape and the rows that have it; only of conversations, not of prompts."""
        roles = self._messages.field("role").dictionary_encode()
        names = roles.dictionary.to_pylist()
        weight = self._messages.field("weight")
        unlearnt = pc.fill_null(pc.equal(weight, 0), False).to_numpy(zero_copy_only=False)
        empty = [pc.equal(pc.binary_length(text), 0).to_numpy(zero_copy_only=False) for text in self._texts.values()]
        codes = roles.indices.to_numpy(zero_copy_only=False).astype(np.int32) * 8 + empty[0] * 4 + empty[1] * 2
        codes = (codes + unlearnt).astype(np.int32)
        groups: dict[bytes, list[int]] = defaultdict(list)
        data, bounds = codes.tobytes(), (self.bounds * codes.itemsize).tolist()
        for row in np.flatnonzero(able).tolist():
            groups[data[bounds[row] : bounds[row + 1]]].append(row)
        for key, rows in groups.items():
            found = np.frombuffer(key, np.int32).tolist()
            said = tuple((names[one >> 3], bool(one & 4), bool(one & 2), bool(one & 1)) for one in found)
            yield (False, said), np.array(rows, np.int64)

    def without(self, literals: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of `rows` in whose words no literal occurs."""
        for literal in literals:
            rows = rows[~self._with(literal)[rows]]
        return rows

    def _with(self, literal: str) -> NDArray[np.bool_]:
        if literal not in self._found:
            texts = self._texts.values()
            hits = [pc.match_substring(text, literal).to_numpy(zero_copy_only=False) for text in texts]
            self._found[literal] = self._any(np.logical_or(*hits))
        return self._found[literal]

    @cached_property
    def _found(self) -> dict[str, NDArray[np.bool_]]:
        return {}

    def words(self, words: Words, messages: NDArray[np.int64]) -> tuple[pa.LargeStringArray, NDArray[np.bool_]]:
        """A field's words of some messages, and which of them were trimmed."""
        name, trim = words
        if trim == "n":
            return self._texts[name].take(pa.array(messages)), np.zeros(len(messages), bool)
        if words not in self._trimmed:
            self._trimmed[words] = self._trim(name, trim)
        text, changed = self._trimmed[words]
        return text.take(pa.array(messages)), changed[messages]

    @cached_property
    def _trimmed(self) -> dict[Words, tuple[pa.LargeStringArray, NDArray[np.bool_]]]:
        return {}

    def _trim(self, name: str, trim: str) -> tuple[pa.LargeStringArray, NDArray[np.bool_]]:
        text, places = self._texts[name], self._edges[name]
        before = text.take(pa.array(places)).to_pylist()
        after = [TRIMS[trim](words) for words in before]
        changed = np.zeros(len(text), bool)
        changed[places] = True
        trimmed = pc.replace_with_mask(text, pa.array(changed), pa.array(after, pa.large_string()))
        changed[places] = [one != other for one, other in zip(before, after, strict=True)]
        return trimmed, changed


def _with_edges(text: pa.LargeStringArray) -> NDArray[np.int64]:
    """Numbers of texts whose first or last character may be white space, by the bytes that it has in UTF-8: Python
    says what is."""
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    gap = np.zeros(2, np.uint8)  # so that there are three bytes at both ends of all
    octets = np.concatenate([gap, np.frombuffer(data, np.uint8) if data else gap, gap])
    full = np.flatnonzero(np.diff(bounds))
    first, last = bounds[full] + 2, bounds[full + 1] + 1
    spaced = _space(*(octets[first + i] for i in range(3))) | _space(*(octets[last - 2 + i] for i in range(3)))
    return full[spaced | (octets[last] <= 0x20) | (octets[last - 1] == 0xC2)]


def _space(one: NDArray[np.uint8], two: NDArray[np.uint8], three: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether bytes may begin a character of white space: ASCII's, U+0085, U+00A0, U+1680, U+2000 to U+205F, U+3000."""
    return (
        (one <= 0x20)
        | (one == 0xC2)
        | ((one == 0xE1) & (two == 0x9A))
        | ((one == 0xE2) & ((two == 0x80) | (two == 0x81)))
        | ((one == 0xE3) & (two == 0x80) & (three == 0x80))
    )


@dataclass
class _Wanted:
    """Where a filling's texts go: places among the pieces, rows of them, and the messages of each word."""

    places: list[NDArray[np.int64]] = field(default_factory=list)
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    messages: list[list[NDArray[np.int64]]] = field(default_factory=list)


class _Filler:
    """Lays the pieces of all groups into one array, row by row."""

    def __init__(self, talks: _Talks, tokenizer: RowTokenizer) -> None:
        self._talks, self._tokenizer = talks, tokenizer
        self._controls = {text: number for number, text in enumerate(tokenizer.special)}
        self._fixed: tuple[dict[str, int], dict[str, int]] = {}, {}  # whole and bare texts that are the template's own
        self._wanted: dict[Filling, _Wanted] = defaultdict(_Wanted)

    def fill(self, groups: Sequence[tuple[Plan, NDArray[np.int64]]]) -> Planned:
        rows = np.concatenate([np.zeros(0, np.int64), *(found for _, found in groups)])
        counts = np.repeat([len(plan.pieces) for plan, _ in groups], [len(found) for _, found in groups])
        order = np.argsort(rows)
        sizes = np.concatenate([[0], np.cumsum(counts[order], dtype=np.int64)])
        begins = np.empty(len(rows), np.int64)
        begins[order] = sizes[:-1]
        places, turns = np.zeros(sizes[-1], np.int64), np.zeros(sizes[-1], np.int64)
        bare = np.zeros(sizes[-1], bool)
        ends = np.cumsum([len(found) for _, found in groups])
        for (plan, found), end in zip(groups, ends.tolist(), strict=True):
            spots = begins[end - len(found) : end][:, None] + np.arange(len(plan.pieces))
            numbers, kinds = self._numbers(plan)
            places[spots], bare[spots] = numbers, kinds
            turns[spots] = [0 if piece.turn is None else piece.turn + 1 for piece in plan.pieces]
            for place, slot in plan.slots:
                self._want(slot, kinds[place], spots[:, place], found)
        trimmed = np.zeros(len(self._talks.bounds) - 1, np.int64)
        whole, goes_on = (self._joined(kind, places, trimmed) for kind in (False, True))
        places[bare] += len(whole)
        return Planned(rows[order], Pieces(whole, goes_on, places, turns, sizes), trimmed[rows[order]])

    def _numbers(self, plan: Plan) -> tuple[list[int], list[bool]]:
        """Places of a plan's pieces among special tokens and fixed texts, and which are bare; slots are still to be
        filled."""
        slots = {place for place, _ in plan.slots}
        bare = [not one.control and is_bare(one, place, self._tokenizer) for place, one in enumerate(plan.pieces)]
        numbers = [0] * len(plan.pieces)
        for place, piece in enumerate(plan.pieces):
            if piece.control:
                numbers[place] = self._controls[piece.text]
            elif place not in slots:
                known = self._fixed[bare[place]]
                numbers[place] = len(self._controls) + known.setdefault(piece.text, len(known))
        return numbers, bare

    def _want(self, slot: Slot, bare: bool, places: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        wanted = self._wanted[slot.texts, tuple((name, trim) for _, name, trim in slot.words), bare]
        wanted.places.append(places)
        wanted.rows.append(rows)
        wanted.messages.append([self._talks.bounds[rows] + message for message, _, _ in slot.words])

    def _joined(self, bare: bool, places: NDArray[np.int64], trimmed: NDArray[np.int64]) -> pa.LargeStringArray:
        """Each text once; writes its number into `places`, and counts into `trimmed`."""
        fillings = [(filling, wanted) for filling, wanted in self._wanted.items() if filling[2] == bare]
        texts = [pa.array(list(self._fixed[bare]), pa.large_string())]
        texts += [self._text(filling, wanted, trimmed) for filling, wanted in fillings]
        coded = pa.concat_arrays(texts).dictionary_encode()
        if spots := [place for _, wanted in fillings for place in wanted.places]:
            numbers = coded.indices.to_numpy(zero_copy_only=False)[len(texts[0]) :]
            places[np.concatenate(spots)] = len(self._controls) + numbers
        return coded.dictionary

    def _text(self, filling: Filling, wanted: _Wanted, trimmed: NDArray[np.int64]) -> pa.LargeStringArray:
        """`("user\\n", "")` around contents ["Hi", "Yo"] -> ["user\\nHi", "user\\nYo"]."""
        around, words, _ = filling
        parts: list[Any] = [around[0]]
        rows = np.concatenate(wanted.rows)
        for number, word in enumerate(words):
            text, changed = self._talks.words(word, np.concatenate([one[number] for one in wanted.messages]))
            np.add.at(trimmed, rows[changed], 1)
            parts += [text, around[number + 1]]
        parts = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts if part != ""]
        return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))
