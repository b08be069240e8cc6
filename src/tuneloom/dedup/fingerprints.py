"""What deduplication knows of each row: hashed keys, length and MinHash bands, some 200 bytes, made once a file.

The texts themselves are read again only for rows that share a band with another.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact
from tuneloom.records import canonical, digest
from tuneloom.text.content import COLUMNS, batches, content_of
from tuneloom.text.kernels import over_threads
from tuneloom.text.keys import combined, fold, key_hashes
from tuneloom.text.shingles import Shingles, joined, shingles
from tuneloom.text.signatures import Bands, band_hashes

MEMO = "fingerprints-v2"
"""Name of the memo; count the version up whenever keys, shingles or signatures change."""

Memo = Callable[[str, str, Callable[[], pa.Table]], pa.Table]

_PROMPT, _ANSWER = 1, 2  # seeds: a shingle of a prompt is none of an answer


@dataclass(frozen=True)
class Fingerprints:
    """Of n rows, in the order they were read."""

    row: np.ndarray
    """uint64 (n, 2): key of definition, prompt and answer; rows that share it are exact duplicates"""
    prompt: np.ndarray
    """uint64 (n,): key of the prompt"""
    answer: np.ndarray
    """uint64 (n,): key of the answer"""
    scope: np.ndarray
    """uint64 (n,): key of the definition; rows of different ones are different tasks"""
    length: np.ndarray
    """int64 (n,): bytes of prompt and answer, folded"""
    bands: np.ndarray
    """uint64 (n, bands): MinHash bands; no columns where near-duplicates are not wanted"""


def fingerprint_members(members: Sequence[Artifact], bands: Bands, compare: str, memo: Memo) -> Fingerprints:
    """Fingerprints of all rows of `members`, one after the other; known files are not read again."""

    def make(member: Artifact) -> pa.Table:
        pieces = [
            piece
            for table in member.tables(COLUMNS)
            for piece in over_threads(lambda batch: fingerprint(batch, bands, compare), batches(table))
        ]
        return pa.concat_tables(pieces) if pieces else _empty(bands)

    what = {"bands": bands.count, "rows": bands.rows, "compare": compare}
    tables = [
        memo(MEMO, f"{member.reference.key}-{digest(canonical(what))[:8]}", functools.partial(make, member))
        for member in members
    ]
    return _from_table(pa.concat_tables(tables), bands)


def fingerprint(table: pa.Table, bands: Bands, compare: str) -> pa.Table:
    """Fingerprints of a slice of rows, as the memo keeps them.

    `compare` says whose shingles the bands are of: `prompt`, `answer`, or `both` for their union. Where both texts are
    at least t similar their union is too, so one signature finds every such pair, and rows that share a prompt alone
    (boilerplate with many answers) are no candidates.
    """
    content = content_of(table)
    prompt, answer = fold(content.prompt, content.code_prompt), fold(content.answer, content.code_answer)
    definition = fold(content.definition, np.zeros(len(table), np.uint8))
    prompt_key, answer_key, scope_key = key_hashes(prompt), key_hashes(answer), key_hashes(definition)
    row_key = combined(scope_key, prompt_key, answer_key)
    length = pc.add(pc.binary_length(prompt), pc.binary_length(answer))
    columns = {
        "row_0": row_key[:, 0].copy(),
        "row_1": row_key[:, 1].copy(),
        "prompt": prompt_key[:, 0].copy(),
        "answer": answer_key[:, 0].copy(),
        "scope": scope_key[:, 0].copy(),
        "length": length,
    }
    if bands.count:
        compared = [
            shingles(text, code, seed=seed, as_sets=False)
            for name, text, code, seed in (
                ("prompt", prompt, content.code_prompt, _PROMPT),
                ("answer", answer, content.code_answer, _ANSWER),
            )
            if compare in (name, "both")
        ]
        columns["bands"] = _as_binary(band_hashes(compared, bands))
    return pa.table(columns)


def shingle_sets(members: Sequence[Artifact], wanted: np.ndarray) -> tuple[Shingles, Shingles]:
    """Shingle sets of the prompts and of the answers of the rows at the sorted positions `wanted` int64 (m,)."""
    pieces, start = [], 0
    for member in members:
        for table in member.tables(COLUMNS):
            first, last = np.searchsorted(wanted, [start, start + len(table)])
            chosen = table.take(pa.array(wanted[first:last] - start)) if first < last else table.slice(0, 0)
            pieces += over_threads(_sets_of, batches(chosen))
            start += len(table)
    return joined([prompt for prompt, _ in pieces]), joined([answer for _, answer in pieces])


def _sets_of(table: pa.Table) -> tuple[Shingles, Shingles]:
    content = content_of(table)
    prompt, answer = fold(content.prompt, content.code_prompt), fold(content.answer, content.code_answer)
    return (
        shingles(prompt, content.code_prompt, seed=_PROMPT),
        shingles(answer, content.code_answer, seed=_ANSWER),
    )


def _as_binary(bands: np.ndarray) -> pa.FixedSizeBinaryArray:
    """uint64 (n, bands) -> n values of 8 * bands bytes."""
    return pa.Array.from_buffers(pa.binary(8 * bands.shape[1]), len(bands), [None, pa.py_buffer(bands)])


def _from_table(table: pa.Table, bands: Bands) -> Fingerprints:
    def column(name: str) -> np.ndarray:
        return table[name].to_numpy()

    found = np.empty((len(table), bands.count), np.uint64)
    if bands.count:
        start = 0
        for chunk in table["bands"].chunks:
            flat = np.frombuffer(chunk.buffers()[1], np.uint64).reshape(-1, bands.count)
            found[start : start + len(chunk)] = flat[chunk.offset : chunk.offset + len(chunk)]
            start += len(chunk)
    return Fingerprints(
        row=np.stack([column("row_0"), column("row_1")], axis=1),
        prompt=column("prompt"),
        answer=column("answer"),
        scope=column("scope"),
        length=column("length"),
        bands=found,
    )


def _empty(bands: Bands) -> pa.Table:
    names = ("row_0", "row_1", "prompt", "answer", "scope")
    schema = [*((name, pa.uint64()) for name in names), ("length", pa.int64())]
    return pa.schema([*schema, *([("bands", pa.binary(8 * bands.count))] if bands.count else [])]).empty_table()
