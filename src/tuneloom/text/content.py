"""What of a conversation is compared: its prompt and its answer, never a definition, system prompt or few-shot header.

Where a format has the fields instruction, input or context they are the prompt; elsewhere it is the conversation so
far: all turns but the system's and the last answer. All by columns, on slices of a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.text.kind import detect_kind

COLUMNS = ("messages", "fields", "kind")
"""Columns of `records.ROWS` that `content_of` reads."""

_BATCH = 4096


@dataclass(frozen=True)
class Content:
    """Texts of n rows; "" where a row has none."""

    prompt: pa.LargeStringArray
    answer: pa.LargeStringArray
    definition: pa.LargeStringArray
    """The task's definition: not compared, but rows of different tasks are no duplicates of each other."""
    passages: tuple[pa.LargeStringArray, pa.LargeStringArray]
    """The fields input and context, which other prompts may share."""
    first_turn: pa.LargeStringArray
    """What the user said first where there are more turns; every path of a conversation tree shares it"""
    code_prompt: np.ndarray
    """uint8 (n,): 1 where code is asked about: the prompt itself holds code, in rows of kind `code` or `mixed`"""
    code_answer: np.ndarray
    """uint8 (n,): 1 where the answer is code (kinds `code` and `mixed`)"""


def batches(table: pa.Table, rows: int = _BATCH) -> Iterator[pa.Table]:
    """Slices of a table of at most `rows` rows, in order."""
    yield from (table.slice(start, rows) for start in range(0, len(table), rows))


def content_of(table: pa.Table) -> Content:
    """The compared texts of a table's rows.

    fields {instruction: "Add.", input: "1 2"}, answer "3" -> prompt "Add.\\n1 2", answer "3";
    messages user "Hi", assistant "Hello", user "Bye", assistant "Ciao" -> prompt "Hi\\nHello\\nBye", answer "Ciao"
    """
    instruction, given, context, definition = (
        _field(table, name) for name in ("instruction", "input", "context", "definition")
    )
    said, answer, first, turns = _conversation(table)
    from_fields = pc.and_(pc.or_(pc.is_valid(instruction), pc.is_valid(given)), pa.array(turns <= 1))
    asked = _lines(instruction, given, context)
    prompt = pc.if_else(from_fields, asked, said)
    has_code = _mask(pc.is_in(table["kind"].combine_chunks(), pa.array(["code", "mixed"])))
    return Content(
        prompt=prompt,
        answer=answer,
        definition=pc.fill_null(definition, ""),
        passages=(pc.fill_null(given, ""), pc.fill_null(context, "")),
        first_turn=pc.if_else(pa.array(turns > 1), first, ""),
        code_prompt=_holds_code(prompt, has_code),
        code_answer=has_code,
    )


@dataclass(frozen=True)
class Turns:
    """The t messages of n rows, in order."""

    texts: pa.LargeStringArray
    roles: pa.StringArray
    rows: np.ndarray
    """int64 (t,): the row that a message is of, ascending"""


def turns_of(table: pa.Table) -> Turns:
    """All that is said in a table's rows, by whomever: user "Hi", assistant "Hello" -> two texts of row 0."""
    messages = _one_chunk(table["messages"])
    flat, row = messages.flatten(), pc.list_parent_indices(messages).to_numpy()
    return Turns(_words(flat), pc.struct_field(flat, "role"), row)


_NEWLINE = pa.scalar("\n", pa.large_string())


def _field(table: pa.Table, name: str) -> pa.LargeStringArray:
    """One of the fields of each row; null where a row has none or it is blank."""
    fields = _one_chunk(table["fields"])
    value = pc.map_lookup(fields, pa.scalar(name), "first").cast(pa.large_string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(value), ""), pa.scalar(None, pa.large_string()), value)


def _conversation(table: pa.Table) -> tuple[pa.LargeStringArray, pa.LargeStringArray, pa.LargeStringArray, np.ndarray]:
    """Of each row: all that was said before the last answer, that answer, the user's first turn, and how many such."""
    messages = _one_chunk(table["messages"])
    flat, row = messages.flatten(), pc.list_parent_indices(messages).to_numpy()
    role, text = pc.struct_field(flat, "role"), _words(flat)
    by_user, by_model, by_system = (_mask(pc.equal(role, name)) == 1 for name in ("user", "assistant", "system"))
    last = np.full(len(table), -1, np.int64)
    last[row[by_model]] = np.flatnonzero(by_model)
    answered = last[last >= 0]
    before = ~by_system
    before[answered] = False
    counts = np.bincount(row[before], minlength=len(table))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    kept = text.take(pa.array(np.flatnonzero(before)))
    said = pc.binary_join(pa.LargeListArray.from_arrays(pa.array(bounds), kept), _NEWLINE)
    answer = text.take(pa.array(last, mask=last < 0))
    turns = np.bincount(row[by_user], minlength=len(table))
    opening = np.full(len(table), -1, np.int64)
    opening[row[by_user][::-1]] = np.flatnonzero(by_user)[::-1]
    first = text.take(pa.array(opening, mask=opening < 0))
    return pc.fill_null(said, ""), pc.fill_null(answer, ""), pc.fill_null(first, ""), turns


def _words(flat: pa.StructArray) -> pa.LargeStringArray:
    """What each message says: reasoning, content and tool calls."""
    parts = [pc.struct_field(flat, name).cast(pa.large_string()) for name in ("reasoning", "content", "tool_calls")]
    if parts[0].null_count + parts[2].null_count == 2 * len(flat):
        return pc.fill_null(parts[1], "")
    return _lines(*parts)


def _holds_code(texts: pa.LargeStringArray, among: np.ndarray) -> np.ndarray:
    """Which of the texts that `among` uint8 (n,) marks hold code themselves, uint8 (n,): in "Write a function that
    adds." case and punctuation are no code's. A Python loop, for `detect_kind` is one, over the few rows with code."""
    places = np.flatnonzero(among)
    found = np.zeros(len(among), np.uint8)
    found[places] = [detect_kind(text) != "natural" for text in texts.take(pa.array(places)).to_pylist()]
    return found


def _lines(*parts: pa.LargeStringArray) -> pa.LargeStringArray:
    """The parts of each row, one below the other. (`null_handling="skip"` loses rows whose parts are all null.)"""
    lines = pc.binary_join_element_wise(*parts, _NEWLINE, null_handling="replace", null_replacement="")
    return pc.utf8_trim(lines, characters="\n")


def _mask(booleans: pa.BooleanArray) -> np.ndarray:
    """uint8 (n,); null is 0."""
    return pc.fill_null(booleans, False).to_numpy(zero_copy_only=False).astype(np.uint8)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
