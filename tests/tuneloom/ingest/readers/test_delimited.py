"""CSV and TSV, with and without names."""

import tracemalloc
from pathlib import Path

import pytest

from tuneloom.ingest.readers import Line, ReadFault, delimited
from tuneloom.ingest.readers.delimited import read


def lines(tmp_path: Path, content: str | bytes, name: str = "f.csv") -> list[Line]:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read(tmp_path / name))


def test_the_first_record_names_the_columns(tmp_path: Path) -> None:
    assert lines(tmp_path, "q,a\n1+1?,2\n") == [Line(1, b"1+1?,2\n", {"q": "1+1?", "a": "2"})]


def test_quoted_cells_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, 'q,a\n"a, ""b""\nc",2\n')
    assert (line.value, line.raw) == ({"q": 'a, "b"\nc', "a": "2"}, b'"a, ""b""\nc",2\n')


def test_semicolons_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, b"\xef\xbb\xbfq;a\r\n1,5+1?;2\r\n")
    assert line.value == {"q": "1,5+1?", "a": "2"}


def test_a_table_without_names_numbers_its_columns_and_loses_no_row(tmp_path: Path) -> None:
    found = lines(tmp_path, "Is it so?\\n- yes\tno\nAnd this?\tyes\n", "f.tsv")
    assert [line.value for line in found] == [{"1": "Is it so?\\n- yes", "2": "no"}, {"1": "And this?", "2": "yes"}]
    assert [line.number for line in found] == [1, 2]


def test_bare_quotes_in_a_tsv_are_letters(tmp_path: Path) -> None:
    found = lines(tmp_path, 'q\ta\nx\ty\n"Marlboro" is what?\tyes\n"open\tno\n', "f.tsv")
    assert [line.value["q"] for line in found] == ["x", '"Marlboro" is what?', '"open']


def test_quoted_cells_in_a_tsv_are_unquoted(tmp_path: Path) -> None:
    assert lines(tmp_path, 'q\ta\n"a ""b"""\t2\n', "f.tsv")[0].value == {"q": 'a "b"', "a": "2"}


def test_a_ragged_or_undecodable_row_costs_only_itself(tmp_path: Path) -> None:
    found = lines(tmp_path, b"q,a\n1\n1,2,3\n\xff,2\n3,4\n")
    assert [isinstance(line.value, ReadFault) for line in found] == [True, True, True, False]
    assert [line.raw for line in found] == [b"1\n", b"1,2,3\n", b"\xff,2\n", b"3,4\n"]
    assert found[1].value.evidence == "3 cells under 2 column names"


def test_a_quote_that_never_closes_takes_the_rest_as_one_row(tmp_path: Path) -> None:
    good, broken = lines(tmp_path, 'q,a\n1,2\n"open,3\n4,5\n')
    assert good.value == {"q": "1", "a": "2"}
    assert isinstance(broken.value, ReadFault)
    assert broken.raw == b'"open,3\n4,5\n'


def test_a_cell_of_a_megabyte_is_read(tmp_path: Path) -> None:
    assert len(lines(tmp_path, "q,a\n" + "x" * 1_000_000 + ",2\n")[0].value["q"]) == 1_000_000


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (",question,answer", ["1", "question", "answer"]),
        ("question,answer,,", ["question", "answer", "3", "4"]),
        ("text,text,answer", ["text", "text 2", "answer"]),
        (" question , answer", ["question", "answer"]),
        ("问题,答案", ["问题", "答案"]),
    ],
)
def test_columns_without_a_name_or_with_one_name_lose_nothing(tmp_path: Path, header: str, names: list[str]) -> None:
    cells = [f"v{i}" for i in range(len(names))]
    (line,) = lines(tmp_path, f"{header}\n{','.join(cells)}\n")
    assert line.value == dict(zip(names, cells, strict=True))


def test_equal_cells_that_are_no_usual_names_are_data(tmp_path: Path) -> None:
    assert [line.value for line in lines(tmp_path, "yes,yes\nno,yes\n")] == [
        {"1": "yes", "2": "yes"},
        {"1": "no", "2": "yes"},
    ]


@pytest.mark.parametrize("whole", [True, False])
def test_after_a_record_that_is_too_long_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    monkeypatch.setattr(delimited, "LONGEST", 100)
    monkeypatch.setattr(delimited, "SHOWN", 10)
    long = "x" * 300 if whole else '"open' + ",\nmore" * 30
    found = lines(tmp_path, f"q,a\n1,2\n{long}\n3,4\n5,6\n")
    assert next(line.value.reason for line in found if isinstance(line.value, ReadFault)) == "row too long"
    assert found[1].raw == long.encode()[:10]
    assert found[-1].value == {"q": "5", "a": "6"}


def test_a_cell_of_many_lines_takes_little_more_memory_than_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text('q,a\n"' + "x\n" * 1_000_000 + '",2\n')
    tracemalloc.start()
    try:
        assert len(next(read(tmp_path / "f.csv")).value["q"]) == 2_000_000
        assert tracemalloc.get_traced_memory()[1] < 25 << 20
    finally:
        tracemalloc.stop()


def test_a_gbk_table_says_so_row_by_row_and_no_row_becomes_the_names(tmp_path: Path) -> None:
    found = lines(tmp_path, "问题,答案\n一加一等于几,二\n1+1,2\n".encode("gbk"))
    assert [line.number for line in found] == [1, 2, 3]
    assert all("it looks like GB18030 (GBK)" in line.value.evidence for line in found[:2])
    assert found[2].value == {"1": "1+1", "2": "2"}


def test_a_zero_byte_in_a_cell_is_a_fault_that_names_the_column(tmp_path: Path) -> None:
    assert lines(tmp_path, b"q,a\nx,\0\n")[0].value == ReadFault("unreadable row", "a zero byte under 'a'")
