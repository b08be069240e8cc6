"""A source row as a format sees it: values by name; what a format asks for is claimed, the rest becomes `meta`."""

import json
from collections.abc import Mapping, Set
from typing import Any

from tuneloom.text.personal_data import mask_json

_SHOWN = 120


class Rejected(Exception):
    """A row (or one of its instances) that cannot become a conversation: a stable short reason, the field, its value.

    Formats raise it, or yield it for one instance of many; `record` is what to keep of the row where that is not all.
    """

    def __init__(self, reason: str, field: str = "", value: Any = None, evidence: str = "", record: Any = None) -> None:
        super().__init__(reason)
        self.reason, self.field, self.value, self.evidence, self.record = reason, field, value, evidence, record

    def detail(self) -> dict[str, Any]:
        """`{"field": "output", "value": "{\\"a\\": 1}"}`, the value shortened."""
        found = {"field": self.field, "value": shorten(self.value) if self.field else "", "evidence": self.evidence}
        return {name: text for name, text in found.items() if text}


class Row:
    """Values by name. `flags` counts what had to be repaired to read them, `meta` takes what lies deeper in them and
    nobody knows, such as a key of one turn."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self._claimed = values, set[str]()
        self.flags: list[str] = []
        self.meta: dict[str, Any] = {}

    def take(self, *names: str) -> Any:
        """The first value that is not null; claims every name.  Row({"q": None, "a": 1}).take("q", "a") -> 1"""
        self._claimed.update(names)
        return next((self._values[name] for name in names if self._values.get(name) is not None), None)

    def text(self, *names: str) -> str:
        """The first value that is text with letters in it, "" where there is none; the names with no text stay
        unclaimed.  Row({"output": "", "response": "Hi"}).text("output", "response") -> "Hi"

        Numbers become text, flagged. Raises Rejected("wrong type") for anything else.
        """
        for name in names:
            value = as_text(self._values.get(name), name, self.flags)
            if value.strip():
                self._claimed.add(name)
                return value
        self._claimed.update(names)
        return ""

    def has_any(self, names: Set[str]) -> bool:
        """Whether the row has any of these names, claimed or not."""
        return not names.isdisjoint(self._values)

    def peek(self, name: str) -> Any:
        """A value without claiming it."""
        return self._values.get(name)

    def only(self, name: str, number: int) -> dict[str, Any]:
        """The row with one entry of a list: Row({"a": 1, "l": [5, 6]}).only("l", 1) -> {"a": 1, "l": [6]}"""
        return {**self._values, name: self._values[name][number : number + 1]}

    def rest(self) -> dict[str, Any]:
        """What nobody claimed and is not null, and `meta`."""
        rest = {k: v for k, v in self._values.items() if k not in self._claimed and v is not None}
        return rest | self.meta if self.meta else rest


def as_text(value: Any, field: str, flags: list[str]) -> str:
    """None -> "", "x" -> "x", 4 -> "4" (flagged); raises Rejected("wrong type") for lists, objects and booleans."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        flags.append("number as text")
        return str(value)
    raise Rejected("wrong type", field, value, f"{type(value).__name__} where text belongs")


def verdict(value: Any) -> bool | None:
    """A publisher's yes or no on an answer, in tables a word: True and "true" -> True; 1 and None -> None."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def shorten(value: Any) -> str:
    """JSON of a value, at most 120 letters, printable whatever it holds: {"a": 1} -> '{"a": 1}'.

    Personal data in what is cut are masked before: half a number is not recognised as one by whoever shows it.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _SHOWN else f"{mask_json(text)[: _SHOWN - 1]}…"
