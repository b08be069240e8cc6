"""The express lane: plain rows of JSON lines by column, ten times as fast as one by one, and with the same result.

`block.convert` alone says what a row means. This module knows the one case that most large files consist of: every row
has the same few columns of text, of a format that says which of them are prompt and answer (`Plain`), and nothing has
to be repaired or refused. Compiled kernels find such lines (`flat_lines`), write their prompts and answers one behind
the other (`exchanges`), and label and hash them there; the table's columns are made of those buffers. Wherever a kernel
is not certain - another column, a number, a repeated key, half a character, an end mark, a blank answer - the line goes
to `convert`, one by one, and the results are put together in order. Tests hold the two to the same bytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.ingest.block import LABELS, Converted, Reading, convert
from tuneloom.ingest.checks import STRIPPED
from tuneloom.ingest.describe import LOOKED_AT, with_labels, without_own_labels
from tuneloom.ingest.exchanges import Exchanges, cut, exchanges, words_of
from tuneloom.ingest.licenses import check_license
from tuneloom.ingest.plain import Columns, Plain
from tuneloom.ingest.readers.flat_lines import OTHER, FlatLines, flat_lines
from tuneloom.ingest.readers.jsonl import decode_lines, range_bytes
from tuneloom.ingest.readers.pieces import Range
from tuneloom.ingest.row import Rejected
from tuneloom.records import MESSAGE, ORIGIN, ROWS, Conversation, digest
from tuneloom.text.exchange_ids import exchange_ids
from tuneloom.text.kinds import kinds_of
from tuneloom.text.languages import languages_of


@dataclass(frozen=True)
class Lane:
    """What the plain rows of a file share: their columns, and the labels that are known without reading them."""

    columns: Columns
    labels: Conversation


def lane_of(how: Reading, first: Sequence[Mapping[str, Any]]) -> Lane | None:
    """The express lane of a file whose first rows are `first`; None where its rows are not plain, or may not train."""
    if how.format is None or how.misfit or how.source.columns or not first:
        return None
    plain: Plain | None = getattr(how.parser, "PLAIN", None)
    columns = plain.columns(first[0].keys()) if plain else None
    if columns is None:
        return None
    task = how.task if getattr(how.parser, "TASK_FROM_FILE", False) else None
    labels = with_labels(Conversation(()), without_own_labels(), {}, how.source, task)
    try:
        check_license(labels, how.terms.licenses)
    except Rejected:
        return None
    return Lane(columns, labels)


def convert_range(piece: Range, how: Reading, lane: Lane) -> Converted:
    """What `convert` makes of the lines of a piece, in the same order."""
    found = flat_lines(range_bytes(piece.path, piece.start, piece.stop), lane.columns.names)
    said, states, ids = _admitted(found, lane, how.terms.takedowns)
    quick = _converted(said, ids, piece.number, how, lane)
    places = np.flatnonzero(states == OTHER).tolist()
    if not places:
        return quick
    slow = convert((line for i in places for line in decode_lines([found.raw(i)], piece.number + i)), how)
    return _merged(quick, slow)


def _admitted(found: FlatLines, lane: Lane, takedowns: frozenset[str]) -> tuple[Exchanges, np.ndarray, pa.StringArray]:
    """What the plain lines say, the states of all lines, and the ids of the plain ones; a row that was taken down is
    none of them, so that it is rejected like any other."""
    said, states = exchanges(found, lane.columns.given)
    ids = exchange_ids(said.text, said.bounds)
    if takedowns:
        gone = pc.is_in(ids, pa.array(sorted(takedowns), pa.string())).to_numpy(zero_copy_only=False)
        lines = {*said.lines[gone].tolist()}  # of their bytes a digest each: in Python, 1 to 2 µs a line
        lines.update(i for i in said.lines.tolist() if digest(found.raw(i).rstrip(b"\r\n")) in takedowns)
        if lines:
            found.states[[*lines]] = OTHER
            return _admitted(found, lane, frozenset())
    return said, states, ids


def _converted(said: Exchanges, ids: pa.StringArray, number: int, how: Reading, lane: Lane) -> Converted:
    """The rows of plain lines; line 0 of them is line `number` of the file."""
    labels, count = lane.labels, len(said.lines)
    words, bounds = words_of(said, LOOKED_AT)
    language = _repeated(labels.language, count) if labels.language else languages_of(words, bounds)
    columns = {
        "id": ids,
        "content_hash": ids,
        "origin": _origins(how, said.lines + number),
        "messages": _messages(said),
        "fields": _fields(said, lane.columns.fields),
        "language": language,
        "kind": kinds_of(words, bounds),
        "use": _repeated(labels.use, count),
        "synthetic": pa.repeat(False, count),
        "meta": _repeated("{}", count),
        "task": _repeated(labels.task, count),
        "license": _repeated(labels.license, count),
        "flags": _flags(said.stripped),
    }
    columns |= {part.name: _empty(part.type, count) for part in ROWS if part.name not in columns}
    table = pa.table([columns[name] for name in ROWS.names], schema=ROWS)
    told = {"languages": "language", "kinds": "kind", "tasks": "task", "licenses": "license"}
    tallies = {name: _tally(table[told[name]]) if name in told else Counter[str]() for name in LABELS}
    tallies["repairs"] = Counter({STRIPPED: repaired}) if (repaired := int(said.stripped.sum())) else Counter()
    return Converted(count, table, [], tallies, 0)


def _merged(one: Converted, other: Converted) -> Converted:
    """Both, the kept rows in the order of their lines."""
    kept = pa.concat_tables([one.kept, other.kept])
    if len(other.kept):
        numbers = np.concatenate([_numbers(part.kept) for part in (one, other)])
        kept = kept.take(np.argsort(numbers, kind="stable"))
    tallies = {name: one.tallies[name] + other.tallies[name] for name in LABELS}
    return replace(other, rows=one.rows + other.rows, kept=kept, tallies=tallies)


def _numbers(table: pa.Table) -> np.ndarray:
    """The line of each row, int64 (n,)."""
    return np.concatenate([np.zeros(0, np.int64), *(part.field("row").to_numpy() for part in table["origin"].chunks)])


def _origins(how: Reading, numbers: np.ndarray) -> pa.StructArray:
    count = len(numbers)
    parts = [_repeated(how.file.source, count), _repeated(how.file.relative, count), pa.array(numbers)]
    return pa.StructArray.from_arrays([*parts, pa.array(np.zeros(count, np.int32))], fields=list(ORIGIN))


def _flags(stripped: np.ndarray) -> pa.ListArray:
    bounds = np.concatenate([np.zeros(1, np.int32), np.cumsum(stripped, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(bounds), _repeated(STRIPPED, int(bounds[-1])))


def _messages(said: Exchanges) -> pa.ListArray:
    count = len(said.lines)
    names = np.tile(np.frombuffer(b"userassistant", np.uint8), count)
    role = _texts(names, np.append(np.arange(count * 2) // 2 * 13 + np.arange(count * 2) % 2 * 4, count * 13))
    known = {"role": role, "content": _texts(said.text, said.bounds), "weight": pa.array(np.ones(count * 2, np.int8))}
    parts = [known.get(part.name, pa.nulls(count * 2, part.type)) for part in MESSAGE]
    turns = pa.StructArray.from_arrays(parts, fields=list(MESSAGE))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, count * 2 + 1, 2, dtype=np.int32)), turns)


def _fields(said: Exchanges, fields: Mapping[str, tuple[int, ...]]) -> pa.MapArray:
    """Of each row the fields that say something; each is a stretch of `text`: its columns lie side by side there."""
    kind, count = ROWS.field("fields").type, len(said.lines)
    if not fields:
        return _empty(kind, count)
    spans = np.stack([_span(said.places[:, list(columns)]) for columns in fields.values()], axis=1)  # (n, fields, 2)
    has = spans[:, :, 1] > spans[:, :, 0]
    names = pa.array(list(fields), pa.string()).take(pa.array(np.nonzero(has)[1]))
    bounds = np.concatenate([[0], np.cumsum(has.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(pa.array(bounds), names, _texts(*cut(said.text, spans[has])))


def _span(places: np.ndarray) -> np.ndarray:
    """From the first column that says something to the last: int64 (n, columns, 2) -> (n, 2)."""
    says = places[:, :, 1] > 0
    first = np.where(says, places[:, :, 0], np.iinfo(np.int64).max).min(axis=1)
    return np.stack([np.where(says.any(axis=1), first, 0), places[:, :, 1].max(axis=1)], axis=1)


def _texts(text: np.ndarray, bounds: np.ndarray) -> pa.StringArray:
    """n strings between int64 `bounds` (n + 1,) of uint8 `text`."""
    return pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(text))


def _repeated(value: str | None, count: int) -> pa.StringArray:
    return pa.nulls(count, pa.string()) if value is None else pa.repeat(pa.scalar(value, pa.string()), count)


def _empty(kind: pa.DataType, count: int) -> pa.Array:
    """Nothing, `count` times: empty lists and maps, else nulls."""
    if not pa.types.is_nested(kind):
        return pa.nulls(count, kind)
    bounds = pa.array(np.zeros(count + 1, np.int32))
    if pa.types.is_map(kind):
        return pa.MapArray.from_arrays(bounds, pa.nulls(0, kind.key_type), pa.nulls(0, kind.item_type))
    return pa.ListArray.from_arrays(bounds, pa.nulls(0, kind.value_type), type=kind)


def _tally(labels: pa.ChunkedArray) -> Counter[str]:
    counted = labels.drop_null().value_counts().to_pylist()
    return Counter({one["values"]: one["counts"] for one in counted if one["values"]})
