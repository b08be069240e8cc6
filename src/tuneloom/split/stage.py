"""Stage `split`: adds the column `side` (train, validation, test, suite); no row is dropped.

Rows for evaluation and decontamination only are suite rows. Everything else is drawn by leak groups (groups.py).
"""

import difflib
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Split
from tuneloom.errors import ConfigError
from tuneloom.records import SIDES
from tuneloom.split.groups import Groups, Links, leak_groups, links_of
from tuneloom.split.sides import draw_sides
from tuneloom.text.content import COLUMNS, batches
from tuneloom.text.kernels import over_threads

SUITE = "suite"
"""The side of rows that are for evaluation or decontamination only."""


def split(writer: Writer, rows: Artifact, config: Split, seed: int) -> None:
    """Writes the rows of `rows` with their side. Raises ConfigError for a held-out task that no row has."""
    tasks, trains, groups = _read(rows)
    _check_held_out(tasks, config)
    held_out = pc.is_in(tasks, pa.array(config.held_out_tasks, pa.string())).to_numpy()[trains]
    sides = np.full(len(tasks), len(SIDES), np.uint8)
    sides[trains] = draw_sides(groups, held_out, config, seed)
    names = pa.array([*SIDES, SUITE]).take(pa.array(sides))
    start = 0
    for table in rows.tables():
        writer.count(rows_in=len(table))
        writer.add(table.append_column("side", names.slice(start, len(table))))
        start += len(table)
    writer.stats = _summary(names, tasks, groups.labels)
    writer.stats["held_out_tasks"] = list(config.held_out_tasks)
    writer.stats["follow_held_out"] = int((np.isin(groups.labels, groups.labels[held_out]) & ~held_out).sum())


def _read(rows: Artifact) -> tuple[pa.ChunkedArray, np.ndarray, Groups]:
    """The task of each of n rows, whether it is for training, bool (n,), and the leak groups of those that are."""
    links: list[Links] = []
    tasks: list[pa.Array] = []
    trains, count = [np.empty(0, bool)], 0
    for table in rows.tables((*COLUMNS, "use", "task")):
        tasks += table["task"].chunks
        training = pc.equal(table["use"], "train")
        trains.append(training.to_numpy())
        pieces = list(batches(table.filter(training)))
        starts = count + np.cumsum([0, *(len(piece) for piece in pieces)])
        links += over_threads(lambda piece: links_of(*piece), zip(pieces, starts[:-1].tolist(), strict=True))
        count = int(starts[-1])
    return pa.chunked_array(tasks, pa.string()), np.concatenate(trains), leak_groups(links, count)


def _check_held_out(tasks: pa.ChunkedArray, config: Split) -> None:
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


def _summary(names: pa.StringArray, tasks: pa.ChunkedArray, labels: np.ndarray) -> dict[str, Any]:
    sides, found = names.to_pylist(), tasks.to_pylist()
    by_task: dict[str, Counter[str]] = {}
    for side, task in zip(sides, found, strict=True):
        by_task.setdefault(side, Counter())[task or ""] += 1
    _, sizes = np.unique(labels, return_counts=True)
    return {
        "rows": {side: sum(counts.values()) for side, counts in sorted(by_task.items())},
        "tasks": {side: dict(sorted(counts.items())) for side, counts in sorted(by_task.items())},
        "groups": len(sizes),
        "largest_group": int(sizes.max(initial=0)),
    }
