"""Which rows give away which evaluation rows: by the same question, by n-gram coverage, as a near-duplicate.

Coverage is Tulu 3's measure (Lambert et al., 2024): the share of an evaluation text's n-grams that one row holds. A
near-duplicate by Jaccard similarity always covers more than half; it is told apart for the record, and for whoever
raises the bound.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.config import Decontaminate
from tuneloom.decontaminate.index import Index, index_of
from tuneloom.decontaminate.items import Items, folded_as_prose
from tuneloom.decontaminate.overlap import overlaps
from tuneloom.text.content import Turns, turns_of
from tuneloom.text.keys import key_hashes
from tuneloom.text.ngrams import ngrams, sizes
from tuneloom.text.shingles import shingles, words
from tuneloom.text.similarity import similarities

COLUMNS = ("messages", "examples")
"""Columns of `records.ROWS` that are read of the rows to judge."""

NEAR = 0.8
"""Least Jaccard similarity of shingle sets, as in deduplication, that makes a near-duplicate."""

LONG = 13
"""Length of the n-grams that are counted for the report alone (GPT-3's measure)."""

QUESTION_WORDS = 3
"""The same question gives an evaluation row away from so many words on: "yes" and "Hello!" are anybody's."""

ANSWER = 4
"""An answer alone gives a row away from so many n-grams on, in multiples of their length: shorter are `Paris`, `SELECT
* FROM products` and refusals that many rows share."""

RULES = ("exact question", "near duplicate", "n-gram coverage")
EXACT, NEAR_DUPLICATE, COVERAGE = range(3)


@dataclass(frozen=True)
class Matches:
    """k pairs of a row and an evaluation row that it gives away, by row, the best first; in n rows and m such rows."""

    rows: np.ndarray
    """int64 (k,)"""
    items: np.ndarray
    """int64 (k,)"""
    texts: np.ndarray
    """int64 (k,): the text of the evaluation row that is found"""
    rule: np.ndarray
    """uint8 (k,): the strongest that holds, a number of `RULES`"""
    coverage: np.ndarray
    """float64 (k,): share of that text's n-grams; 1 for the same question"""
    similarity: np.ndarray
    """float64 (k,): Jaccard similarity to the turn that resembles it most"""
    touching: np.ndarray
    """int64 (2, m): rows that share any n-gram with each evaluation row: of the chosen length, of `LONG`"""

    @property
    def best(self) -> np.ndarray:
        """int64 (rows that match,): places of each row's first match."""
        return np.unique(self.rows, return_index=True)[1]


class Guard:
    """The evaluation side, ready to be compared with; not changed by that, so threads may share it."""

    def __init__(self, items: Items, config: Decontaminate) -> None:
        self.items, self.config = items, config
        said = words(items.folded)
        self._index = index_of(ngrams(said, config.ngram), items)
        self._long = index_of(ngrams(said, LONG), items)
        self._needed = _needed(items, self._index, config)
        keys = key_hashes(items.openings)[:, 0]
        asked = np.flatnonzero(sizes(words(items.openings)) >= QUESTION_WORDS)
        self._asked = asked[np.argsort(keys[asked], kind="stable")]
        self._keys = keys[self._asked]

    def matches(self, table: pa.Table, which: np.ndarray | None = None) -> Matches:
        """What the rows of a table, or those at the places `which` int64 (k,), give away. Every turn counts, the
        system's and demonstrations too."""
        if which is not None:
            found = self.matches(table.select(COLUMNS).take(pa.array(which)))
            return replace(found, rows=which[found.rows])
        turns = _all_said(table)
        folded = folded_as_prose(turns.texts)
        bounds = np.searchsorted(turns.rows, np.arange(len(table) + 1))
        said, none = words(folded), np.full(len(self.items.item), np.iinfo(np.int64).max)
        by_ngrams = overlaps(
            ngrams(said, self.config.ngram), bounds, self._index, self.items.item, self._needed, len(self.items)
        )
        by_long = overlaps(ngrams(said, LONG), bounds, self._long, self.items.item, none, len(self.items))
        touching = np.stack([by_ngrams.touching, by_long.touching])
        covered = Matches(
            rows=by_ngrams.rows,
            items=self.items.item[by_ngrams.texts],
            texts=by_ngrams.texts,
            rule=np.full(len(by_ngrams.rows), COVERAGE, np.uint8),
            coverage=by_ngrams.found / self._index.sizes[by_ngrams.texts],
            similarity=_similarity(by_ngrams.rows, by_ngrams.texts, self.items.folded, folded, bounds),
            touching=touching,
        )
        return _best_of_each(_joined(self._same_questions(turns, folded, touching), self._that_act(covered)))

    def _that_act(self, found: Matches) -> Matches:
        near = found.similarity >= NEAR
        rule = np.where(near, NEAR_DUPLICATE, COVERAGE).astype(np.uint8)
        return _taken(replace(found, rule=rule), near | (found.coverage > self.config.coverage))

    def _same_questions(self, turns: Turns, folded: pa.LargeStringArray, touching: np.ndarray) -> Matches:
        """Rows one of whose user turns is the whole question of an evaluation row."""
        by_user = np.flatnonzero(pc.equal(turns.roles, "user").to_numpy(zero_copy_only=False))
        keys = key_hashes(folded)[by_user, 0]
        first, last = (np.searchsorted(self._keys, keys, side=side) for side in ("left", "right"))
        count = last - first
        place = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        items = self._asked[place]
        ones = np.ones(len(items))
        rows = turns.rows[np.repeat(by_user, count)]
        return Matches(rows, items, self.items.first_texts[items], np.zeros(len(items), np.uint8), ones, ones, touching)


def _needed(items: Items, index: Index, config: Decontaminate) -> np.ndarray:
    """N-grams from which on a pair of a row and a text is of interest, int64 (t,); no row has as many where the text
    is too short to give anything away.

    A first question needs one n-gram of its own, but `ngram` of them beside wording that its file shares (fewer all
    overlap it), and so does a later turn ("Explain that again in other words, please."); for answers see `ANSWER`.
    """
    opening = np.array([part == ("question", 0) for part in items.parts], bool)
    least = np.where(opening & (index.shared == 0), 1, config.ngram)
    least = np.where(items.is_answer, ANSWER * config.ngram, least)
    needed = np.floor(min(config.coverage, 0.5) * index.sizes).astype(np.int64) + 1
    return np.where(index.sizes >= least, needed, np.iinfo(np.int64).max)


def _all_said(table: pa.Table) -> Turns:
    """The messages of rows, and what their demonstrations show, by row."""
    turns = turns_of(table)
    examples = table["examples"].combine_chunks()
    if isinstance(examples, pa.ChunkedArray):
        examples = examples.combine_chunks()
    flat, row = examples.flatten(), pc.list_parent_indices(examples).to_numpy()
    if not len(flat):
        return turns
    shown = [pc.fill_null(pc.struct_field(flat, name).cast(pa.large_string()), "") for name in ("input", "output")]
    rows = np.concatenate([turns.rows, row, row])
    order = pa.array(np.argsort(rows, kind="stable"))
    roles = pa.concat_arrays([turns.roles, pa.array(["example"] * 2 * len(flat), pa.string())])
    return Turns(pa.concat_arrays([turns.texts, *shown]).take(order), roles.take(order), rows[order.to_numpy()])


def _similarity(
    rows: np.ndarray,
    texts: np.ndarray,
    evaluation: pa.LargeStringArray,
    folded: pa.LargeStringArray,
    bounds: np.ndarray,
) -> np.ndarray:
    """Of k pairs of a row int64 (k,) and an evaluation text int64 (k,): the greatest similarity to a turn of the row,
    float64 (k,); the turns of row i are bounds[i] : bounds[i + 1] of `folded`."""
    if not len(rows):
        return np.empty(0)
    count = bounds[rows + 1] - bounds[rows]
    starts = np.cumsum(count) - count
    turn = np.repeat(bounds[rows] - starts, count) + np.arange(count.sum())
    turns, right = np.unique(turn, return_inverse=True)
    wanted, left = np.unique(np.repeat(texts, count), return_inverse=True)
    compared = pa.concat_arrays([evaluation.take(pa.array(wanted)), folded.take(pa.array(turns))])
    sets = shingles(compared, np.zeros(len(compared), np.uint8))
    return np.maximum.reduceat(similarities(sets, left, right + len(wanted)), starts)


def _joined(one: Matches, other: Matches) -> Matches:
    both = {
        name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in vars(one) if name != "touching"
    }
    return Matches(**both, touching=one.touching)


def _best_of_each(found: Matches) -> Matches:
    """Of each row and evaluation row the strongest match; a row's best evaluation row first, of equals the first."""
    order = np.lexsort((found.texts, found.items, -found.similarity, -found.coverage, found.rule, found.rows))
    found = _taken(found, order)
    pairs = np.stack([found.rows, found.items], axis=1)
    return _taken(found, np.sort(np.unique(pairs, axis=0, return_index=True)[1]))


def _taken(found: Matches, which: np.ndarray) -> Matches:
    """The matches that `which` chooses: bool (k,) or places int64 (j,)."""
    some = {name: values[which] for name, values in vars(found).items() if name != "touching"}
    return Matches(**some, touching=found.touching)
