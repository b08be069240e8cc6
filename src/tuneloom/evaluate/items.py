"""What is scored: the chosen test rows with all that metrics and people need, and the scores, one row each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts.artifact import Artifact
from tuneloom.evaluate.metrics import Scored
from tuneloom.models.token_row import TokenRow
from tuneloom.records import digest
from tuneloom.render.shards import read_rows

ITEMS = pa.schema(
    [
        ("model", pa.string()),
        ("metric", pa.string()),
        ("id", pa.string()),
        ("task", pa.string()),
        ("category", pa.string()),
        ("language", pa.string()),
        ("value", pa.float64()),
        ("suite", pa.string()),
        ("cluster", pa.string()),
        ("parts", pa.list_(pa.float64())),
    ]
)
"""A score: `metric` is unique among suites, items of a `cluster` are not independent, a corpus metric sums `parts`."""
SAMPLES = pa.schema(
    [
        ("suite", pa.string()),
        ("id", pa.string()),
        ("task", pa.string()),
        ("language", pa.string()),
        ("prompt", pa.string()),
        ("references", pa.list_(pa.string())),
        ("base", pa.string()),
        ("tuned", pa.string()),
        ("champion", pa.string()),
    ]
)
HELD_OUT = "held_out"
"""The suite that every run has: rows of the test side."""
_COLUMNS = ["id", "fields", "origin", "messages", "references", "task", "category", "language", "side"]


@dataclass(frozen=True)
class Item:
    """A held-out row: its tokens, what it asks, and every answer that counts as right."""

    row: TokenRow
    task: str
    category: str | None
    language: str | None
    prompt: str
    references: tuple[str, ...]
    cluster: str

    @property
    def id(self) -> str:
        """The row's."""
        return self.row.id


class Scorable(Protocol):
    """What an item's scores are kept with."""

    @property
    def id(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def category(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def cluster(self) -> str: ...


def held_out_items(rows: Artifact, shards: Artifact, count: int, seed: int, side: str = "test") -> list[Item]:
    """At most `count` rows of `side`, the same ones on every machine.

    Tasks take turns, and within a task a hash of seed and id decides, so that no large task crowds out the others.
    A row that render rejected is not among them.
    """
    tokens = {row.id: row for row in read_rows(shards, side)}
    known: dict[str, dict[str, Any]] = {}
    for part in rows.tables(_COLUMNS):
        for row in part.filter(pc.equal(part["side"], side)).to_pylist():
            known.setdefault(row["id"], row)
    tasks = {i: task_of(known[i]) for i in tokens if i in known}
    return [_item(tokens[i], known[i]) for i in choose(tasks, count, seed)]


def choose(tasks: Mapping[str, str], count: int, seed: int) -> list[str]:
    """Ids with their tasks -> at most `count` ids, tasks taking turns: of 90 rows of A and 10 of B, 4 are 2 and 2."""
    by_task: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row_id, task in tasks.items():
        by_task[task].append((digest(f"{seed}:{row_id}"), row_id))
    turns = [(turn, mark, row_id) for rows in by_task.values() for turn, (mark, row_id) in enumerate(sorted(rows))]
    return [row_id for _, _, row_id in sorted(turns)[:count]]


def items_table(
    model: str, metric: str, items: Sequence[Scorable], scores: Iterable[Scored], suite: str = HELD_OUT
) -> pa.Table:
    """One metric's scores of one model, one an item, as a table of schema ITEMS."""
    found = list(scores)
    return pa.table(
        {
            "model": [model] * len(items),
            "metric": [metric] * len(items),
            **{name: [getattr(item, name) for item in items] for name in ("id", "task", "category", "language")},
            "value": [score.value for score in found],
            "suite": [suite] * len(items),
            "cluster": [item.cluster for item in items],
            "parts": [score.parts for score in found],
        },
        schema=ITEMS,
    )


def samples_table(items: Sequence[Item], answers: Mapping[str, Sequence[str]]) -> pa.Table:
    """Generated answers by model, side by side, as a table of schema SAMPLES."""
    return pa.table(
        {
            "suite": [HELD_OUT] * len(items),
            "id": [item.row.id for item in items],
            "task": [item.task for item in items],
            "language": [item.language for item in items],
            "prompt": [item.prompt for item in items],
            "references": [list(item.references) for item in items],
            **{name: answers.get(name, [None] * len(items)) for name in ("base", "tuned", "champion")},
        },
        schema=SAMPLES,
    )


def _item(tokens: TokenRow, row: Mapping[str, Any]) -> Item:
    messages = row["messages"]
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant" and m["weight"] != 0), default=None)
    asked, answer = (messages, "") if last is None else (messages[:last], messages[last]["content"])
    references = tuple(row["references"] or ()) or (answer,)
    return Item(tokens, task_of(row), row["category"], row["language"], _prompt(asked), references, _cluster(row))


def _cluster(row: Mapping[str, Any]) -> str:
    """Rows that ask about one passage belong together; any other row stands alone."""
    passage = dict(row["fields"] or ()).get("context")
    return digest(passage.strip()) if passage and passage.strip() else str(row["id"])


def task_of(row: Mapping[str, Any]) -> str:
    """The row's task; its source where it names none."""
    return row["task"] or row["origin"]["source"]


def _prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    """One message as it is, several with their roles: `user: Hi\\n\\nassistant: Yo\\n\\nuser: And?`."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{m['role']}: {m['content']}" for m in messages)
