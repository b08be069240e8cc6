"""The config's `columns`: our names for a source's own (`columns: {instruction: q, output: a}`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuneloom.ingest.row import Rejected


def rename(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """{"q": "1+1?", "a": "2", "n": 7} by {"instruction": "q", "output": "a"}
    -> {"n": 7, "instruction": "1+1?", "output": "2"}.

    A column of the source that bears one of our names without being mapped to it is kept as `name (source)`. A name
    with dots reaches into objects, which stay as they are: {"instruction": "data.q"}.
    """
    taken = set(columns.values())
    rest = {f"{name} (source)" if name in columns else name: row[name] for name in row if name not in taken}
    return rest | {ours: _value(row, theirs) for ours, theirs in columns.items() if _has(row, theirs)}


def in_lower_case(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A mapping for tables of people: [{"Question": "1+1?", "id": 7}] -> {"question": "Question"}; none where two names
    would be one."""
    names = sorted({name for row in rows for name in row})
    plain = {name.lower(): name for name in names}
    return {small: name for small, name in plain.items() if small != name} if len(plain) == len(names) else {}


def check_columns(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Rejected | None:
    """Why no row of a file can be mapped: a column that none of its first rows has. None where all is well."""
    seen = sorted({name for row in rows for name in row})
    for ours, theirs in columns.items():
        if not any(_has(row, theirs) for row in rows):
            evidence = f"the config maps {ours} to it; columns here: {', '.join(seen[:20]) or 'none'}"
            return Rejected("missing column", theirs, "", evidence)
    return None


def _has(row: Mapping[str, Any], name: str) -> bool:
    return name in row or _value(row, name) is not None


def _value(row: Mapping[str, Any], name: str) -> Any:
    """{"data": {"q": "1+1?"}}, "data.q" -> "1+1?"; a column that bears the whole name comes first."""
    if name in row:
        return row[name]
    found: Any = row
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
