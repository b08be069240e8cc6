"""One instruction row, whatever its file's format, and how each of the four formats spells it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FILE_OF = {
    "translation": "sources/translation.json",
    "dialogue": "sources/dialogue.json",
    "code": "sources/assistant.jsonl",
    "summarisation": "sources/assistant.jsonl",
    "question_answering": "sources/qa.jsonl",
    "classification": "sources/qa.jsonl",
}


@dataclass(frozen=True)
class Row:
    """`messages` are (role, content) pairs; `source_text` is the Alpaca input, kept apart from the instruction."""

    task: str
    category: str
    language: str
    messages: tuple[tuple[str, str], ...]
    source_text: str = ""
    check: str = ""

    @property
    def file(self) -> str:
        """The shipped file that holds rows of this category."""
        return FILE_OF[self.category]

    @property
    def prompt(self) -> str:
        """Everything the model is given: all that the assistant does not say, the input included."""
        return "\n".join([text for role, text in self.messages if role != "assistant"] + [self.source_text])

    @property
    def user_text(self) -> str:
        """What the user says, without a system message."""
        return "\n".join([text for role, text in self.messages if role == "user"] + [self.source_text])

    @property
    def whole(self) -> str:
        """The text of all turns."""
        return "\n".join([text for _, text in self.messages] + [self.source_text])

    @property
    def answer(self) -> str:
        """The last thing the assistant says."""
        return self.messages[-1][1]

    def answered(self, answer: str) -> Row:
        """The same row with another last answer and no check."""
        return replace(self, messages=(*self.messages[:-1], ("assistant", answer)), check="")


def as_format(row: Row, file: str) -> Json:
    """The row as the file's format spells it: `("user", "Hi")` -> `{"from": "human", "value": "Hi"}` in ShareGPT."""
    body = _BODY_OF[file](row)
    body |= {"task": row.task, "category": row.category, "language": row.language}
    return body | {"check": row.check} if row.check else body


def _alpaca(row: Row) -> Json:
    return {"instruction": row.messages[0][1], "input": row.source_text, "output": row.answer}


def _sharegpt(row: Row) -> Json:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return {"conversations": [{"from": names[role], "value": text} for role, text in row.messages]}


def _messages(row: Row) -> Json:
    return {"messages": [{"role": role, "content": text} for role, text in row.messages]}


def _completion(row: Row) -> Json:
    return {"prompt": row.messages[0][1], "completion": row.answer}


_BODY_OF = {
    "sources/translation.json": _alpaca,
    "sources/dialogue.json": _sharegpt,
    "sources/assistant.jsonl": _messages,
    "sources/qa.jsonl": _completion,
}


def file_text(file: str, lines: list[str]) -> str:
    """The file's content from one JSON text an entry: `["{}", "4"]` -> `"[\\n{},\\n4\\n]\\n"` for an array file."""
    if file.endswith(".jsonl"):
        return "".join(line + "\n" for line in lines)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def read_handwritten(path: Path) -> list[Row]:
    """The rows a person wrote, one JSON object a line in the `messages` spelling."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        data = json.loads(line)
        messages = tuple((m["role"], m["content"]) for m in data["messages"])
        rows.append(Row(data["task"], data["category"], data["language"], messages, check=data.get("check", "")))
    return rows
