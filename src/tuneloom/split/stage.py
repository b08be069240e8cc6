"""Stage `split`: adds the column `side` (train, validation, test, suite).

Rows for evaluation and decontamination only are suite rows. Everything else is drawn by leak groups (groups.py); only
rows that would give a held-out task away are rejected.
"""

import difflib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Split
from tuneloom.errors import ConfigError
from tuneloom.records import SIDES, Origin, Reject, reject_rows
from tuneloom.split.groups import Groups, leak_groups
from tuneloom.split.links import COLUMNS, FILE_SAMPLE, Links, common_wording, sequences_of, span_links, strong_links
from tuneloom.split.sides import LEAK, draw_sides
from tuneloom.text.content import batches
from tuneloom.text.kernels import over_threads
from tuneloom.text.shingles import Shingles

VERSION = "split-1"
SUITE = "suite"
"""The side of rows that are for evaluation or decontamination only."""

LEAKS = "shares text with a held-out task"
"""Why a row is rejected."""


@dataclass(frozen=True)
class _Ledger:
    """What the decisions need of all n rows, in the order of the artifact."""

    origin: pa.StructArray
    task: pa.StringArray
    trains: np.ndarray
    """bool (n,)"""


def split(writer: Writer, rows: Artifact, config: Split, seed: int) -> None:
    """Writes the rows of `rows` with their side. Raises ConfigError for a held-out task that no row has."""
    ledger = _read_ledger(rows)
    _check_held_out(ledger.task, config)
    common = _common_wording(rows, ledger)
    groups = leak_groups(*_read_links(rows, common), int(ledger.trains.sum()))
    held_out = pc.is_in(ledger.task, pa.array(config.held_out_tasks, pa.string())).to_numpy(zero_copy_only=False)
    sides = np.full(len(ledger.task), LEAK + 1, np.uint8)
    sides[ledger.trains] = draw_sides(groups, held_out[ledger.trains], config, seed)
    names = pa.array([*SIDES, LEAKS, SUITE]).take(pa.array(sides))
    witness = _witnesses(groups, held_out, ledger.trains)
    start = 0
    for table in rows.tables():
        place = np.arange(start, start + len(table))
        lost = sides[place] == LEAK
        writer.count(rows_in=len(table))
        with_side = table.append_column("side", names.slice(start, len(table)))
        writer.add(with_side.filter(pa.array(~lost)))
        writer.reject(_rejects(table.filter(pa.array(lost)), ledger, witness[place[lost]]))
        start += len(table)
    writer.stats = _summary(names, ledger.task, groups.labels)
    writer.stats["held_out_tasks"] = list(config.held_out_tasks)
    writer.stats["common_wording"] = len(common)
    writer.stats["cut"] = {"spans": len(groups.cut), "rows": groups.cut_rows}


def _read_ledger(rows: Artifact) -> _Ledger:
    tables = list(rows.tables(("origin", "task", "use")))
    if not tables:
        return _Ledger(pa.array([]), pa.array([], pa.string()), np.empty(0, bool))
    whole = pa.concat_tables(tables).combine_chunks()
    trains = pc.equal(whole["use"], "train").to_numpy(zero_copy_only=False)
    return _Ledger(_whole(whole["origin"]), _whole(whole["task"]), trains)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _common_wording(rows: Artifact, ledger: _Ledger) -> np.ndarray:
    """Shingles common in any file, sorted uint64 (c,): judged by the first rows of each file in the order of ids."""
    if not ledger.trains.any():
        return np.empty(0, np.uint64)
    names = [pc.struct_field(ledger.origin, name) for name in ("source", "file")]
    file = pc.rank(pc.binary_join_element_wise(*names, "\n"), tiebreaker="dense").to_numpy().astype(np.int64) - 1
    file[~ledger.trains] = -1
    order = np.argsort(file, kind="stable")
    place = np.arange(len(order)) - np.searchsorted(file[order], file[order])
    sampled = np.zeros(len(file), bool)
    sampled[order[place < FILE_SAMPLE]] = True
    sampled &= ledger.trains
    pieces: dict[int, list[tuple[Shingles, Shingles]]] = {}
    start = 0
    for table in rows.tables(COLUMNS):
        numbers = start + np.flatnonzero(sampled[start : start + len(table)])
        start += len(table)
        files = np.unique(file[numbers]).tolist()
        chosen = [table.take(pa.array(numbers[file[numbers] == one] - start + len(table))) for one in files]
        for one, sequences in zip(files, over_threads(sequences_of, chosen), strict=True):
            pieces.setdefault(one, []).append(sequences)
    return np.unique(np.concatenate([np.empty(0, np.uint64), *map(common_wording, pieces.values())]))


def _read_links(rows: Artifact, common: np.ndarray) -> tuple[list[Links], list[Links]]:
    """The strong links and the spans of the rows to train, numbered in order."""
    strong, weak, count = [], [], 0
    for table in rows.tables((*COLUMNS, "use")):
        pieces = list(batches(table.filter(pc.equal(table["use"], "train"))))
        starts = (count + np.cumsum([0, *(len(piece) for piece in pieces)])).tolist()
        work = list(zip(pieces, starts[:-1], strict=True))
        strong += over_threads(lambda piece: strong_links(*piece), work)
        weak += over_threads(lambda piece: span_links(*piece, common), work)
        count = starts[-1]
    return strong, weak


def _witnesses(groups: Groups, held_out: np.ndarray, trains: np.ndarray) -> np.ndarray:
    """For each of n rows the place of the first held-out row of its group, int64 (n,); -1 where there is none."""
    places = np.flatnonzero(trains)
    first = np.full(len(places), -1, np.int64)
    held = np.flatnonzero(held_out[trains])[::-1]
    first[groups.labels[held]] = places[held]
    witness = np.full(len(trains), -1, np.int64)
    witness[places] = first[groups.labels]
    return witness


def _rejects(table: pa.Table, ledger: _Ledger, witness: np.ndarray) -> list[Reject]:
    twins = ledger.origin.take(pa.array(witness)).to_pylist()
    tasks = ledger.task.take(pa.array(witness)).to_pylist()
    details = [{"rule": "held-out task", "version": VERSION, "evidence": task} for task in tasks]
    return reject_rows(table, LEAKS, details, [Origin(**twin) for twin in twins])


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
    by_task: dict[str, Counter[str]] = {}
    for side, task in zip(names.to_pylist(), tasks.to_pylist(), strict=True):
        if side != LEAKS:
            by_task.setdefault(side, Counter())[task or ""] += 1
    _, sizes = np.unique(labels, return_counts=True)
    return {
        "rows": {side: sum(counts.values()) for side, counts in sorted(by_task.items())},
        "tasks": {side: dict(sorted(counts.items())) for side, counts in sorted(by_task.items())},
        "groups": len(sizes),
        "largest_group": int(sizes.max(initial=0)),
    }
