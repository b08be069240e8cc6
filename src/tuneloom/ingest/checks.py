"""What every conversation must satisfy, whatever its format, and the repairs whose meaning is certain.

After `settle` a row reads: system turns, a user's turn, ..., an assistant's turn that says something. Each repair is
a flag on the row and counted in the stage's stats; all else is a Rejected.
"""

import re
from operator import eq

from tuneloom.ingest.row import Rejected
from tuneloom.ingest.turns import joined
from tuneloom.records import Conversation, Message
from tuneloom.shape import fault_of

END_MARKS = (
    "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>", "<eos>", "</s>",
)  # fmt: skip
"""Tokenizers' end tokens, which sources leave in their answers."""
STRIPPED = "end mark stripped"
"""The flag of a row from which one was taken."""
_END_MARKS = re.compile(rf"(?:\s*(?:{'|'.join(map(re.escape, END_MARKS))}))+\s*\Z")
_DIALOGUE = {"user", "assistant"}
_ZERO_WIDTH = frozenset("\ufeff\u200b\u2060")


def settle(conversation: Conversation) -> Conversation:
    """user "2+2?", assistant "4<|endoftext|>" -> user "2+2?", assistant "4", flag "end mark stripped".

    Raises Rejected: "no prompt", "no answer", "empty answer", "nothing to train".
    """
    flags: list[str] = list(conversation.flags)
    messages = [_cleaned(m, flags) for m in conversation.messages]
    if [m.role for m in messages] != ["user", "assistant"]:  # as most rows are
        messages = _trimmed(_merged(_spoken(messages, flags), flags), conversation.use, flags)
    if fault := fault_of(messages, conversation.use):
        raise Rejected(fault.reason, fault.field, fault.value, fault.evidence)
    printable = ((name, _printable(text, [])) for name, text in conversation.fields.items())
    fields = {name: text for name, text in printable if text.strip()}
    if fields and messages[-1].role == "assistant":
        fields["answer"] = messages[-1].content
    references = (_without_end_marks(_printable(text, []), flags) for text in conversation.references)
    return conversation.but(
        messages=tuple(messages),
        fields=fields,
        references=tuple(dict.fromkeys(text for text in references if text.strip())),
        flags=tuple(sorted(set(flags))) if flags else (),
    )


def _cleaned(message: Message, flags: list[str]) -> Message:
    content = _printable(message.content, flags)
    if message.role == "assistant":
        content = _without_end_marks(content, flags)
    return message if content is message.content else message.but(content=content)


def _printable(text: str, flags: list[str]) -> str:
    """ "\\ufeffH\\0i" -> "Hi": a byte order mark or its like before the text, and NUL anywhere."""
    if "\0" in text:
        text = text.replace("\0", "")
        flags.append("NUL stripped")
    if text[:1] in _ZERO_WIDTH:
        text = text.lstrip("".join(_ZERO_WIDTH))
        flags.append("zero-width mark stripped")
    return text


def _without_end_marks(text: str, flags: list[str]) -> str:
    """Marks that a tokenizer's end token left in the text; `<s>gone</s>` is HTML and stays."""
    if not text.rstrip().endswith(">") or (text.rstrip().endswith("</s>") and "<s>" in text):
        return text
    stripped = _END_MARKS.sub("", text)
    if stripped != text:
        flags.append(STRIPPED)
    return stripped


def _spoken(messages: list[Message], flags: list[str]) -> list[Message]:
    """Without the system turns that say nothing."""
    kept = [m for m in messages if m.role != "system" or m.content.strip()]
    if len(kept) < len(messages):
        flags.append("empty system turn dropped")
    return kept


def _merged(messages: list[Message], flags: list[str]) -> list[Message]:
    """user "Hi.", user "Who are you?", assistant "I." -> user "Hi.\\n\\nWho are you?", assistant "I.".

    A side alone (MT-Bench's prompts, its reference answers) is no dialogue: its turns stay apart.
    """
    roles = [message.role for message in messages]
    if not any(map(eq, roles, roles[1:])) or not _DIALOGUE.issubset(roles):
        return messages
    found = messages[:1]
    for message in messages[1:]:
        if not _continues(found[-1], message):
            found.append(message)
            continue
        flags.append("turns merged")
        content = joined(found[-1].content, message.content)
        reasoning = found[-1].reasoning or message.reasoning
        found[-1] = found[-1].but(content=content, reasoning=reasoning, tool_calls=message.tool_calls)
    return found


def _continues(last: Message, message: Message) -> bool:
    """Whether two turns can be one and no order, weight or call is lost by it; a tool's results never can."""
    return (
        last.role == message.role != "tool"
        and (last.name, last.weight) == (message.name, message.weight)
        and last.tool_calls is None
        and (message.reasoning is None or not (last.reasoning or last.content.strip()))
    )


def _trimmed(messages: list[Message], use: str, flags: list[str]) -> list[Message]:
    """Drops answers to no question (a dialogue cut at its start) and, for training, what follows the last answer."""
    system = [m for m in messages if m.role == "system"]
    turns = [m for m in messages if m.role != "system"]
    if [m.role for m in messages[: len(system)]] != ["system"] * len(system):
        return messages  # a system turn amid the dialogue: its place matters, nothing can be cut for certain
    first = next((i for i, m in enumerate(turns) if m.role == "user"), 0)
    last = max((i for i, m in enumerate(turns) if m.role == "assistant" and i > first), default=len(turns) - 1)
    if first > 0:
        flags.append("leading answer dropped")
    if last < len(turns) - 1 and use == "train":
        flags.append("trailing turn dropped")
        turns = turns[: last + 1]
    return [*system, *turns[first:]]
