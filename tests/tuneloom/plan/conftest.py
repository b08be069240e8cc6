"""A project to plan."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two source files and a folder that passes for a model."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "data" / f"{name}.json").write_text(json.dumps([{"instruction": name, "output": "x"}]))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_text("weights")
    return folder
