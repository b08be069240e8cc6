"""Rows that hold several instances: each is read on its own, so that a broken one costs only itself."""

from collections.abc import Callable, Iterator
from typing import Any

from tuneloom.ingest.row import Rejected, Row, as_text
from tuneloom.records import Conversation, Example


def instances(found: Any, field: str, one: Callable[[Row], Conversation]) -> Iterator[Conversation | Rejected]:
    """[{"output": "a"}, 7] -> what `one` makes of the first, Rejected("wrong type") for the second."""
    if not isinstance(found, list):
        raise Rejected("wrong type", field, found, f"{type(found).__name__} where a list of instances belongs")
    if not found:
        raise Rejected("no instances", field, found, "an empty list")
    for i, instance in enumerate(found):
        if not isinstance(instance, dict):
            yield Rejected("not an object", f"{field}[{i}]", instance)
            continue
        try:
            yield one(Row(instance))
        except Rejected as fault:
            yield Rejected(fault.reason, f"{field}[{i}].{fault.field}", fault.value, fault.evidence)


def texts(value: Any, field: str, flags: list[str]) -> tuple[str, ...]:
    """Accepted answers, one or several: "Paris" -> ("Paris",); ["Paris", "paris"] -> ("Paris", "paris")."""
    return tuple(as_text(text, field, flags) for text in (value if isinstance(value, list) else [value]))


def first_text(value: Any) -> str:
    """Super-NI writes single texts as lists: ["Name the capital."] -> "Name the capital."; [] -> ""."""
    values = value if isinstance(value, list) else [value]
    return next((text for text in values if isinstance(text, str) and text.strip()), "")


def examples(found: Any, good: bool) -> tuple[Example, ...]:
    """[{"input": "France", "output": "Rome"}], False -> (Example("France", "Rome", False),).

    Super-NI writes "-" where a task has no examples; an entry without output is no example, unless it is bad for that.
    """
    entries = _entries(found, good)
    return tuple(Example(first_text(entry.get("input")), first_text(entry["output"]), good) for entry in entries)


def explanations(found: Any, good: bool) -> list[str]:
    """Why each of the `examples` is good or bad: [{"input": "France", "output": "Rome", "explanation": "It is not."}]
    -> ["It is not."]; "" where nobody says.
    """
    return [first_text(entry.get("explanation")) for entry in _entries(found, good)]


def _entries(found: Any, good: bool) -> list[dict[str, Any]]:
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return [entry for entry in entries if first_text(entry.get("output")) or (not good and "output" in entry)]
