"""The evaluation side: what each protected row asks and accepts, as texts that training rows are compared with.

Protected is every row of a source with `use: evaluate` or `use: decontaminate`: files that are only to be kept out of
training are such a source. So is every row of an evaluation suite. Evaluation sets are small, so all of their rows are
held.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.records import ORIGIN, Conversation, Message, Origin, to_table
from tuneloom.suites import Suite
from tuneloom.text.content import content_of
from tuneloom.text.keys import fold

COLUMNS = ("id", "origin", "messages", "fields", "references", "kind", "use")
"""Columns of `records.ROWS` that are read of protected rows."""

Part = tuple[str, int]
"""What a text is to its row: ("question", 0) is the first question, ("answer", 1) the second answer."""


@dataclass(frozen=True)
class Items:
    """m protected rows, by origin, and their t texts, by row: no order of reading changes them."""

    ids: pa.Array
    origins: pa.StructArray
    files: np.ndarray
    """int64 (m,): number of the file that a row is of"""
    openings: pa.LargeStringArray
    """m folded texts: the whole first question, with its definition where it has one"""
    item: np.ndarray
    """int64 (t,): the row that a text is of"""
    parts: tuple[Part, ...]
    texts: pa.LargeStringArray
    folded: pa.LargeStringArray
    """t texts each; the folded ones are compared"""

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, text: int) -> str:
        """What a text is to its row: `question`, `question 2`, `answer`."""
        part, number = self.parts[text]
        return f"{part} {number + 1}" if number else part

    @cached_property
    def first_texts(self) -> np.ndarray:
        """int64 (m,): each row's first text, -1 where it has none."""
        first = np.full(len(self), -1, np.int64)
        first[self.item[::-1]] = np.arange(len(self.item))[::-1]
        return first

    @property
    def is_answer(self) -> np.ndarray:
        """bool (t,)"""
        return np.array([part == "answer" for part, _ in self.parts], bool)


def read_items(tables: Iterable[pa.Table]) -> Items:
    """The protected rows of some tables with columns `COLUMNS`; at least one table."""
    chosen = (table.select(COLUMNS) for table in tables)
    rows = _in_order(pa.concat_tables(table.filter(pc.not_equal(table["use"], "train")) for table in chosen))
    said = [*_texts(rows)]
    origins = rows["origin"].combine_chunks()
    files = [(row["source"], row["file"]) for row in origins.to_pylist()]
    numbers = {file: number for number, file in enumerate(sorted({*files}))}
    texts = pa.array([text for _, _, text in said], pa.large_string())
    return Items(
        ids=rows["id"].combine_chunks(),
        origins=origins,
        files=np.array([numbers[file] for file in files], np.int64),
        openings=folded_as_prose(pa.array(_openings(rows), pa.large_string())),
        item=np.array([row for row, _, _ in said], np.int64),
        parts=tuple(part for _, part, _ in said),
        texts=texts,
        folded=folded_as_prose(texts),
    )


def suite_rows(suites: Sequence[Suite]) -> pa.Table:
    """The suites' rows as protected rows, schema `records.ROWS`: the third of `mood` has the origin mood:suite:3."""
    return to_table(
        (
            Origin(suite.name, "suite", number),
            Conversation(
                (Message("user", row.prompt),),
                fields={"input": row.content},  # without the suite's prompt, which all of its rows share
                references=row.references,
                use="evaluate",
            ),
        )
        for suite in suites
        for number, row in enumerate(suite.rows, start=1)
    )


def folded_as_prose(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Key texts (`keys.fold`) of code, too: whether a row is code also depends on what is around the copied text."""
    return fold(texts, np.zeros(len(texts), np.uint8))


def _in_order(rows: pa.Table) -> pa.Table:
    names = [field.name for field in ORIGIN]
    origin = rows["origin"].combine_chunks()
    keys = pa.table([pc.struct_field(origin, name) for name in names], names)
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in names])).combine_chunks()


def _texts(rows: pa.Table) -> Iterator[tuple[int, Part, str]]:
    """(row, part, text) of what rows ask and accept, blank texts and repeated answers left out. A loop: rows are few.

    A row of one user turn asks for what its fields say (`content_of`), so that no definition is compared.
    """
    prompts = content_of(rows).prompt.to_pylist()
    for row, (messages, references) in enumerate(
        zip(rows["messages"].to_pylist(), rows["references"].to_pylist(), strict=True)
    ):
        asked = [message["content"] for message in messages if message["role"] == "user"]
        accepted = [message["content"] for message in messages if message["role"] == "assistant"]
        for number, text in enumerate(asked if len(asked) > 1 else prompts[row : row + 1]):
            if text and text.strip():
                yield row, ("question", number), text
        for number, text in enumerate(dict.fromkeys([*accepted, *(references or [])])):
            if text and text.strip():
                yield row, ("answer", number), text


def _openings(rows: pa.Table) -> list[str]:
    """What each row's first user turn says; "" where it has none."""
    return [
        next((message["content"] for message in messages if message["role"] == "user"), "") or ""
        for messages in rows["messages"].to_pylist()
    ]
