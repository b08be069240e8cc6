"""What ties rows together: their prompt, a passage, their conversation tree, and spans of text that they share.

A prompt is the same whatever is answered, a passage whatever is asked about it, a span whatever template it stands in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.text.content import COLUMNS as CONTENT
from tuneloom.text.content import content_of
from tuneloom.text.keys import combined, fold, key_hashes
from tuneloom.text.shingles import Shingles, joined, shingles
from tuneloom.text.spans import common_shingles, spans

COLUMNS = (*CONTENT, "meta")
"""Columns of `records.ROWS` that `strong_links` and `span_links` read."""

PASSAGE_BYTES = 20
"""Shorter passages ("France", "2 + 2") are no leak: other questions about them share nothing that was learnt."""
COMMON_SHARE = 0.2
"""Wording that this share of a file's rows hold is its template or header, no passage."""
COMMON_ROWS = 10
"""Fewer rows that share their wording are told apart from a template by nothing: then it is a passage."""
FILE_SAMPLE = 1000
"""Rows of a file that its common wording is looked for in."""

_TREE = r'"(?P<name>message_tree_id|tree_id|conversation_id|conversation_hash|thread_id)":"(?P<id>[^"]+)"'


@dataclass(frozen=True)
class Links:
    """k pairs of a row and a key that it holds."""

    rows: np.ndarray
    """int64 (k,)"""
    keys: np.ndarray
    """uint64 (k,)"""


def strong_links(table: pa.Table, start: int) -> Links:
    """Keys of prompt, first turn, input, context and tree of a table's rows, the first of which has number `start`.

    Rows that share one are never on two sides; each row has at least one. Two rows {instruction: "Sum up.", input: P}
    and {instruction: "Translate.", input: P} share that of P. All are folded as prose: whether a row is code also
    depends on its answer, and one prompt must have one key.
    """
    content = content_of(table)
    numbers = start + np.arange(len(table))
    prompt, answer, definition = (_folded(text) for text in (content.prompt, content.answer, content.definition))
    key = key_hashes(prompt)
    short = ~_at_least(prompt, PASSAGE_BYTES)
    key[short] = combined(key_hashes(definition), key)[short]  # "France" is another question in another task
    silent = ~_at_least(prompt, 1)
    key[silent] = key_hashes(answer)[silent]
    rows, keys = [numbers], [key[:, 0]]
    for passage in (content.first_turn, *content.passages):
        folded = _folded(passage)
        long = _at_least(folded, PASSAGE_BYTES)
        rows.append(numbers[long])
        keys.append(key_hashes(folded)[long, 0])
    tree = pc.extract_regex(table["meta"].combine_chunks().cast(pa.large_string()), _TREE)
    held = pc.is_valid(tree).to_numpy(zero_copy_only=False)
    identity = pc.struct_field(tree.filter(pa.array(held)), "id").cast(pa.large_string())
    return Links(np.concatenate([*rows, numbers[held]]), np.concatenate([*keys, key_hashes(identity)[:, 0]]))


def span_links(table: pa.Table, start: int, common: np.ndarray) -> Links:
    """The spans of prompt and answer of a table's rows, numbered from `start`; `common` as in `text.spans.spans`."""
    prompts, answers = sequences_of(table)
    found = [spans(prompts, common, rest=True), spans(answers, common, rest=False)]
    numbers = start + np.arange(len(table))
    rows = np.concatenate([np.repeat(numbers, np.diff(part.bounds)) for part in found])
    return Links(rows, np.concatenate([part.values for part in found]))


def sequences_of(table: pa.Table) -> tuple[Shingles, Shingles]:
    """Shingles in reading order of the prompts and of the answers of a table's rows."""
    content, prose = content_of(table), np.zeros(len(table), np.uint8)
    prompt, answer = (shingles(_folded(text), prose, as_sets=False) for text in (content.prompt, content.answer))
    return prompt, answer


def common_wording(pieces: Iterable[tuple[Shingles, Shingles]]) -> np.ndarray:
    """Shingles that are common in one file, sorted uint64 (c,), from its rows' prompts and answers, in pieces."""
    both = list(pieces)
    parts = [joined([piece[number] for piece in both]) for number in (0, 1)]
    found = [common_shingles(part, COMMON_SHARE, COMMON_ROWS) for part in parts]
    return np.unique(np.concatenate(found))


def _folded(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return fold(texts, np.zeros(len(texts), np.uint8))


def _at_least(folded: pa.LargeStringArray, length: int) -> np.ndarray:
    """Whether a text has that many bytes, bool (n,)."""
    return pc.greater_equal(pc.binary_length(folded), length).to_numpy(zero_copy_only=False)
