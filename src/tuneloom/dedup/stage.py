"""Stage `dedup`: reads the files' rows, decides which are duplicates, writes the rest and a witness for each reject.

Three steps, each over a pool: pieces of files are mapped to fingerprints (pieces.py); these are shuffled by band
through files and each band says which rows share a hash (bands.py); of those rows the shingles are read and stars
grown (verdicts.py). Rows are told apart by position, the rows of the first piece, then of the second, ...; nothing
that is decided depends on it. Texts are never all held: what is held is some 130 bytes a row; the shingles of rows that
share a band with another lie in a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tuneloom.artifacts import Artifact, Store, Writer
from tuneloom.config import Dedup
from tuneloom.dedup.bands import BandFiles, band_matrix, shared_buckets
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.ledger import Ledger, LedgerBuilder
from tuneloom.dedup.order import survivor_order
from tuneloom.dedup.pairs import PairMemo
from tuneloom.dedup.pieces import Mark, Piece, TakeSets, chosen_rows, pieces_of
from tuneloom.dedup.standing import Standing
from tuneloom.dedup.summary import Text, summarise
from tuneloom.dedup.verdicts import Verdicts, judge
from tuneloom.records import ROWS, Origin, Reject, reject_rows
from tuneloom.released import NOTHING, ReleasedIndex
from tuneloom.text.content import COLUMNS as CONTENT
from tuneloom.text.content import content_of
from tuneloom.text.shingles import Shingles
from tuneloom.text.signatures import Bands, bands_for
from tuneloom.workers import Pool, Threads

VERSION = "dedup-1"
PREFIX = "beginning of a conversation"
MEMORY = 1 << 30
"""Bytes for what is compared at a time, unless the caller says otherwise."""


def deduplicate(
    writer: Writer,
    rows: Artifact,
    config: Dedup,
    priorities: Mapping[str, int],
    store: Store,
    pool: Pool | None = None,
    memory: float = MEMORY,
    released: ReleasedIndex = NOTHING,
) -> None:
    """Writes the rows of `rows` (ingest, the union of one artifact a file, in `store`) that are no duplicates.

    What is `released` survives first, then `priorities` by source name decide. Only training rows compete; others pass
    unchanged. Neither `pool` nor `memory` (bytes for the bands under way) changes a byte of the outcome.
    """
    pool = pool or Threads()
    near = config.near
    bands = bands_for(near.threshold) if near and near.search == "lsh" else Bands(0, 0)
    pieces = pieces_of(store, rows)
    marks, ledger, files = collect(pieces, bands, near.compare if near else "both", pool, writer.scratch / "bands")
    before = Standing.of(ledger, released)
    order = survivor_order(ledger, marks.length, priorities, before.rows)
    ledger = ledger.without_hashes()
    verdicts = judge(
        marks,
        order,
        config,
        lambda chosen: shared_buckets(files, chosen, pool, memory),
        lambda wanted: shingle_sets(pieces, wanted, pool, writer.scratch),
        PairMemo.of(store, pieces, near) if near else None,
    )
    writer.stats = summarise(ledger, marks, order, verdicts, config, lambda shown: _texts(pieces, shown))
    writer.stats["released"] = {"rows": int(before.rows.sum()), "lost": before.lost(verdicts.kept)}
    _write(writer, pieces, ledger, verdicts, config)


def collect(
    pieces: Sequence[Piece], bands: Bands, compare: str, pool: Pool, folder: Path
) -> tuple[Fingerprints, Ledger, list[Path]]:
    """Fingerprints and ledger of all rows, and the files of their bands in `folder`."""
    count = sum(piece.rows for piece in pieces)
    marks, builder = Fingerprints.empty(count), LedgerBuilder(count)
    with BandFiles(folder, bands.count) as files:
        found = pool.map(Mark(bands, compare, pool.threads), pieces)
        for piece, made in zip(pieces, found, strict=True):
            marks.fill(piece.start, made)
            builder.add(made)
            if bands.count:
                files.add(band_matrix(made["bands"], bands.count))
    return marks, builder.ledger(), files.paths


def shingle_sets(pieces: Sequence[Piece], wanted: np.ndarray, pool: Pool, folder: Path) -> tuple[Shingles, Shingles]:
    """Shingle sets of the prompts and of the answers of the rows at the sorted positions `wanted` int64 (m,), in files
    of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    counts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    paths = [folder / "prompts.u64", folder / "answers.u64"]
    streams = [path.open("wb") for path in paths]
    for parts in pool.map(TakeSets(pool.threads), chosen_rows(pieces, wanted)):
        for part, stream, sizes in zip(parts, streams, counts, strict=True):
            stream.write(part.values.data)
            sizes.append(np.diff(part.bounds))
    for stream in streams:
        stream.close()
    none = np.empty(0, np.int64)
    prompts, answers = (
        Shingles.in_file(path, np.concatenate([none, *sizes])) for path, sizes in zip(paths, counts, strict=True)
    )
    return prompts, answers


def _write(writer: Writer, pieces: Sequence[Piece], ledger: Ledger, verdicts: Verdicts, config: Dedup) -> None:
    writer.add(ROWS.empty_table())
    start = 0
    for piece in pieces:
        for table in piece.tables():
            kept = verdicts.kept[start : start + len(table)]
            writer.count(rows_in=len(table))
            writer.add(table.filter(pa.array(kept)))
            lost = np.flatnonzero(~kept)
            writer.reject(_rejects(table.take(pa.array(lost)), start + lost, ledger, verdicts, config))
            start += len(table)


def _rejects(table: pa.Table, positions: np.ndarray, ledger: Ledger, verdicts: Verdicts, config: Dedup) -> list[Reject]:
    """Rejects for the rows of `table`, which stand at `positions` int64 (k,)."""
    rules = np.select(
        [verdicts.near[positions], verdicts.prefix[positions]], ["near duplicate", PREFIX], "exact duplicate"
    )
    survivors: Iterable[Origin] = map(ledger.origin, verdicts.survivor[positions].tolist())
    details = [
        _detail(rule, similarity, config)
        for rule, similarity in zip(rules.tolist(), verdicts.similarity[positions].tolist(), strict=True)
    ]
    reasons = [detail["rule"] for detail in details]
    return reject_rows(table, reasons, details, [*survivors])


def _detail(rule: str, similarity: list[float], config: Dedup) -> dict[str, Any]:
    prompt, answer = (round(value, 4) for value in similarity)
    bound = config.near.threshold if config.near and rule == "near duplicate" else 1.0
    return {"rule": rule, "version": VERSION, "similarity": {"prompt": prompt, "answer": answer}, "bound": bound}


def _texts(pieces: Sequence[Piece], positions: Sequence[int]) -> dict[int, Text]:
    """What is shown of the rows at the given positions."""
    found: dict[int, Text] = {}
    for piece, rows in chosen_rows(pieces, np.unique(np.array(positions, np.int64))):
        table = pa.concat_tables(piece.chosen(("origin", *CONTENT), rows))
        content = content_of(table)
        texts = zip(table["origin"].to_pylist(), content.prompt.to_pylist(), content.answer.to_pylist(), strict=True)
        shown = [Text(Origin(**origin), prompt, answer) for origin, prompt, answer in texts]
        found.update(zip((piece.start + rows).tolist(), shown, strict=True))
    return found
