"""The shape that a conversation has on every way into training: someone asks, the model says something, and it counts.

Ingestion holds what it read to it, and quality what a user's transform gave back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuneloom.records import Message


@dataclass(frozen=True)
class Fault:
    """Why messages have not the shape: a stable short reason, the field that shows it, its value, and more words."""

    reason: str
    field: str
    value: Any
    evidence: str


def fault_of(messages: Sequence[Message], use: str) -> Fault | None:
    """What is wrong first; None where nothing is. `use` is the row's: a suite may ask without an answer.

    user "2+2?", assistant " " -> Fault("empty answer", "messages[1].content", " ", ...); the reasons: "no prompt",
    "empty answer", "no answer", "nothing to train".
    """
    roles = [m.role for m in messages]
    if "user" not in roles and not (use == "decontaminate" and "assistant" in roles):  # answers alone can leak, too
        return Fault("no prompt", "messages", roles, "no user turn")
    for i, m in enumerate(messages):
        if m.role == "user" and not m.content.strip():
            return Fault("no prompt", f"messages[{i}].content", m.content, "a user turn says nothing")
        if m.role == "assistant" and not m.content.strip() and not m.tool_calls:
            return Fault("empty answer", f"messages[{i}].content", m.content, "nothing but blanks and end marks")
    if use != "train":
        return None
    if roles[-1] != "assistant":
        return Fault("no answer", "messages", roles, "no assistant turn answers the last prompt")
    weights = [m.weight for m in messages if m.role == "assistant"]
    return None if any(weights) else Fault("nothing to train", "messages", weights, "every answer has weight 0")
