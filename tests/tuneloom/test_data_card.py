"""The card tells what is in an export, and `datasets` opens the folder by it."""

from pathlib import Path

import pytest
import yaml

from tests.rows import chat
from tests.tuneloom.quality.judged import judged, table
from tuneloom.artifacts import Artifact
from tuneloom.config import Quality
from tuneloom.data_card import data_card, made_by
from tuneloom.export import export_rows

FILES = {"train": "demo.jsonl", "test": "demo-test.jsonl", "suite": "demo-suite.jsonl"}
ROWS = [
    *(chat(f"question {n}", f"answer {n}", language="en", license="mit", task="qa") for n in range(4)),
    chat("问题", "答案", language="zh", license="cc-by-4.0"),
    chat("Who?", "Write to ada@lab.org", language="en", license="mit", task="a|b\nbob@lab.org"),
]


@pytest.fixture
def quality(tmp_path: Path) -> Artifact:
    return judged(tmp_path / "store", table(ROWS, ["train"] * 4 + ["suite", "test"]), Quality())


def test_it_counts_what_is_there(quality: Artifact) -> None:
    said = data_card("demo", FILES, quality, {"quality": quality}, "mask")
    head = yaml.safe_load(said.split("---\n")[1])
    assert (head["license"], head["language"], head["size_categories"]) == ("other", ["en", "zh"], ["n<1K"])
    for line in (
        "6 conversations",
        "| train | 4 | 66.7% |",
        "| zh | 1 | 16.7% |",
        "| qa | 4 | 66.7% |",
        "| not named | 1 | 16.7% |",
        "| made | mit | 5 |",
        "| made | cc-by-4.0 | 1 |",
        "| quality | 6 | 6 | 0 |  |  |",
        "Found: 2 email.",
        f"| quality | `{quality.reference.key}` |",
    ):
        assert line in said
    assert "lab.org" not in said


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
def test_the_folder_loads_as_a_data_set_of_training_rows_and_by_name_of_the_other_sides(
    quality: Artifact, tmp_path: Path, to: str
) -> None:
    from datasets import load_dataset

    folder = tmp_path / "out"
    folder.mkdir()
    files = export_rows(quality, to, folder / f"demo.{to}")
    assert [(one.side, one.path.name, one.rows) for one in files] == [
        ("train", f"demo.{to}", 4), ("test", f"demo-test.{to}", 1), ("suite", f"demo-suite.{to}", 1),
    ]  # fmt: skip
    names = {one.side: one.path.name for one in files}
    (folder / "README.md").write_text(data_card("demo", names, quality, {}, "mask"), "utf-8")
    loaded = {
        side: load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))[side]
        for side, name in (("train", None), ("test", "test"))
    }
    with pytest.raises(ValueError, match="not found"):
        load_dataset(str(folder), "suite", cache_dir=str(tmp_path / "cache"))
    assert {side: len(rows) for side, rows in loaded.items()} == {"train": 4, "test": 1}
    sides = dict(zip(*(quality.table()[name].to_pylist() for name in ("id", "side")), strict=True))
    assert all(sides[row["id"]] == side for side, rows in loaded.items() for row in rows)
    assert loaded["train"][0]["messages"][0]["role"] == "user"


def test_stages_after_the_exported_one_are_not_told_of(quality: Artifact) -> None:
    found = {"ingest": quality, "dedup": None, "split": quality, "quality": quality}
    assert list(dict(made_by(found, "split"))) == ["ingest", "split"]


def test_one_licence_of_all_rows_is_the_cards(tmp_path: Path) -> None:
    artifact = judged(tmp_path, table(ROWS[:4]), Quality())
    assert "license: mit" in data_card("demo", {"train": "demo.jsonl"}, artifact, {}, "keep")
