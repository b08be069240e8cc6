"""The ledger: numbers for names and hashes that sort as these do."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import make_ledger, said
from tuneloom.dedup.ledger import LedgerBuilder, entries
from tuneloom.records import ROWS, Origin, to_table

ORIGINS = st.builds(Origin, st.sampled_from(["web", "a b", "书"]), st.sampled_from(["z", "a"]), st.integers(1, 9))


@given(st.lists(st.lists(ORIGINS, min_size=1, max_size=6), max_size=4))
def test_every_row_has_its_origin_whatever_the_pieces(pieces: list[list[Origin]]):
    tables = [to_table([(origin, said("p", str(n))) for n, origin in enumerate(piece)]) for piece in pieces]
    found = make_ledger(tables)
    flat = [origin for piece in pieces for origin in piece]
    assert [found.origin(n) for n in range(len(found))] == flat
    assert [found.sources[n] for n in found.source().tolist()] == [origin.source for origin in flat]
    assert sorted(range(len(flat)), key=lambda n: found.file[n]) == sorted(
        range(len(flat)), key=lambda n: (flat[n].source, flat[n].file)
    )


def test_hashes_sort_as_their_digits_do():
    rows = [(Origin("s", "f", n), said("p", f"answer {n}")) for n in range(50)]
    table = to_table(rows)
    found = make_ledger([table])
    digits = table["content_hash"].to_pylist()
    assert sorted(range(50), key=lambda n: digits[n]) == sorted(range(50), key=lambda n: tuple(found.hashes[:, n]))
    assert [f"{high:016x}{low:016x}" for high, low in found.hashes[:2].T.tolist()] == digits


def test_a_slice_of_a_table_gives_its_own_rows():
    table = to_table([(Origin("s", "f", n), said("p", str(n), references=("x",) * n)) for n in range(6)])
    assert entries(table.slice(2, 3)) == entries(pa.concat_tables([table.slice(2, 3)]).combine_chunks())
    assert make_ledger([table.slice(2, 3)]).references.tolist() == [2, 3, 4]


def test_no_rows():
    assert len(LedgerBuilder(0).ledger()) == len(make_ledger([ROWS.empty_table()])) == 0
    assert make_ledger([]).source().tolist() == []
