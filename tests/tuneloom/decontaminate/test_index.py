"""The index: which texts hold an n-gram, and which n-grams a whole file shares."""

import numpy as np

from tests.tuneloom.decontaminate.builders import asked, suite_rows
from tests.tuneloom.dedup.builders import Row
from tuneloom.decontaminate.index import Index, index_of
from tuneloom.decontaminate.items import read_items
from tuneloom.records import to_table
from tuneloom.text.ngrams import ngrams
from tuneloom.text.shingles import words


def index(*rows: Row, length: int = 3) -> Index:
    items = read_items([to_table(rows)])
    return index_of(ngrams(words(items.folded), length), items)


def holders(found: Index) -> list[list[int]]:
    """The texts of each n-gram, sorted."""
    return sorted(found.texts[a:b].tolist() for a, b in zip(found.bounds, found.bounds[1:], strict=False))


def test_each_ngram_names_the_texts_that_hold_it():
    made = index(*suite_rows(asked("a b c d"), asked("b c d a b c d")))
    assert holders(made) == [[0, 1], [0, 1], [1], [1]]
    assert made.sizes.tolist() == [2, 4]
    assert made.shared.tolist() == [0, 0]


def test_every_ngram_is_found_in_the_table():
    made = index(*suite_rows(*(asked(f"what is {n} plus {n * 7}") for n in range(400))))
    last = len(made.slots) - 1
    for number, gram in enumerate(made.grams.tolist()):
        place = gram & last
        while made.grams[made.slots[place]] != gram:
            place = (place + 1) & last
        assert made.slots[place] == number
    assert len(made.grams) * 2 <= len(made.slots)


def test_t9_wording_of_more_than_three_rows_of_a_file_is_shared():
    three = [asked(f"this is shared {n}") for n in range(3)]
    assert index(*suite_rows(*three)).shared.tolist() == [0, 0, 0]
    four = index(*suite_rows(*three, asked("this is shared 3")))
    assert four.shared.tolist() == [1, 1, 1, 1]
    assert four.sizes.tolist() == [1, 1, 1, 1]


def test_wording_is_shared_within_a_file_and_a_row_that_is_repeated_shares_nothing():
    apart = [*suite_rows(*(asked(f"this is shared {n}") for n in range(2))),
             *suite_rows(*(asked(f"this is shared {n}") for n in range(2, 4)), file="b.jsonl")]  # fmt: skip
    assert not index(*apart).shared.any()
    assert not index(*suite_rows(*[asked("this is repeated")] * 9)).shared.any()


def test_in_a_large_file_wording_is_shared_from_one_row_in_a_hundred_on():
    rows = [asked(f"this is number {n} of all") for n in range(500)]
    same = [asked(f"here comes wording {n}") for n in range(5)]
    assert index(*suite_rows(*rows, *same)).shared[-5:].tolist() == [0] * 5
    more = [asked(f"here comes wording {n}") for n in range(6)]
    assert index(*suite_rows(*rows, *more)).shared[-6:].tolist() == [1] * 6


def test_no_rows_and_rows_too_short_for_an_ngram():
    for rows in ((), suite_rows(asked("yes"))):
        made = index(*rows)
        assert len(made.grams) == 0
        assert (made.slots == -1).all()
        assert np.array_equal(made.sizes, np.zeros(len(rows), np.int64))
