"""Super-NaturalInstructions task files: definition, good and bad examples, instances with several accepted outputs."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.languages import language_code
from tuneloom.ingest.nested import examples, first_text, instances, texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import exchange, joined
from tuneloom.records import Conversation

TASK_FROM_FILE = True


def claims(row: Mapping[str, Any]) -> int:
    """{"Definition": ["Name the capital."], "Instances": [{"input": "France", "output": ["Paris"]}]} -> 2"""
    return known(row, "Definition", "Instances", also=("Positive Examples", "Negative Examples", "Categories"))


def parse(row: Row) -> Iterator[Conversation | Rejected]:
    """The above -> user "Name the capital.\\n\\nFrance", assistant "Paris", references ("Paris",)."""
    definition, language = first_text(row.take("Definition")), language_code(row.take("Output_language"))
    shown = examples(row.take("Positive Examples"), True) + examples(row.take("Negative Examples"), False)
    category, licence = first_text(row.take("Categories")), first_text(row.take("Instance License"))

    def one(instance: Row) -> Conversation:
        given, accepted = instance.text("input"), texts(instance.take("output"), "output", instance.flags)
        turns = exchange(joined(definition, given), next((text for text in accepted if text.strip()), ""))
        fields = {"definition": definition, "input": given}
        return Conversation(
            turns, fields, shown, references=accepted, category=category or None, language=language,
            license=None if licence in ("", "Unknown") else licence, flags=tuple(instance.flags), meta=instance.rest(),
        )  # fmt: skip

    return instances(row.take("Instances"), "Instances", one)
