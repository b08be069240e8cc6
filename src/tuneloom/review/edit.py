"""A reviewer's new words put into a row: the id stays, the content hash changes, a flag tells."""

from collections.abc import Mapping
from typing import Any

from tuneloom.records import Conversation, Message, content_digest
from tuneloom.review.decisions import Decision

EDITED = "edited in review"


def edited(row: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """The row (as `to_pylist` gives it) with the decision's new request and answer.

    References and fields that said the old words say the new ones; fields that speak of a request that is gone are
    dropped, for templates read them where they exist.
    """
    messages = [dict(message) for message in row["messages"]]
    swapped: dict[str, str] = {}
    for role, words in (("user", decision.new_request), ("assistant", decision.new_answer)):
        last = next((message for message in reversed(messages) if message["role"] == role), None)
        if words and last is not None:
            swapped[last["content"]] = words
            last["content"] = words
    references = [swapped.get(one, one) for one in row["references"] or ()]
    fields = [(name, swapped.get(value, value)) for name, value in row["fields"] or ()]
    if decision.new_request and decision.new_request not in dict(fields).values():
        fields = []
    said = Conversation(
        messages=tuple(Message(**message) for message in messages),
        tools=row["tools"],
        references=tuple(references),
        choices=tuple(row["choices"] or ()),
    )
    flags = [*(row["flags"] or []), *([] if EDITED in (row["flags"] or []) else [EDITED])]
    changed = {"messages": messages, "references": references, "fields": fields, "flags": flags}
    return {**row, **changed, "content_hash": content_digest(said)}
