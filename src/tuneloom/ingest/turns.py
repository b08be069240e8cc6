"""Messages from what formats find: plain prompt and answer, or a list of turns in any of the wild's dialects."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.row import Rejected, as_text
from tuneloom.records import Message

_CALLS = ("function_call", "tool_call")
ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot", "ai", *_CALLS), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "observation", "function", "function_response", "tool_response", "ipython"), "tool"),
}
"""What sources call the roles; any other name rejects the row."""

SYSTEM = ("system", "system_prompt")
"""What sources call the system's words, where these stand beside the turns."""

CONTEXT = ("context", "passage", "article")
"""What sources call the text that a question is about."""

_SPEAKERS = {**{name: name for name in ROLES}, "input": "user", "output": "assistant"}
_NO_INPUT = {"<noinput>", "<no input>", "noinput", "no input"}
_SAID = ("content", "value", "text")
_THOUGHT = ("reasoning", "reasoning_content")
_WEIGHTS = ("weight", "loss_weight", "train", "loss")
_NAMES = ("name", "tool_call_id")
_CLAIMED = frozenset(("tool_calls", "function_call", *_WEIGHTS))
_PARTS = {
    **dict.fromkeys(("text", "input_text", "output_text"), "text"),
    **dict.fromkeys(("reasoning", "thinking"), "reasoning"),
    "tool_call": "tool_call",
}
"""What sources call a part of a turn: OpenAI's Responses say `output_text`, Anthropic's messages `thinking`."""


def exchange(prompt: str, answer: str, system: str = "") -> tuple[Message, ...]:
    """("Hi", "Hello", "Be kind.") -> system, user and assistant; an empty system says nothing and is left out."""
    return (*system_turn(system), Message("user", prompt), Message("assistant", answer))


def joined(*parts: str) -> str:
    """The parts that say something, a blank line between: ("Translate.", "", "Hi") -> "Translate.\\n\\nHi"."""
    return "\n\n".join(part for part in parts if part.strip())


def system_turn(text: str) -> tuple[Message, ...]:
    """ "Be kind." -> one system message; "" -> none."""
    return (Message("system", text),) if text.strip() else ()


def led(system: str, turns: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns after the system's words, which some sources write both beside the turns and as the first of them."""
    twice = turns[:1] and turns[0].role == "system" and turns[0].content.strip() == system.strip()
    return turns if twice else (*system_turn(system), *turns)


def real_input(text: str, flags: list[str]) -> str:
    """Alpaca's ways to say that there is no input: "<noinput>" -> "" (flagged)."""
    if text.strip().lower() in _NO_INPUT:
        flags.append("no-input mark dropped")
        return ""
    return text


def conversation_turns(
    turns: Any, field: str, flags: list[str], meta: dict[str, Any] | None = None
) -> tuple[Message, ...]:
    """[{"from": "human", "value": "Hi"}] or [{"role": "user", "content": "Hi"}] -> (Message("user", "Hi"),).

    A turn may also be named by its speakers: {"human": "Hi", "assistant": "Hello"} is two, Capybara's {"input": "Hi",
    "output": "Hello"}, too. What nobody knows of a turn
    goes to `meta` under its place: `conversations[0].votes`.
    """
    turns = _listed(turns, flags)
    if not isinstance(turns, list):
        raise Rejected("wrong type", field, turns, f"{type(turns).__name__} where a list of turns belongs")
    meta = {} if meta is None else meta
    return tuple(m for i, turn in enumerate(turns) for m in _messages(turn, f"{field}[{i}]", flags, meta))


def history_turns(pairs: Any, flags: list[str]) -> tuple[Message, ...]:
    """[["Hi", "Hello"]] -> user "Hi", assistant "Hello"; None and an empty cell -> nothing."""
    pairs = _listed(pairs, flags)
    if not pairs:
        return ()
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise Rejected("wrong type", "history", pairs, "a list of [question, answer] belongs here")
    return tuple(
        message for i, (asked, said) in enumerate(pairs)
        for message in exchange(as_text(asked, f"history[{i}][0]", flags), as_text(said, f"history[{i}][1]", flags))
    )  # fmt: skip


def json_text(value: Any) -> str | None:
    """Tools and calls as JSON text, which Arrow can hold whatever their types: [{"a": 1}] -> '[{"a": 1}]'."""
    if value is None or value in ("", [], "[]"):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(value: Any, flags: list[str]) -> Any:
    """'[["Hi", "Hello"]]' -> the list that the text writes (flagged), for a cell of a table holds no lists."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    flags.append("list read from text")
    return found


def _messages(turn: Any, field: str, flags: list[str], meta: dict[str, Any]) -> Iterator[Message]:
    if not isinstance(turn, Mapping):
        raise Rejected("wrong type", field, turn, f"{type(turn).__name__} where a turn belongs")
    called = turn.get("role") or turn.get("from")
    if called is None and turn and turn.keys() <= _SPEAKERS.keys():
        for name, said in turn.items():
            yield from _messages({"role": _SPEAKERS[name], "content": said}, f"{field}.{name}", flags, meta)
        return
    role = ROLES.get(called.lower()) if isinstance(called, str) else None
    if role is None:
        raise Rejected("unknown role", f"{field}.role", called, f"known: {', '.join(ROLES)}")
    said = _first(turn, _SAID)
    if len(turn) == 2 and said and isinstance(turn[said], str) and str(called).lower() not in _CALLS:
        yield Message(role, turn[said])  # what most turns are
    else:
        yield _message(turn, role, said, field, flags, meta)


def _message(
    turn: Mapping[str, Any], role: str, said: str | None, field: str, flags: list[str], meta: dict[str, Any]
) -> Message:
    speaker = "role" if turn.get("role") else "from"
    content = turn[said] if said else None
    if role == "tool" and not isinstance(content, str) and not _in_parts(content):
        content = json_text(content)  # what a tool returned, as it came
    parts = _parts(content, f"{field}.content", flags, meta)
    calls = [part for kind, part in parts if kind == "tool_call"]
    if turn[speaker].lower() in _CALLS:
        calls, parts = [part for _, part in parts], []
    thought = None if any(kind == "reasoning" for kind, _ in parts) else _first(turn, _THOUGHT)
    texts = {name: turn[name] for name in (*_NAMES, thought or "") if isinstance(turn.get(name), str)}
    known = (speaker, said, *texts)
    for name, value in turn.items():
        if name not in _CLAIMED and name not in known and value is not None:
            meta[f"{field}.{name}"] = value
    return Message(
        role=role,
        content="".join(part for kind, part in parts if kind == "text"),
        name=texts.get("name"),
        reasoning="".join(part for kind, part in parts if kind == "reasoning") or texts.get(thought or "") or None,
        tool_calls=_calls(calls, turn, field, meta),
        tool_call_id=texts.get("tool_call_id"),
        weight=_weight(turn, content, field) if role == "assistant" else 1,
    )


def _first(turn: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if turn.get(name) is not None), None)


def _in_parts(content: Any) -> bool:
    return content is None or (
        isinstance(content, list) and all(isinstance(part, Mapping) and "type" in part for part in content)
    )


def _parts(content: Any, field: str, flags: list[str], meta: dict[str, Any]) -> list[tuple[str, str]]:
    """ "Hi" and [{"type": "text", "text": "Hi"}] -> [("text", "Hi")]; pictures and the like reject the row."""
    if isinstance(content, Mapping) and "arguments" in content:
        return [("text", json.dumps(content, ensure_ascii=False))]  # a function_call that is no text yet
    if not isinstance(content, list):
        return [("text", as_text(content, field, flags))]
    found = []
    for i, part in enumerate(content):
        called = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(called, str) or called not in _PARTS:
            raise Rejected("unknown part", f"{field}[{i}].type", called, f"known: {', '.join(_PARTS)}")
        kind = _PARTS[called]
        name = next((name for name in ("value", called) if part.get(name) is not None), kind)
        value = json_text(part.get(name)) if kind == "tool_call" else part.get(name)
        found.append((kind, value if isinstance(value, str) else as_text(value, f"{field}[{i}].{kind}", flags)))
        if len(part) > 2:
            rest = part.keys() - {"type", name, *_WEIGHTS}
            meta.update((f"{field}[{i}].{key}", part[key]) for key in rest if part[key] is not None)
    return found


def _calls(calls: list[str], turn: Mapping[str, Any], field: str, meta: dict[str, Any]) -> str | None:
    """The turn's calls as the text of one JSON list; the arguments stay the text they are. Where they stand in several
    places the first of these is read, and the others stay in `meta`.

    '{"name": "f", "arguments": "{}"}' -> '[{"name": "f", "arguments": "{}"}]'
    """
    places = [name for name in ("tool_calls", "function_call") if turn.get(name) and json_text(turn[name])]
    if not calls and not places:
        return None
    given = None if calls else json_text(turn[places[0]] if places[0] == "tool_calls" else [turn[places[0]]])
    meta.update((f"{field}.{name}", turn[name]) for name in (places if calls else places[1:]))
    for text in calls if given is None else [given]:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise Rejected("broken tool call", f"{field}.tool_calls", text, "not JSON") from None
    listed = [text.strip()[1:-1] if text.lstrip().startswith("[") else text for text in calls]
    return f"[{', '.join(text for text in listed if text.strip())}]" if calls else given


def _weight(turn: Mapping[str, Any], content: Any, field: str) -> int:
    """0 keeps the words out of the loss, 1 trains on them; there is nothing between, nor within one turn."""
    found = {}
    for i, holder in enumerate((turn, *content) if isinstance(content, list) else (turn,)):
        for name in _WEIGHTS:
            value = holder.get(name)
            if value is None:
                continue
            place = f"{field}.content[{i - 1}].{name}" if i else f"{field}.{name}"
            if value not in (0, 1):
                raise Rejected("fractional weight", place, value, "only 0 and 1 can be trained")
            found[place] = int(value)
    if len(set(found.values())) > 1:
        raise Rejected("mixed weights", field, found, "a turn is trained on as a whole or not at all")
    return next(iter(found.values()), 1)
