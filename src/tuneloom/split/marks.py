"""What splitting knows of each row: its strong keys, its spans, and what its demonstrations show; made once a file.

All of it follows from the file alone (the wording that a file's rows share is judged in that file), so it is kept in
the store by ingest artifact, and a refresh folds the texts of new files only.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact
from tuneloom.records import ORIGIN
from tuneloom.split.links import (
    COLUMNS,
    FILE_SAMPLE,
    FoldedContent,
    Links,
    common_wording,
    folded_content,
    sequences_of,
    shown_links,
    span_links,
    strong_links_of,
)
from tuneloom.text.content import batches
from tuneloom.text.kernels import over_threads
from tuneloom.text.shingles import Shingles

MEMO = "links-v1"
"""Name of the memo; count the version up whenever keys, spans or what is common wording change."""

Memo = Callable[[str, str, Callable[[], pa.Table]], pa.Table]

_KEYS = ("strong", "spans", "shown")
_READ = (*COLUMNS, "id", "origin", "examples", "use")
_SCHEMA = pa.schema(
    [*((field.name, field.type) for field in ORIGIN), *((name, pa.list_(pa.uint64())) for name in _KEYS)]
)


@dataclass(frozen=True)
class Marks:
    """Of n rows, numbered from 0; each of the three by row."""

    strong: Links
    spans: Links
    shown: Links


def read_marks(members: Sequence[Artifact], origins: pa.Array, memo: Memo) -> Marks:
    """The marks of the training rows at `origins` (n structs `records.ORIGIN`) among those that ingest kept, whose
    artifacts are `members`; known files are not read again."""
    found = over_threads(lambda one: memo(MEMO, one.reference.key, functools.partial(_make, one)), members)
    table = pa.concat_tables([_SCHEMA.empty_table(), *found])
    names = [field.name for field in ORIGIN]
    wanted = pl.DataFrame({name: pl.from_arrow(pc.struct_field(origins, name)) for name in names})
    known = pl.DataFrame({name: pl.from_arrow(table[name]) for name in names}).with_row_index("place")
    joined = known.join(wanted.with_row_index("number"), on=names, how="inner")
    number = np.full(len(table), -1, np.int64)  # of each known row among the wanted ones
    number[joined["place"].to_numpy()] = joined["number"].to_numpy()
    return Marks(*(_links(table[name], number) for name in _KEYS))


def _links(column: pa.ChunkedArray, number: np.ndarray) -> Links:
    """The keys of those rows that have a number, by their new numbers int64 (known,)."""
    rows, keys, start = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], 0
    for chunk in column.chunks:
        owner = np.repeat(number[start : start + len(chunk)], pc.list_value_length(chunk).to_numpy())
        rows.append(owner[owner >= 0])
        keys.append(chunk.flatten().to_numpy()[owner >= 0])
        start += len(chunk)
    return Links(np.concatenate(rows), np.concatenate(keys))


def _make(member: Artifact) -> pa.Table:
    common, made = np.empty(0, np.uint64), [_SCHEMA.empty_table()]
    for table in member.tables(_READ):
        pieces = list(batches(table.filter(pc.equal(table["use"], "train"))))
        if len(made) == 1 and pieces:
            first = _read(pieces.pop(0))
            common = _common_wording(first)
            made.append(_marks_of(first, common))
        made += over_threads(lambda piece, common=common: _marks_of(_read(piece), common), pieces)  # type: ignore[misc]
    return pa.concat_tables(made).combine_chunks()


@dataclass(frozen=True)
class _Texts:
    """A piece of a file, folded and cut into shingles once."""

    rows: pa.Table
    content: FoldedContent
    sequences: tuple[Shingles, Shingles]


def _read(piece: pa.Table) -> _Texts:
    content = folded_content(piece)
    return _Texts(piece, content, sequences_of(content))


def _common_wording(piece: _Texts) -> np.ndarray:
    """Shingles common in a file, sorted uint64 (c,): judged by rows of its first piece, equal ones once, for a row
    that is repeated is no template."""
    chosen = np.unique(piece.rows["id"].to_numpy(), return_index=True)[1][:FILE_SAMPLE]
    prompts, answers = piece.sequences
    return common_wording([(_taken(prompts, chosen), _taken(answers, chosen))])


def _taken(texts: Shingles, rows: np.ndarray) -> Shingles:
    """The shingles of the texts at `rows` int64 (k,)."""
    counts = np.diff(texts.bounds)[rows]
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    places = np.repeat(texts.bounds[rows] - bounds[:-1], counts) + np.arange(bounds[-1])
    return Shingles(bounds, texts.values[places])


def _marks_of(texts: _Texts, common: np.ndarray) -> pa.Table:
    table = texts.rows
    links = (
        strong_links_of(texts.content, table["meta"]),
        span_links(texts.sequences, common),
        shown_links(table["examples"], texts.content.definition),
    )
    origin = pa.concat_arrays(table["origin"].chunks)
    columns = [pc.struct_field(origin, field.name) for field in ORIGIN]
    return pa.table([*columns, *(_lists(one, len(table)) for one in links)], schema=_SCHEMA)


def _lists(links: Links, count: int) -> pa.ListArray:
    """The keys of `count` rows, a list a row."""
    order = np.argsort(links.rows, kind="stable")
    bounds = np.concatenate([np.zeros(1, np.int32), np.cumsum(np.bincount(links.rows, minlength=count))])
    return pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32)), pa.array(links.keys[order], pa.uint64()))
