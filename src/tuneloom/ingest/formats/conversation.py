"""Our own rows, as `tuneloom export` writes them (JSONL or Parquet): read back, they have the same ids."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import conversation_turns, json_text
from tuneloom.records import Conversation, Example

USES = ("train", "evaluate", "decontaminate")
_LABELS = ("task", "category", "language", "kind", "license")
_OTHERS = ("content_hash", "fields", "examples", "tools", "references", "choices", "use", "synthetic", "flags", "meta")


def claims(row: Mapping[str, Any]) -> int:
    """{"messages": [...], "id": "5d41...", "origin": {"source": "faq", "file": "a.json", "row": 1}} -> 3"""
    marked = isinstance(row.get("origin"), Mapping) and {"source", "file", "row"} <= set(row["origin"])
    return known(row, "messages", "id", "origin", also=(*_LABELS, *_OTHERS)) if marked else 0


def parse(row: Row) -> Iterator[Conversation]:
    """The row as it was; where it came from before stands in `meta` as `exported`."""
    turns = conversation_turns(row.take("messages"), "messages", row.flags)
    origin, identity = row.take("origin"), row.take("id")
    row.take("content_hash")
    use = row.text("use") or "train"
    if use not in USES:
        raise Rejected("unknown use", "use", use, f"known: {', '.join(USES)}")
    yield Conversation(
        turns,
        fields={str(name): str(text) for name, text in _entries(row, "fields").items()},
        examples=tuple(_example(one, i) for i, one in enumerate(row.take("examples") or ())),
        tools=json_text(row.take("tools")),
        references=texts(row.take("references") or [], "references", row.flags),
        choices=texts(row.take("choices") or [], "choices", row.flags),
        use=use,
        synthetic=row.take("synthetic") is True,
        flags=texts(row.take("flags") or [], "flags", row.flags),
        meta={**_entries(row, "meta"), "exported": {"id": identity, "origin": origin}},
        **{name: row.text(name) or None for name in _LABELS},  # type: ignore[arg-type]
    )


def _entries(row: Row, name: str) -> dict[str, Any]:
    """An object; Parquet holds `meta` as JSON text and `fields` as pairs: [["input", "1, 2"]] -> {"input": "1, 2"}."""
    value = row.take(name)
    try:
        return dict(json.loads(value) if isinstance(value, str) else value or {})
    except (ValueError, TypeError) as error:
        raise Rejected("wrong type", name, value, f"{type(value).__name__} where an object belongs") from error


def _example(value: Any, place: int) -> Example:
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in ("input", "output")):
        raise Rejected("wrong type", f"examples[{place}]", value, "an object with the texts input and output belongs")
    return Example(value["input"], value["output"], value.get("good") is not False)
