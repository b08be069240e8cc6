"""docs/config.md: every key of the config with its values, default and meaning, from the tree itself.

tuneloom config --markdown > docs/config.md
"""

import json
from collections.abc import Iterator
from typing import Any

from tuneloom.config import Config, Section

_HEAD = """# Every key of the config

Written by `tuneloom config --markdown`; the meanings stand in `src/tuneloom/config/`. Every key has a default but
those marked **needed**. A misspelt key is answered with the right one.
"""


def reference() -> str:
    """The page: the top level first, then a table a section, in the order of the tree."""
    sections = [table for name, section in _sections("", Config) for table in _table(name, section)]
    return "\n".join([_HEAD, *sections])


def _sections(name: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """`("", Config)`, `("sources[]", Source)`, `("dedup", Dedup)`, `("dedup.near", Near)`, ..."""
    yield name, section
    for key, field in section.model_fields.items():
        for inner in _inner(field.annotation):
            many = "[]" if _is_list(field.annotation) else ""
            yield from _sections(f"{name}.{key}{many}".lstrip("."), inner)


def _table(name: str, section: type[Section]) -> Iterator[str]:
    yield f"## {f'`{name}`' if name else 'Top level'}\n"
    yield f"{_line(section.__doc__ or '')}\n"
    yield "| key | values | default | |\n|---|---|---|---|"
    schema = section.model_json_schema()
    for key, field in section.model_fields.items():
        found = schema["properties"][key]
        default = "**needed**" if field.is_required() else f"`{_default(field.get_default(call_default_factory=True))}`"
        yield f"| `{key}` | {_values(found)} | {default} | {_line(field.description or '')} |"
    yield ""


def _values(found: dict[str, Any]) -> str:
    """`{"type": "number", "minimum": 0}` -> `number, from 0`; `{"enum": ["a", "b"]}` -> "`a`, `b`"."""
    if "anyOf" in found:
        return " or ".join(_values(one) for one in found["anyOf"])
    if "enum" in found or "const" in found:
        return ", ".join(f"`{value}`" for value in found.get("enum", [found.get("const")]))
    if "$ref" in found:
        return "a section"
    words = {"array": "list", "object": "map", "boolean": "yes or no", "integer": "whole number", "string": "text"}
    kind = words.get(found.get("type", ""), found.get("type", "any"))
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return ", ".join([kind, *(f"{word} {found[name]:g}" for name, word in bounds.items() if name in found)])


def _default(value: Any) -> str:
    if isinstance(value, Section):
        return "as below"
    return json.dumps(value, ensure_ascii=False)


def _inner(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in getattr(annotation, "__args__", ()) for section in _inner(part)]


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is tuple


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
