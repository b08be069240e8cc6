"""ModelScope-swift's and data-juicer's {"system", "instruction", "query", "response", "history"}."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.plain import Plain
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import SYSTEM, exchange, history_turns, joined
from tuneloom.records import Conversation

PLAIN = Plain(
    prompt=(("instruction",), ("query",)),
    answer=("response",),
    fields={"instruction": (("instruction",),), "input": (("query",),)},
)


def claims(row: Mapping[str, Any]) -> int:
    """{"query": "Hi", "response": "Hello", "history": []} -> 3; with `rejected_response` it is preference data."""
    preference = row.get("rejected_response") is not None
    return 0 if preference else known(row, "query", "response", also=("instruction", "history", *SYSTEM))


def parse(row: Row) -> Iterator[Conversation]:
    """{"instruction": "Greet.", "query": "Hi", "response": "Hello"} -> user "Greet.\\n\\nHi", assistant "Hello"."""
    instruction, query = row.text("instruction"), row.text("query")
    turns = exchange(joined(instruction, query), row.text("response"), row.text(*SYSTEM))
    earlier = history_turns(row.take("history"), row.flags)
    yield Conversation((*turns[:-2], *earlier, *turns[-2:]), fields={"instruction": instruction, "input": query})
