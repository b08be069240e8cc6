"""Real public data as its publishers ship it, surveyed from a few rows a file."""

from pathlib import Path

from tuneloom.config import Source
from tuneloom.ingest.discover import discover
from tuneloom.survey.grouping import FoundSource, group, is_data
from tuneloom.survey.looking import look


def sources(root: Path, folder: str) -> list[FoundSource]:
    files = discover(Source(name="init", path=str(root / folder)), root)
    return group(root, [look(file, looked_at=20) for file in files if is_data(file.path)], lambda _: None)


def test_all_of_t0_is_one_source_with_its_rows_counted(realdata: Path) -> None:
    (t0,) = sources(realdata, "t0")
    lines = {path: path.read_bytes().count(b"\n") for path in (realdata / "t0").iterdir()}
    assert (t0.name, t0.path, t0.format) == ("t0", str(realdata / "t0/*.jsonl"), "prompt_completion")
    assert {one.file.path: one.rows for one in (*t0.files, *t0.idle)} == lines
    assert sum(one.empty for one in t0.idle) == sum(count == 0 for count in lines.values())


def test_a_folder_of_two_formats_is_two_sources(realdata: Path) -> None:
    found = {source.name: (source.format, Path(source.path).name) for source in sources(realdata, "zh")}
    assert found == {
        "zh-alpaca": ("alpaca", "alpaca_zh_demo.json"),
        "zh-self_instruct": ("self_instruct", "belle_zh_seed_tasks.json"),
    }
