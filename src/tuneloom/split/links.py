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
"""Columns of `records.ROWS` that `strong_links` reads."""

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


@dataclass(frozen=True)
class FoldedContent:
    """The key texts of a table's rows; all are folded as prose: whether a row is code also depends on its answer, and
    one prompt must have one key."""

    prompt: pa.LargeStringArray
    answer: pa.LargeStringArray
    definition: pa.LargeStringArray
    passages: tuple[pa.LargeStringArray, ...]
    """What the user said first in a talk, and the fields input and context"""


def folded_content(table: pa.Table) -> FoldedContent:
    """Folds what is compared of a table's rows."""
    content = content_of(table)
    passages = tuple(map(_folded, (content.first_turn, *content.passages)))
    return FoldedContent(_folded(content.prompt), _folded(content.answer), _folded(content.definition), passages)


def strong_links(table: pa.Table, start: int) -> Links:
    """Keys of prompt, first turn, input, context and tree of a table's rows, the first of which has number `start`.

    Rows that share one are never on two sides; each row has at least one. Two rows {instruction: "Sum up.", input: P}
    and {instruction: "Translate.", input: P} share that of P.
    """
    links = strong_links_of(folded_content(table), table["meta"])
    return Links(start + links.rows, links.keys)


def strong_links_of(content: FoldedContent, meta: pa.ChunkedArray) -> Links:
    """The same of what is folded already, rows numbered from 0."""
    numbers = np.arange(len(content.prompt))
    key = _prompt_keys(content.prompt, content.definition)
    silent = ~_at_least(content.prompt, 1)
    key[silent] = key_hashes(content.answer)[silent]
    rows, keys = [numbers], [key[:, 0]]
    for folded in content.passages:
        long = _at_least(folded, PASSAGE_BYTES)
        rows.append(numbers[long])
        keys.append(key_hashes(folded)[long, 0])
    tree = pc.extract_regex(meta.combine_chunks().cast(pa.large_string()), _TREE)
    held = pc.is_valid(tree).to_numpy(zero_copy_only=False)
    identity = pc.struct_field(tree.filter(pa.array(held)), "id").cast(pa.large_string())
    return Links(np.concatenate([*rows, numbers[held]]), np.concatenate([*keys, key_hashes(identity)[:, 0]]))


def span_links(sequences: tuple[Shingles, Shingles], common: np.ndarray) -> Links:
    """The spans of prompts and answers (`sequences_of`), rows numbered from 0; `common` as in `text.spans.spans`."""
    prompts, answers = sequences
    found = [spans(prompts, common, rest=True), spans(answers, common, rest=False)]
    numbers = np.arange(len(prompts))
    rows = np.concatenate([np.repeat(numbers, np.diff(part.bounds)) for part in found])
    return Links(rows, np.concatenate([part.values for part in found]))


def shown_links(examples: pa.ChunkedArray, definition: pa.LargeStringArray) -> Links:
    """The keys that a row has whose prompt or passage is the input of a demonstration (column `examples`) of these
    rows; `definition` folded.

    A row with the definition D that shows {input: P, output: A} -> the key of the prompt P in the task D.
    """
    lists = examples.combine_chunks()
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    flat, rows = lists.flatten(), pc.list_parent_indices(lists).to_numpy()
    if not len(flat):
        return Links(np.empty(0, np.int64), np.empty(0, np.uint64))
    shown = _folded(pc.fill_null(pc.struct_field(flat, "input").cast(pa.large_string()), ""))
    said = np.flatnonzero(_at_least(shown, 1))
    keys = _prompt_keys(shown.take(pa.array(said)), definition.take(pa.array(rows[said])))[:, 0]
    return Links(rows[said].astype(np.int64), keys)


def sequences_of(content: FoldedContent) -> tuple[Shingles, Shingles]:
    """Shingles in reading order of the prompts and of the answers."""
    prose = np.zeros(len(content.prompt), np.uint8)
    prompt, answer = (shingles(text, prose, as_sets=False) for text in (content.prompt, content.answer))
    return prompt, answer


def _prompt_keys(prompt: pa.LargeStringArray, definition: pa.LargeStringArray) -> np.ndarray:
    """uint64 (n, 2); "France" is another question in another task."""
    key = key_hashes(prompt)
    short = ~_at_least(prompt, PASSAGE_BYTES)
    key[short] = combined(key_hashes(definition), key)[short]
    return key


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
