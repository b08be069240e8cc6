"""What deduplication knows of each row: hashed keys, length and MinHash bands, made once a piece (pieces.py).

The texts themselves are read again only for rows that share a band with another.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.dedup.prefixes import talks_of
from tuneloom.text.content import content_of
from tuneloom.text.keys import combined, fold, key_hashes, mixed
from tuneloom.text.shingles import Shingles, shingles
from tuneloom.text.signatures import Bands, band_hashes

_PROMPT, _ANSWER = 1, 2  # seeds: a shingle of a prompt is none of an answer


@dataclass(frozen=True)
class Fingerprints:
    """Of n rows, in the order they were read: 56 bytes a row; their bands lie on the disk (bands.py)."""

    row: np.ndarray
    """uint64 (n, 2): key of scope, prompt and answer; rows that share it are exact duplicates"""
    prompt: np.ndarray
    """uint64 (n,): key of the prompt"""
    answer: np.ndarray
    """uint64 (n,): key of the answer"""
    scope: np.ndarray
    """uint64 (n,): key of the definition, of who speaks in turn and what trains; rows of other ones are other tasks"""
    length: np.ndarray
    """int64 (n,): bytes of prompt and answer, folded"""
    whole: np.ndarray
    """uint64 (n,): key of the conversation (prefixes.py)"""
    heads: list[tuple[np.ndarray, np.ndarray]]
    """Keys of the conversations that rows begin with, uint64 (k,), and these rows int64 (k,); a pair a piece"""

    @classmethod
    def empty(cls, count: int) -> "Fingerprints":
        """Room for those of `count` rows."""
        prompt, answer, scope, whole = np.empty((4, count), np.uint64)
        return cls(np.empty((count, 2), np.uint64), prompt, answer, scope, np.empty(count, np.int64), whole, [])

    def fill(self, start: int, table: pa.Table) -> None:
        """Takes the columns of `fingerprint` for the rows from `start` on."""
        place = slice(start, start + len(table))
        for lane in (0, 1):
            self.row[place, lane] = table[f"row_{lane}"].to_numpy()
        for name in ("prompt", "answer", "scope", "length", "whole"):
            getattr(self, name)[place] = table[name].to_numpy()
        heads = table["heads"].combine_chunks()
        rows = start + np.repeat(np.arange(len(table)), pc.list_value_length(heads).to_numpy())
        self.heads.append((heads.flatten().to_numpy(), rows))


def fingerprint(table: pa.Table, bands: Bands, compare: str) -> pa.Table:
    """Fingerprints of a slice of rows, as the memo keeps them.

    `compare` says whose shingles the bands are of: `prompt`, `answer`, or `both` for their union. Where both texts are
    at least t similar their union is too, so one signature finds every such pair, and rows that share a prompt alone
    (boilerplate with many answers) are no candidates.
    """
    content = content_of(table)
    prompt, answer = fold(content.prompt, content.code_prompt), fold(content.answer, content.code_answer)
    definition = fold(content.definition, np.zeros(len(table), np.uint8))
    prompt_key, answer_key, definition_key = key_hashes(prompt), key_hashes(answer), key_hashes(definition)
    length = pc.add(pc.binary_length(prompt), pc.binary_length(answer))
    talks = talks_of(table, definition_key[:, 0])
    head_bounds = np.searchsorted(talks.owners, np.arange(len(table) + 1)).astype(np.int32)
    scope_key = mixed(definition_key ^ talks.shape[:, None], 5)
    row_key = combined(scope_key, prompt_key, answer_key)
    columns = {
        "row_0": row_key[:, 0].copy(),
        "row_1": row_key[:, 1].copy(),
        "prompt": prompt_key[:, 0].copy(),
        "answer": answer_key[:, 0].copy(),
        "scope": scope_key[:, 0].copy(),
        "length": length,
        "whole": talks.whole,
        "heads": pa.ListArray.from_arrays(pa.array(head_bounds), pa.array(talks.heads)),
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


def sets_of(table: pa.Table) -> tuple[Shingles, Shingles]:
    """Shingle sets of the prompts and of the answers of a slice of rows."""
    content = content_of(table)
    prompt, answer = fold(content.prompt, content.code_prompt), fold(content.answer, content.code_answer)
    return (
        shingles(prompt, content.code_prompt, seed=_PROMPT),
        shingles(answer, content.code_answer, seed=_ANSWER),
    )


def _as_binary(bands: np.ndarray) -> pa.FixedSizeBinaryArray:
    """uint64 (n, bands) -> n values of 8 * bands bytes."""
    return pa.Array.from_buffers(pa.binary(8 * bands.shape[1]), len(bands), [None, pa.py_buffer(bands)])
