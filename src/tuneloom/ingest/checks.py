"""What every conversation must satisfy, whatever its format, and the repairs whose meaning is certain.

After `settle` a row reads: system turns, a user's turn, ..., an assistant's turn that says something. Each repair is
a flag on the row and counted in the stage's stats; all else is a Rejected.
"""

import re
from dataclasses import replace

from tuneloom.ingest.row import Rejected
from tuneloom.records import Conversation, Message

_END_MARKS = re.compile(r"(?:\s*(?:<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>|</s>))+\s*\Z")


def settle(conversation: Conversation) -> Conversation:
    """user "2+2?", assistant "4<|endoftext|>" -> user "2+2?", assistant "4", flag "end mark stripped".

    Raises Rejected: "no prompt", "no answer", "empty answer", "nothing to train".
    """
    flags: list[str] = list(conversation.flags)
    messages = _trimmed([_cleaned(m, flags) for m in conversation.messages], conversation.use, flags)
    _check(messages, conversation.use)
    fields = {name: text.replace("\0", "") for name, text in conversation.fields.items() if text.strip()}
    if fields and messages[-1].role == "assistant":
        fields["answer"] = messages[-1].content
    references = (_without_end_marks(text, flags) for text in conversation.references)
    return replace(
        conversation,
        messages=tuple(messages),
        fields=fields,
        references=tuple(dict.fromkeys(text for text in references if text.strip())),
        flags=tuple(sorted(set(flags))),
    )


def _cleaned(message: Message, flags: list[str]) -> Message:
    content = message.content
    if "\0" in content:
        content = content.replace("\0", "")
        flags.append("NUL stripped")
    if message.role == "assistant":
        content = _without_end_marks(content, flags)
    return message if content is message.content else replace(message, content=content)


def _without_end_marks(text: str, flags: list[str]) -> str:
    """Marks that a tokenizer's end token left in the text; `<s>gone</s>` is HTML and stays."""
    if not text.rstrip().endswith(">") or (text.rstrip().endswith("</s>") and "<s>" in text):
        return text
    stripped = _END_MARKS.sub("", text)
    if stripped != text:
        flags.append("end mark stripped")
    return stripped


def _trimmed(messages: list[Message], use: str, flags: list[str]) -> list[Message]:
    """Drops empty system turns, answers to no question (a dialogue cut at its start) and, for training,
    what follows the last answer."""
    kept = [m for m in messages if m.role != "system" or m.content.strip()]
    if len(kept) < len(messages):
        flags.append("empty system turn dropped")
    system = [m for m in kept if m.role == "system"]
    turns = [m for m in kept if m.role != "system"]
    if [m.role for m in kept[: len(system)]] != ["system"] * len(system):
        return kept  # a system turn amid the dialogue: its place matters, nothing can be cut for certain
    first = next((i for i, m in enumerate(turns) if m.role == "user"), 0)
    last = max((i for i, m in enumerate(turns) if m.role == "assistant" and i > first), default=len(turns) - 1)
    if first > 0:
        flags.append("leading answer dropped")
    if last < len(turns) - 1 and use == "train":
        flags.append("trailing turn dropped")
        turns = turns[: last + 1]
    return [*system, *turns[first:]]


def _check(messages: list[Message], use: str) -> None:
    roles = [m.role for m in messages]
    if "user" not in roles:
        raise Rejected("no prompt", "messages", roles, "no user turn")
    for i, m in enumerate(messages):
        if m.role == "user" and not m.content.strip():
            raise Rejected("no prompt", f"messages[{i}].content", m.content, "a user turn says nothing")
        if m.role == "assistant" and not m.content.strip() and not m.tool_calls:
            raise Rejected("empty answer", f"messages[{i}].content", m.content, "nothing but blanks and end marks")
    if use != "train":
        return  # a suite may ask without an answer
    if roles[-1] != "assistant":
        raise Rejected("no answer", "messages", roles, "no assistant turn answers the last prompt")
    weights = [m.weight for m in messages if m.role == "assistant"]
    if not any(weights):
        raise Rejected("nothing to train", "messages", weights, "every answer has weight 0")
