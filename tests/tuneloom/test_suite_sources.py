"""A suite's rows in a file of their own."""

import pytest

from tuneloom.errors import ConfigError, MissingFile
from tuneloom.suite_sources import read_source


def test_csv_and_json_lines_give_the_same_rows_by_their_columns(tmp_path):
    (tmp_path / "a.csv").write_text('\ufeffid,q,label\n1,"Who, me?\nYes",safe\n', "utf-8")
    (tmp_path / "a.jsonl").write_text('{"id": 1, "q": "Who, me?\\nYes", "label": "safe"}\n', "utf-8")
    wanted = [{"prompt": "Who, me?\nYes", "label": "safe"}]
    for name in ("a.csv", "a.jsonl"):
        assert read_source(tmp_path / name, {"prompt": "q", "label": "label"}, "s.yaml") == wanted


def test_without_columns_rows_stay_as_they_are_and_a_line_separator_inside_one_parts_nothing(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"q": "a\u2028b"}\n', "utf-8")
    assert read_source(tmp_path / "a.jsonl", {}, "s.yaml") == [{"q": "a\u2028b"}]


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path):
    (tmp_path / "a.csv").write_text("id,q\n1,Who?\n", "utf-8")
    with pytest.raises(ConfigError, match="'prompt'") as caught:
        read_source(tmp_path / "a.csv", {"prompt": "prompt"}, "s.yaml")
    assert "id, q" in caught.value.remedy
    assert caught.value.where == "a.csv, row 1"


def test_a_file_that_is_not_there_and_a_broken_line_are_told(tmp_path):
    with pytest.raises(MissingFile, match="gone"):
        read_source(tmp_path / "gone.csv", {}, "s.yaml")
    (tmp_path / "a.jsonl").write_text("{}\n{", "utf-8")
    with pytest.raises(ConfigError, match="not JSON") as caught:
        read_source(tmp_path / "a.jsonl", {}, "s.yaml")
    assert caught.value.where == "a.jsonl, line 2"
