"""Stage `decontaminate`: rejects training and validation rows that give away an evaluation row, and tells which.

Rows of the test side are compared and reported, for they only judge; protected rows pass unchanged. What is held is the
evaluation side and its index, and a part of the rows. Each row is judged alone, so that neither order nor partition
changes anything.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Decontaminate
from tuneloom.decontaminate.items import COLUMNS, read_items, suite_rows
from tuneloom.decontaminate.matches import RULES, Guard, Matches
from tuneloom.decontaminate.summary import Tally
from tuneloom.records import Origin, Reject, reject_rows
from tuneloom.suites import Suite
from tuneloom.text.content import batches
from tuneloom.text.kernels import over_threads

VERSION = "decontaminate-1"
REASON = "contaminated"
COMPROMISED = "compromised.parquet"
"""The artifact's table of evaluation rows that are given away (schema `summary.COMPROMISED`), for a clean score."""


def decontaminate(writer: Writer, rows: Artifact, config: Decontaminate | None, suites: Sequence[Suite] = ()) -> None:
    """Writes the rows of `rows` (split) that give no protected row away, nor one of the suites; without such rows, or
    with `config` None, all of them, unread."""
    if config is None or not (any(suite.rows for suite in suites) or _any_protected(rows)):
        for table in rows.tables():
            writer.count(rows_in=len(table))
            writer.add(table)
        writer.stats["protected"] = None if config is None else 0
        return
    guard = Guard(read_items([suite_rows(suites), *rows.tables(COLUMNS)]), config)
    tally = Tally(guard.items)
    for table in rows.tables():
        writer.count(rows_in=len(table))
        for piece in over_threads(lambda batch: _judged(guard, batch), batches(table)):
            _write(writer, guard, tally, *piece)
    writer.stats.update(tally.as_dict(config.ngram), ngram=config.ngram, bound=config.coverage)
    pq.write_table(tally.compromised(), writer.file(COMPROMISED))


def _any_protected(rows: Artifact) -> bool:
    return any(pc.any(pc.not_equal(table["use"], "train")).as_py() for table in rows.tables(("use",)))


def _judged(guard: Guard, table: pa.Table) -> tuple[pa.Table, Matches, Matches]:
    """A piece of the rows, what those of training and validation give away, and what those of the test side do."""
    learning = guard.matches(table, _of(table, "train", "validation"))
    return table, learning, guard.matches(table, _of(table, "test"))


def _of(table: pa.Table, *sides: str) -> np.ndarray:
    """Places of the rows of these sides, int64 (k,)."""
    return np.flatnonzero(pc.is_in(table["side"], pa.array(sides)).to_numpy())


def _write(writer: Writer, guard: Guard, tally: Tally, table: pa.Table, found: Matches, in_test: Matches) -> None:
    tally.add(found, table["side"])
    tally.add_test(in_test)
    lost = found.rows[found.best]
    kept = np.ones(len(table), bool)
    kept[lost] = False
    writer.add(table.filter(pa.array(kept)))
    writer.reject(_rejects(guard, table.take(pa.array(lost)), found))


def _rejects(guard: Guard, lost: pa.Table, found: Matches) -> list[Reject]:
    """Rejects for the rows that match, each with its best match."""
    best = found.best
    details = [_detail(guard, found, int(place)) for place in best]
    twins = [Origin(**origin) for origin in guard.items.origins.take(pa.array(found.items[best])).to_pylist()]
    return reject_rows(lost, REASON, details, twins)


def _detail(guard: Guard, found: Matches, place: int) -> dict[str, Any]:
    text = int(found.texts[place])
    return {
        "rule": RULES[found.rule[place]],
        "version": VERSION,
        "value": round(float(found.coverage[place]), 4),
        "bound": guard.config.coverage,
        "similarity": round(float(found.similarity[place]), 4),
        "evidence": guard.items.name(text) if text >= 0 else "question",
    }
