"""Stage `dedup`: reads the files' rows, decides which are duplicates, writes the rest and a witness for each reject.

Rows are told apart by position: the rows of the first file, then of the second, ... Nothing that is decided depends on
it. Texts are read by file and never all held; what is held is a fingerprint a row and the shingles of rows that share
a band with another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Dedup
from tuneloom.dedup.fingerprints import Memo, fingerprint_members, shingle_sets
from tuneloom.dedup.order import COLUMNS, survivor_order
from tuneloom.dedup.summary import Text, summarise
from tuneloom.dedup.verdicts import Verdicts, judge
from tuneloom.records import ROWS, Origin, Reject, reject_rows
from tuneloom.released import NOTHING, ReleasedIndex
from tuneloom.text.content import COLUMNS as CONTENT
from tuneloom.text.content import content_of
from tuneloom.text.signatures import Bands, bands_for


def deduplicate(
    writer: Writer,
    rows: Artifact,
    config: Dedup,
    priorities: Mapping[str, int],
    memo: Memo,
    released: ReleasedIndex = NOTHING,
) -> None:
    """Writes the rows of `rows` (ingest, the union of one artifact a file) that are no duplicates.

    What is `released` survives first, then `priorities` by source name decide. Only training rows compete; others pass
    unchanged.
    """
    members = rows.members or (rows,)
    near = config.near
    bands = bands_for(near.threshold) if near and near.search == "lsh" else Bands(0, 0)
    compare = near.compare if near else "both"
    marks = fingerprint_members(members, bands, compare, memo)
    ledger = pa.concat_tables([_EMPTY, *(table for member in members for table in member.tables(COLUMNS))])
    before = released.sides_of(ledger["id"]) >= 0
    order = survivor_order(ledger, marks.length, priorities, before)
    verdicts = judge(marks, order, config, lambda wanted: shingle_sets(members, wanted))
    writer.stats = summarise(ledger, marks, order, verdicts, config, lambda shown: _texts(members, shown))
    writer.stats["released"] = {"rows": int(before.sum()), "lost": _evicted(ledger["id"], before, verdicts)}
    _write(writer, members, ledger, verdicts, config)


VERSION = "dedup-1"
_EMPTY = ROWS.empty_table().select(COLUMNS)


def _evicted(ids: pa.ChunkedArray, before: np.ndarray, verdicts: Verdicts) -> int:
    """Released ids of which no row is kept: two rows that were released apart may be one by other settings."""
    kept, lost = (pc.unique(ids.filter(pa.array(before & mask))) for mask in (verdicts.kept, ~verdicts.kept))
    return len(lost) - int(pc.sum(pc.is_in(lost, kept)).as_py() or 0)


def _write(writer: Writer, members: Sequence[Artifact], ledger: pa.Table, verdicts: Verdicts, config: Dedup) -> None:
    writer.add(ROWS.empty_table())
    start = 0
    for member in members:
        for table in member.tables():
            place = slice(start, start + len(table))
            kept = verdicts.kept[place]
            writer.count(rows_in=len(table))
            writer.add(table.filter(pa.array(kept)))
            lost = start + np.flatnonzero(~kept)
            writer.reject(_rejects(table.take(pa.array(lost - start)), lost, ledger, verdicts, config))
            start += len(table)


def _rejects(
    table: pa.Table, positions: np.ndarray, ledger: pa.Table, verdicts: Verdicts, config: Dedup
) -> list[Reject]:
    """Rejects for the rows of `table`, which stand at `positions` int64 (k,)."""
    near = verdicts.near[positions]
    survivors = ledger["origin"].take(pa.array(verdicts.survivor[positions])).to_pylist()
    details = [
        _detail("near duplicate" if resembles else "exact duplicate", similarity, config)
        for resembles, similarity in zip(near, verdicts.similarity[positions].tolist(), strict=True)
    ]
    reasons = [detail["rule"] for detail in details]
    return reject_rows(table, reasons, details, [Origin(**origin) for origin in survivors])


def _detail(rule: str, similarity: list[float], config: Dedup) -> dict[str, Any]:
    prompt, answer = (round(value, 4) for value in similarity)
    bound = config.near.threshold if config.near and rule == "near duplicate" else 1.0
    return {"rule": rule, "version": VERSION, "similarity": {"prompt": prompt, "answer": answer}, "bound": bound}


def _texts(members: Sequence[Artifact], positions: Sequence[int]) -> dict[int, Text]:
    """What is shown of the rows at the given positions."""
    found: dict[int, Text] = {}
    wanted, start = np.unique(np.array(positions, np.int64)), 0
    for member in members:
        rows = member.manifest.counts.rows_out or 0
        mine = wanted[(start <= wanted) & (wanted < start + rows)]
        if len(mine):
            table = member.table(("origin", *CONTENT)).take(pa.array(mine - start))
            content = content_of(table)
            texts = zip(
                table["origin"].to_pylist(), content.prompt.to_pylist(), content.answer.to_pylist(), strict=True
            )
            shown = [Text(Origin(**origin), prompt, answer) for origin, prompt, answer in texts]
            found.update(zip(mine.tolist(), shown, strict=True))
        start += rows
    return found
