"""Messages from what formats find: plain prompt and answer, or a list of turns in any of the wild's dialects."""

import json
from collections.abc import Mapping
from typing import Any

from tuneloom.ingest.row import Rejected, as_text
from tuneloom.records import Message

ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bing", "bard", "model", "function_call"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "observation", "function", "function_response", "ipython"), "tool"),
}
"""What sources call the roles; any other name rejects the row."""

_NO_INPUT = {"<noinput>", "<no input>", "noinput", "no input"}
_WEIGHTS = ("weight", "loss_weight", "train")


def exchange(prompt: str, answer: str, system: str = "") -> tuple[Message, ...]:
    """("Hi", "Hello", "Be kind.") -> system, user and assistant; an empty system says nothing and is left out."""
    return (*system_turn(system), Message("user", prompt), Message("assistant", answer))


def joined(*parts: str) -> str:
    """The parts that say something, a blank line between: ("Translate.", "", "Hi") -> "Translate.\\n\\nHi"."""
    return "\n\n".join(part for part in parts if part.strip())


def system_turn(text: str) -> tuple[Message, ...]:
    """ "Be kind." -> one system message; "" -> none."""
    return (Message("system", text),) if text.strip() else ()


def real_input(text: str, flags: list[str]) -> str:
    """Alpaca's ways to say that there is no input: "<noinput>" -> "" (flagged)."""
    if text.strip().lower() in _NO_INPUT:
        flags.append("no-input mark dropped")
        return ""
    return text


def conversation_turns(turns: Any, field: str, flags: list[str]) -> tuple[Message, ...]:
    """[{"from": "human", "value": "Hi"}] or [{"role": "user", "content": "Hi"}] -> (Message("user", "Hi"),)."""
    if not isinstance(turns, list):
        raise Rejected("wrong type", field, turns, f"{type(turns).__name__} where a list of turns belongs")
    return tuple(_message(turn, f"{field}[{i}]", flags) for i, turn in enumerate(turns))


def history_turns(pairs: Any) -> tuple[Message, ...]:
    """[["Hi", "Hello"]] -> user "Hi", assistant "Hello"; None -> nothing."""
    if pairs is None:
        return ()
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise Rejected("wrong type", "history", pairs, "a list of [question, answer] belongs here")
    return tuple(
        message for i, (asked, said) in enumerate(pairs)
        for message in exchange(as_text(asked, f"history[{i}][0]", []), as_text(said, f"history[{i}][1]", []))
    )  # fmt: skip


def json_text(value: Any) -> str | None:
    """Tools and calls as JSON text, which Arrow can hold whatever their types: [{"a": 1}] -> '[{"a": 1}]'."""
    if value is None or value in ("", [], "[]"):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _message(turn: Any, field: str, flags: list[str]) -> Message:
    if not isinstance(turn, Mapping):
        raise Rejected("wrong type", field, turn, f"{type(turn).__name__} where a turn belongs")
    called = turn.get("role", turn.get("from"))
    role = ROLES.get(called.lower()) if isinstance(called, str) else None
    if role is None:
        raise Rejected("unknown role", f"{field}.role", called, f"known: {', '.join(ROLES)}")
    parts = _parts(turn.get("content", turn.get("value")), f"{field}.content", flags)
    calls = [part for kind, part in parts if kind == "tool_call"]
    if called == "function_call":
        calls, parts = [part for _, part in parts], []
    return Message(
        role=role,
        content="".join(part for kind, part in parts if kind == "text"),
        name=turn.get("name") if isinstance(turn.get("name"), str) else None,
        reasoning="".join(part for kind, part in parts if kind == "reasoning") or _reasoning(turn),
        tool_calls=f"[{', '.join(calls)}]" if calls else json_text(turn.get("tool_calls")),
        tool_call_id=turn.get("tool_call_id") if isinstance(turn.get("tool_call_id"), str) else None,
        weight=_weight(turn, field) if role == "assistant" else 1,
    )


def _parts(content: Any, field: str, flags: list[str]) -> list[tuple[str, str]]:
    """ "Hi" and [{"type": "text", "text": "Hi"}] -> [("text", "Hi")]; pictures and the like reject the row."""
    if not isinstance(content, list):
        return [("text", as_text(content, field, flags))]
    found = []
    for i, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind not in ("text", "reasoning", "tool_call"):
            raise Rejected("unknown part", f"{field}[{i}].type", kind, "known: text, reasoning, tool_call")
        value = part.get("value", part.get(kind))
        found.append((kind, as_text(value, f"{field}[{i}].{kind}", flags)))
    return found


def _reasoning(turn: Mapping[str, Any]) -> str | None:
    return next((turn[k] for k in ("reasoning", "reasoning_content") if isinstance(turn.get(k), str)), None)


def _weight(turn: Mapping[str, Any], field: str) -> int:
    """0 keeps the words out of the loss, 1 trains on them; there is nothing between."""
    for name in _WEIGHTS:
        value = turn.get(name)
        if value is None:
            continue
        if value not in (0, 1):
            raise Rejected("fractional weight", f"{field}.{name}", value, "only 0 and 1 can be trained")
        return int(value)
    return 1
