"""Stage `split`: adds the columns `side` (train, validation, test, suite) and `group` (the anchor of the row's leak
group, uint64; none for suite rows), and lists the anchor of every leak group.

Rows for evaluation and decontamination only are suite rows. Everything else is drawn by leak groups (groups.py); only
rows that would blur the sides are rejected: those that would give a held-out task away, those that were released on
another side than their group now is on, and those that would judge though a demonstration shows them.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Split
from tuneloom.errors import ConfigError
from tuneloom.records import ORIGIN, SIDES, Origin, Reject, reject_rows
from tuneloom.released import ANCHORS, NOTHING, ReleasedIndex
from tuneloom.split.groups import Groups, leak_groups
from tuneloom.split.marks import Marks, Memo, read_marks
from tuneloom.split.sides import CROSSED, LEAK, SHOWN, Prior, draw_sides, prior_of

VERSION = "split-2"
SUITE = "suite"
"""The side of rows that are for evaluation or decontamination only."""

LEAKS = "shares text with a held-out task"
CROSSES = "released on another side"
DEMONSTRATED = "shown as a demonstration"
"""Why a row is rejected."""

_OUTCOMES = (*SIDES, LEAKS, CROSSES, DEMONSTRATED, SUITE)


@dataclass(frozen=True)
class _Ledger:
    """What the decisions need of all n rows, in the order of the artifact."""

    id: pa.StringArray
    origin: pa.StructArray
    task: pa.StringArray
    trains: np.ndarray
    """bool (n,)"""


@dataclass(frozen=True)
class _Drawn:
    """Of the m rows that take part: how each came out, uint8 (m,), and by what."""

    outcome: np.ndarray
    groups: Groups
    held_out: np.ndarray
    prior: Prior
    marks: Marks


def split(
    writer: Writer,
    rows: Artifact,
    members: Sequence[Artifact],
    config: Split,
    seed: int,
    memo: Memo,
    released: ReleasedIndex = NOTHING,
) -> None:
    """Writes the rows of `rows` (dedup) with their side; `members` are the artifacts of the files that they are of.

    No row of `released` changes its side. Raises ConfigError for a held-out task that no row has.
    """
    ledger = _read_ledger(rows)
    _check_held_out(ledger.task, config)
    drawn = _draw(ledger, members, config, seed, memo, released)
    outcome = np.full(len(ledger.task), len(_OUTCOMES) - 1, np.uint8)
    outcome[ledger.trains] = drawn.outcome
    names = pa.array(_OUTCOMES).take(pa.array(outcome))
    anchors, reasons = _anchors(ledger, drawn.groups), _Reasons(ledger, drawn)
    start = 0
    for table in rows.tables():
        place = np.arange(start, start + len(table))
        lost = np.isin(outcome[place], (LEAK, CROSSED, SHOWN))
        writer.count(rows_in=len(table))
        drawn_rows = table.append_column("side", names.slice(start, len(table)))
        drawn_rows = drawn_rows.append_column("group", anchors.slice(start, len(table)))
        writer.add(drawn_rows.filter(pa.array(~lost)))
        writer.reject(reasons.rejects(table.filter(pa.array(lost)), place[lost]))
        start += len(table)
    _write_anchors(writer, ledger, drawn.groups)
    writer.stats = _summary(names, ledger.task, drawn.groups.labels)
    writer.stats["held_out_tasks"] = list(config.held_out_tasks)
    writer.stats["cut"] = {"spans": len(drawn.groups.cut), "rows": drawn.groups.cut_rows}
    writer.stats["released"] = {
        "rows": int((drawn.prior.own >= 0).sum()),
        "crossed": int((drawn.outcome == CROSSED).sum()),
    }


def _draw(
    ledger: _Ledger, members: Sequence[Artifact], config: Split, seed: int, memo: Memo, released: ReleasedIndex
) -> _Drawn:
    chosen = pa.array(ledger.trains)
    count = int(ledger.trains.sum())
    marks = read_marks(members, ledger.origin.filter(chosen), memo)
    groups = leak_groups([marks.strong], [marks.spans], count)
    in_task = pc.is_in(ledger.task, pa.array(config.held_out_tasks, pa.string())).to_numpy(zero_copy_only=False)
    held_out = in_task[ledger.trains]
    by_anchor = np.full(count, -1, np.int8)
    np.maximum.at(by_anchor, marks.strong.rows, released.sides_of_anchors(marks.strong.keys))
    prior = prior_of(groups, released.sides_of(ledger.id.filter(chosen)), by_anchor, _shown(marks, held_out))
    return _Drawn(draw_sides(groups, held_out, config, seed, prior), groups, held_out, prior, marks)


def _shown(marks: Marks, held_out: np.ndarray) -> np.ndarray:
    """Rows whose input a demonstration of another row shows, bool (m,); held-out tasks may show what they hold."""
    keys = np.unique(marks.shown.keys[~held_out[marks.shown.rows]])
    shown = np.zeros(len(held_out), bool)
    shown[marks.strong.rows[np.isin(marks.strong.keys, keys)]] = True
    return shown


def _read_ledger(rows: Artifact) -> _Ledger:
    tables = list(rows.tables(("id", "origin", "task", "use")))
    if not tables:
        return _Ledger(pa.array([], pa.string()), pa.array([], ORIGIN), pa.array([], pa.string()), np.empty(0, bool))
    whole = pa.concat_tables(tables).combine_chunks()
    trains = pc.equal(whole["use"], "train").to_numpy(zero_copy_only=False)
    return _Ledger(_whole(whole["id"]), _whole(whole["origin"]), _whole(whole["task"]), trains)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


class _Reasons:
    """Finds, for rejected rows alone, what each is rejected for."""

    def __init__(self, ledger: _Ledger, drawn: _Drawn) -> None:
        self._ledger, self._drawn = ledger, drawn
        self._places = np.flatnonzero(ledger.trains)
        self._number = np.cumsum(ledger.trains) - 1
        """int64 (n,): of a row that takes part, its number among those"""

    def rejects(self, table: pa.Table, places: np.ndarray) -> list[Reject]:
        """Rejects for the rows of `table`, which stand at `places` int64 (k,)."""
        found = [self._why(int(self._number[place])) for place in places]
        origins = self._ledger.origin
        twins = [None if twin is None else Origin(**origins[int(self._places[twin])].as_py()) for _, _, twin in found]
        details = [{**detail, "version": VERSION} for _, detail, _ in found]
        return reject_rows(table, [reason for reason, _, _ in found], details, twins)

    def _why(self, row: int) -> tuple[str, dict[str, Any], int | None]:
        drawn, outcome = self._drawn, self._drawn.outcome[row]
        if outcome == LEAK:
            twin = self._first(drawn.held_out, row)
            task = self._ledger.task[int(self._places[twin or 0])].as_py()
            return LEAKS, {"rule": "held-out task", "evidence": task}, twin
        if outcome == SHOWN:
            keys = drawn.marks.strong.keys[drawn.marks.strong.rows == row]
            shows = drawn.marks.shown.rows[np.isin(drawn.marks.shown.keys, keys)]
            return DEMONSTRATED, {"rule": "demonstration"}, int(shows[~drawn.held_out[shows]].min())
        own = SIDES[drawn.prior.own[row]]
        if drawn.held_out[row]:
            task = self._ledger.task[int(self._places[row])].as_py()
            return CROSSES, {"rule": "held-out task", "value": own, "bound": "test", "evidence": task}, None
        side = int(drawn.prior.group[row])
        twin = self._first(drawn.prior.own == side, row)
        detail = {"rule": "released side", "value": own, "bound": SIDES[side]}
        return CROSSES, detail if twin is not None else {**detail, "evidence": "a released row no longer there"}, twin

    def _first(self, mask: np.ndarray, row: int) -> int | None:
        """The first row of the group of `row` that `mask` bool (m,) marks."""
        labels = self._drawn.groups.labels
        found = np.flatnonzero(mask & (labels == labels[row]))
        return int(found[0]) if len(found) else None


def _anchors(ledger: _Ledger, groups: Groups) -> pa.UInt64Array:
    """The anchor of each of all n rows' groups; none where a row takes no part or has no key."""
    anchors, known = np.zeros(len(ledger.trains), np.uint64), ledger.trains.copy()
    anchors[ledger.trains] = groups.anchors
    known[ledger.trains] = groups.anchors != np.iinfo(np.uint64).max
    return pa.array(anchors, mask=~known)


def _write_anchors(writer: Writer, ledger: _Ledger, groups: Groups) -> None:
    """The file `released.ANCHORS`, in an order that does not depend on that of the rows."""
    table = pa.table({"id": ledger.id.filter(pa.array(ledger.trains)), "anchor": pa.array(groups.anchors, pa.uint64())})
    order = pc.sort_indices(table, sort_keys=[("id", "ascending"), ("anchor", "ascending")])
    pq.write_table(table.take(order), writer.file(ANCHORS), compression="zstd")


def _check_held_out(tasks: pa.StringArray, config: Split) -> None:
    known = [task for task in pc.unique(tasks).to_pylist() if task]
    for task in config.held_out_tasks:
        if task not in known:
            close = difflib.get_close_matches(task, known, n=3, cutoff=0.5) or sorted(known)[:3]
            raise ConfigError(
                f"no row has the held-out task {task!r}",
                where="split.held_out_tasks",
                remedy=f"Name a task of the data, such as {', '.join(map(repr, close))}."
                if known
                else "The data names no tasks: leave it empty.",
            )


def _summary(names: pa.StringArray, tasks: pa.StringArray, labels: np.ndarray) -> dict[str, Any]:
    by_task: dict[str, dict[str, int]] = {}
    pairs = pa.table({"side": names, "task": pc.fill_null(tasks, "")})
    counted = pairs.group_by(["side", "task"]).aggregate([([], "count_all")])
    for side, task, count in zip(*(counted[name].to_pylist() for name in counted.column_names), strict=True):
        if side not in (LEAKS, CROSSES, DEMONSTRATED):
            by_task.setdefault(side, {})[task] = count
    _, sizes = np.unique(labels, return_counts=True)
    return {
        "rows": {side: sum(counts.values()) for side, counts in sorted(by_task.items())},
        "tasks": {side: dict(sorted(counts.items())) for side, counts in sorted(by_task.items())},
        "groups": len(sizes),
        "largest_group": int(sizes.max(initial=0)),
    }
