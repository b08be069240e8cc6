"""Real rows for tests, read the simple way."""

import json
from pathlib import Path

from tests.tuneloom.dedup.builders import said
from tuneloom.records import Conversation


def t0(folder: Path, files: int | None = None) -> list[Conversation]:
    """Rows of the first `files` T0 files by name; those that hold nothing but the end mark left out."""
    paths = sorted((folder / "t0").rglob("*.jsonl"))[:files]
    rows = [(path.stem, json.loads(line)) for path in paths for line in path.read_text("utf-8").splitlines()]
    found = [(task, row["prompt"], row["completion"].removesuffix("<|endoftext|>").strip()) for task, row in rows]
    return [said(prompt, answer, task=task, kind="natural") for task, prompt, answer in found if answer]


def alpaca(folder: Path, file: str = "alpaca/alpaca_en_demo.json") -> list[Conversation]:
    """Rows of an Alpaca file."""
    rows = json.loads((folder / file).read_text("utf-8"))
    return [
        said(
            f"{row['instruction']}\n{row['input']}".strip(),
            row["output"],
            fields={"instruction": row["instruction"], "input": row["input"]},
            kind="natural",
        )
        for row in rows
    ]
