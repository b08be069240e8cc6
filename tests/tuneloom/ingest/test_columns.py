"""The config's mapping of column names."""

from tuneloom.ingest.columns import check_columns, rename


def test_mapped_columns_get_our_names_and_the_rest_stay() -> None:
    row = {"q": "1+1?", "a": "2", "n": 7}
    assert rename(row, {"instruction": "q", "output": "a"}) == {"n": 7, "instruction": "1+1?", "output": "2"}


def test_a_column_that_bears_our_name_by_chance_is_not_lost() -> None:
    row = {"output": "debug", "a": "2"}
    assert rename(row, {"output": "a"}) == {"output (source)": "debug", "output": "2"}


def test_columns_may_trade_names() -> None:
    assert rename({"input": "a", "output": "q"}, {"input": "output", "output": "input"}) == {
        "input": "q",
        "output": "a",
    }


def test_a_column_that_no_row_has_is_told_with_those_there_are() -> None:
    fault = check_columns([{"q": 1}, {"r": 1}], {"instruction": "quest"})
    assert fault is not None
    assert (fault.reason, fault.field) == ("missing column", "quest")
    assert "q, r" in fault.evidence
    assert check_columns([{"q": 1}, {"r": 1}], {"instruction": "q", "output": "r"}) is None


def test_a_mapping_to_itself_changes_nothing() -> None:
    row = {"instruction": "1+1?", "output": "2", "n": 7}
    assert rename(row, {"instruction": "instruction", "output": "output"}) == row
    assert check_columns([row], {"instruction": "instruction"}) is None


def test_a_dotted_name_reaches_into_objects_which_stay() -> None:
    row = {"data": {"q": "1+1?"}, "a.b": "2", "a": {"b": "3"}}
    assert rename(row, {"instruction": "data.q", "output": "a.b"}) == {
        "data": {"q": "1+1?"},
        "a": {"b": "3"},
        "instruction": "1+1?",
        "output": "2",
    }
    assert check_columns([row], {"instruction": "data.q"}) is None
    assert check_columns([row, {"data": "text"}], {"instruction": "data.p"}) is not None
