"""Stage `dedup`: reads the files' rows, decides which are duplicates, writes the rest and a witness for each reject.

Rows are told apart by position: the rows of the first file, then of the second, ... Nothing that is decided depends on
it. Texts are read by file and never all held; what is held is a fingerprint a row and the shingles of rows that share
a band with another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Dedup
from tuneloom.dedup.fingerprints import Memo, fingerprint_members, shingle_sets
from tuneloom.dedup.order import COLUMNS, survivor_order
from tuneloom.dedup.summary import describe_cluster, largest_clusters, summarise
from tuneloom.dedup.verdicts import Verdicts, judge
from tuneloom.records import ROWS, Origin, Reject, reject_rows
from tuneloom.text.content import content_of
from tuneloom.text.signatures import Bands, bands_for


def deduplicate(writer: Writer, rows: Artifact, config: Dedup, priorities: Mapping[str, int], memo: Memo) -> None:
    """Writes the rows of `rows` (ingest, the union of one artifact a file) that are no duplicates.

    `priorities` by source name decide first who survives. Only training rows compete; others pass unchanged.
    """
    members = rows.members or (rows,)
    near = config.near
    bands = bands_for(near.threshold) if near and near.search == "lsh" else Bands(0, 0)
    compare = near.compare if near else "both"
    marks = fingerprint_members(members, bands, compare, memo)
    ledger = pa.concat_tables([_EMPTY, *(table for member in members for table in member.tables(COLUMNS))])
    order = survivor_order(ledger, marks.length, priorities)
    verdicts = judge(marks, order, config, lambda wanted: shingle_sets(members, wanted))
    writer.stats = summarise(ledger, marks, verdicts, config)
    clusters = largest_clusters(verdicts, order)
    writer.stats["largest"] = [describe_cluster(*cluster) for cluster in _samples(members, clusters)]
    _write(writer, members, ledger, verdicts, config)


_EMPTY = ROWS.empty_table().select(COLUMNS)


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
    return {"rule": rule, "similarity": {"prompt": prompt, "answer": answer}, "bound": bound}


def _samples(members: Sequence[Artifact], clusters: list[tuple[int, int]]) -> Iterator[tuple[Origin, int, str]]:
    """(origin, size, prompt) of the survivors at the given positions."""
    found, start, columns = {}, 0, ("origin", "messages", "fields", "kind")
    wanted = {position for position, _ in clusters}
    for member in members:
        rows = member.manifest.counts.rows_out or 0
        if any(start <= position < start + rows for position in wanted):
            table = member.table(columns)
            for position in wanted.intersection(range(start, start + rows)):
                row = table.slice(position - start, 1)
                found[position] = Origin(**row["origin"][0].as_py()), content_of(row).prompt[0].as_py()
        start += rows
    for position, size in clusters:
        origin, prompt = found[position]
        yield origin, size, prompt
