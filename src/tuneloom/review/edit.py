"""A reviewer's new words put into a row: the id stays, the content hash changes, a flag tells."""

from collections.abc import Mapping
from typing import Any

from tuneloom.records import Conversation, Message, content_digest
from tuneloom.review.decisions import Decision

EDITED = "edited in review"


def edited(row: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """The row (as `to_pylist` gives it) with the decision's new request and answer.

    What said the old answer says the new one: the references, the field `answer`, and the choices unless the new answer
    is one of them already. The other fields follow the request; where none said it they are dropped, for templates read
    them where they exist.
    """
    messages = [dict(message) for message in row["messages"]]
    asked = _put(messages, "user", decision.new_request)
    answered = _put(messages, "assistant", decision.new_answer)
    references, choices = ([answered.get(one, one) for one in row[name] or ()] for name in ("references", "choices"))
    if len(set(choices)) < len(set(row["choices"] or ())):
        choices = row["choices"]
    fields = [
        (name, (answered if name == "answer" else asked).get(value, value)) for name, value in row["fields"] or ()
    ]
    if asked and decision.new_request not in dict(fields).values():
        fields = []
    said = Conversation(
        messages=tuple(Message(**message) for message in messages),
        tools=row["tools"],
        references=tuple(references),
        choices=tuple(choices),
    )
    flags = [*(row["flags"] or []), *([] if EDITED in (row["flags"] or []) else [EDITED])]
    changed = {"messages": messages, "references": references, "choices": choices, "fields": fields, "flags": flags}
    return {**row, **changed, "content_hash": content_digest(said)}


def _put(messages: list[dict[str, Any]], role: str, words: str) -> dict[str, str]:
    """Changes the last message of a role in place; {old words: new words}, empty where nothing changes."""
    last = next((message for message in reversed(messages) if message["role"] == role), None)
    if not words or last is None:
        return {}
    before, last["content"] = last["content"], words
    return {before: words}
