"""Self-instruct and BELLE seeds: one instruction, several {"input", "output"} in `instances`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import instances
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import exchange, joined, real_input
from tuneloom.records import Conversation

INSTANCES = "instances"


def claims(row: Mapping[str, Any]) -> int:
    """{"instruction": "Add.", "instances": [{"input": "1, 2", "output": "3"}], "name": "addition"} -> 3"""
    return known(row, "instruction", "instances", also=("name", "is_classification"))


def parse(row: Row) -> Iterator[Conversation | Rejected]:
    """The above -> user "Add.\\n\\n1, 2", assistant "3", task "addition"; one conversation an instance."""
    instruction, name = row.text("instruction"), row.text("name")

    def one(instance: Row) -> Conversation:
        given = real_input(instance.text("input"), instance.flags)
        turns = exchange(joined(instruction, given), instance.text("output"))
        fields = {"instruction": instruction, "input": given}
        return Conversation(turns, fields, task=name or None, flags=tuple(instance.flags), meta=instance.rest())

    return instances(row.take("instances"), "instances", one)
