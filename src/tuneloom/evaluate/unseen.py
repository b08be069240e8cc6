"""Held-out tasks: test rows of tasks that never trained, with other rows of the same task as examples where a suite
asks for shots. Tasks are what is drawn, so they are the clusters of the statistics."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from tuneloom.artifacts.artifact import Artifact
from tuneloom.evaluate.items import task_of
from tuneloom.evaluate.questions import Wanted, said
from tuneloom.records import digest

MOST = 100
"""Rows that a task contributes at most: more of one task tell little about another."""
_COLUMNS = ["id", "origin", "messages", "references", "task", "category", "language", "side"]


def unseen_questions(rows: Artifact, shots: int, seed: int) -> list[Wanted]:
    """Questions of every task of which no row is on the training side; a task's first `shots` rows are its examples.

    Which rows are examples and which are scored is decided by a hash of seed and id. A task with no more rows than
    shots has no questions. Rows of more than one answer's turn give their last.
    """
    trained: set[str] = set()
    found: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for part in rows.tables(_COLUMNS):
        for row in part.filter(pc.equal(part["side"], "train")).select(["task", "origin"]).to_pylist():
            trained.add(task_of(row))
        for row in part.filter(pc.equal(part["side"], "test")).to_pylist():
            if _answered(row["messages"]) is not None:
                found[task_of(row)].setdefault(row["id"], row)
    questions: list[Wanted] = []
    for task in sorted(found.keys() - trained):
        drawn = sorted(found[task].values(), key=lambda row: digest(f"{seed}:{row['id']}"))
        shown = [message for row in drawn[:shots] for message in _exemplar(row)]
        questions += [_wanted(row, task, shown) for row in drawn[shots : shots + MOST]]
    return questions


def _wanted(row: Mapping[str, Any], task: str, shown: Sequence[Mapping[str, Any]]) -> Wanted:
    last = _answered(row["messages"]) or 0
    asked, answer = row["messages"][:last], row["messages"][last]["content"]
    opening = [m for m in asked[:1] if m["role"] == "system"]
    messages = [*opening, *shown, *asked[len(opening) :]]
    references = tuple(row["references"] or ()) or (answer,)
    return Wanted(row["id"], messages, references, task, task, row["category"], row["language"])


def _exemplar(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The row's question and answer as two turns."""
    last = _answered(row["messages"]) or 0
    asked = [m["content"] for m in row["messages"][:last] if m["role"] == "user"]
    return [said("user", "\n\n".join(asked)), said("assistant", row["messages"][last]["content"])]


def _answered(messages: Sequence[Mapping[str, Any]]) -> int | None:
    """Where the last answer stands that a user's turn precedes; None where there is none."""
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant" and m["weight"] != 0), default=0)
    return last if last and any(m["role"] == "user" for m in messages[:last]) else None
