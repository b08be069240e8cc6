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

ROWS = [
    *(chat(f"question {n}", f"answer {n}", language="en", license="mit", task="qa") for n in range(4)),
    chat("问题", "答案", language="zh", license="cc-by-4.0"),
    chat("Who?", "Write to ada@lab.org", language="en", license="mit", task="a|b\nbob@lab.org"),
]


@pytest.fixture
def quality(tmp_path: Path) -> Artifact:
    return judged(tmp_path / "store", table(ROWS, ["train"] * 5 + ["test"]), Quality())


def test_it_counts_what_is_there(quality: Artifact) -> None:
    said = data_card("demo", "demo.jsonl", quality, {"quality": quality}, "mask")
    head = yaml.safe_load(said.split("---\n")[1])
    assert (head["license"], head["language"], head["size_categories"]) == ("other", ["en", "zh"], ["n<1K"])
    for line in (
        "6 conversations",
        "| train | 5 | 83.3% |",
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
def test_the_folder_loads_as_a_data_set(quality: Artifact, tmp_path: Path, to: str) -> None:
    from datasets import load_dataset

    folder = tmp_path / "out"
    folder.mkdir()
    export_rows(quality, to, folder / f"demo.{to}")
    (folder / "README.md").write_text(data_card("demo", f"demo.{to}", quality, {}, "mask"), "utf-8")
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(loaded) == 6
    assert {row["id"] for row in loaded} == set(quality.table()["id"].to_pylist())
    assert loaded[0]["messages"][0]["role"] == "user"


def test_stages_after_the_exported_one_are_not_told_of(quality: Artifact) -> None:
    found = {"ingest": quality, "dedup": None, "split": quality, "quality": quality}
    assert list(dict(made_by(found, "split"))) == ["ingest", "split"]


def test_one_licence_of_all_rows_is_the_cards(tmp_path: Path) -> None:
    artifact = judged(tmp_path, table(ROWS[:4]), Quality())
    assert "license: mit" in data_card("demo", "demo.jsonl", artifact, {}, "keep")
