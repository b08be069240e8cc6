"""A suite's rows in a file of their own: JSON lines or CSV, with the columns that the suite names."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError, MissingFile


def read_source(file: Path, columns: Mapping[str, str], suite: str) -> list[Any]:
    """The rows of `file`, as they are, or, where `columns` are given, with those keys alone.

    A line `{"q": "Who?", "id": 3}` with `{"prompt": "q"}` -> `{"prompt": "Who?"}`. Raises MissingFile, and ConfigError
    for what is no row or lacks a column; `suite` is the file that names the source.
    """
    if not file.is_file():
        raise MissingFile(
            f"the suite's rows are not at {file}", where=f"{suite}: source", remedy="Put them there, or mend the path."
        )
    rows = list(_rows(file))
    for number, row in enumerate(rows if columns else (), 1):
        if lacking := [name for name in columns.values() if not isinstance(row, dict) or name not in row]:
            known = ", ".join(row) if isinstance(row, dict) else "none"
            raise ConfigError(
                f"a row lacks the column {lacking[0]!r}",
                where=f"{file.name}, row {number}",
                remedy=f"Mend `columns` of {suite}; there are: {known}.",
            )
    return [{key: row[name] for key, name in columns.items()} for row in rows] if columns else rows


def _rows(file: Path) -> list[Any]:
    text = file.read_text("utf-8-sig")
    if file.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    rows = []
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise ConfigError(
                f"not JSON: {error}", where=f"{file.name}, line {number}", remedy="One JSON object a line."
            ) from None
    return rows
