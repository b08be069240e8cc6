"""The config that a survey writes: it loads, names what was found, and its words fit the numbers."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.tuneloom.survey.test_grouping import NOTHING
from tuneloom.config_file import parse_config
from tuneloom.ingest.discover import SourceFile
from tuneloom.survey.grouping import FoundSource
from tuneloom.survey.looking import FileSurvey
from tuneloom.survey.writing import config_text, kept_text, labels_text, rows_text, unused_lines, why_unused


def survey(name: str, **changes: object) -> FileSurvey:
    return replace(NOTHING, file=SourceFile("init", name, Path("/data") / name), **changes)  # type: ignore[arg-type]


def found(name: str, file: str, **changes: object) -> FoundSource:
    return replace(FoundSource(name, f"/data/{file}", "alpaca", "train", None, (survey(file),)), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["plain", "中文", "- : #", "a\nb", "{x}", "null", "3", ""])
def test_what_is_written_loads_whatever_folder_and_files_are_called(name: str) -> None:
    sources = [
        found("one", f"[x] {name}'\"#.json", license="CC-BY-4.0"),
        found("two", "asked.json", use="decontaminate"),
    ]
    text = config_text(name or "x", Path("/data"), Path("/work/here"), sources, [survey(f"bad{name}\x07.bin", kept=0)])
    config = parse_config(yaml.safe_load(text))
    assert [source.name for source in config.sources] == ["one", "two"]
    assert [source.use for source in config.sources] == ["train", "decontaminate"]
    assert [source.license for source in config.sources] == ["CC-BY-4.0", None]
    place = os.path.normpath(os.path.join("/work/here", config.sources[0].path))
    assert place == sources[0].path
    assert not os.path.isabs(config.sources[0].path)


def test_each_file_stands_there_with_rows_format_languages_and_kinds() -> None:
    one = survey("a.json", rows=1200, kept=1190, languages={"en": 1130, "zh": 60}, kinds={"natural": 1190},
                 reasons={"no answer": 10}, looked_at=1200)  # fmt: skip
    text = config_text("d", Path("/data"), Path("/data"), [found("s", "a.json", files=(one,))], [])
    line = next(line for line in text.splitlines() if line.startswith("#   a.json"))
    assert line == "#   a.json: alpaca; rows: 1,200, usable: 1,190; en 95%, zh 5%; natural; rejected: 10 no answer"
    assert "# license:    none is stated there" in text


def test_a_count_says_how_sure_it_is_and_what_was_looked_at() -> None:
    big = survey("b", rows=1_000_000, count="about", looked_at=20_000, kept=19_990)
    assert rows_text([survey("a")]) == "3"
    assert rows_text([survey("a"), big]) == "about 1,000,003"
    assert kept_text([big]) == "19,990 of the first 20,000"
    assert rows_text([survey("c", count="at least")]) == "at least 3"


def test_labels_leave_out_what_is_below_one_in_a_hundred() -> None:
    assert labels_text({"en": 9000, "fr": 600, "la": 3}) == "en 94%, fr 6%"
    assert labels_text({"en": 999, "la": 1}) == "en"
    assert labels_text({"a": 1, "b": 1, "c": 1, "d": 1}) == "a 25%, b 25%, c 25%, 1 more"
    assert labels_text({}) == ""


def test_what_was_not_used_stands_together_by_cause_masked() -> None:
    unknown = {"reasons": {"unknown format": 2}, "kept": 0}
    keys = {"unknown format": "keys: text, jane.doe@example.com"}
    files = [survey("a", rows=0, kept=0), survey("b", rows=0, kept=0), survey("c", evidence=keys, **unknown)]
    assert list(unused_lines(Path("/data"), files))[:2] == ["a, b: empty", "c: 2 unknown format: keys: text, <EMAIL>"]
    assert next(unused_lines(Path("/data"), files, most=1)) == "a and 1 more: empty"
    assert "\n" not in why_unused(survey("d", reasons={"x": 1}, kept=0, evidence={"x": "a\nb"}))
