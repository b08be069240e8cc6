"""Formats are found by the file they lie in, and each is small."""

import ast
from pathlib import Path

import pytest

from tuneloom.ingest import formats as package
from tuneloom.ingest.formats import formats, known

_FOLDER = Path(package.__file__).parent


def test_every_file_in_the_folder_is_a_format() -> None:
    assert set(formats()) == {path.stem for path in _FOLDER.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("name", formats())
def test_a_format_needs_no_edit_elsewhere(name: str) -> None:
    """No other module of the package names it: a new format is one new file."""
    others = [path for path in _FOLDER.parent.rglob("*.py") if path.stem != name]
    imported = {
        alias
        for path in others
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in (node.module or "", *(f"{node.module}.{a.name}" for a in node.names))
    }
    assert f"tuneloom.ingest.formats.{name}" not in imported


def test_known_counts_keys_only_where_all_needed_are_there() -> None:
    row = {"prompt": "", "completion": "", "id": 1}
    assert known(row, "prompt", ("completion", "answer"), also=("id", "x")) == 3
    assert known(row, "prompt", ("response", "answer")) == 0
