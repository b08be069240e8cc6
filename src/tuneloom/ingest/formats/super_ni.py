"""Super-NaturalInstructions task files: definition, good and bad examples, instances with several accepted outputs."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.languages import language_code
from tuneloom.ingest.licenses import stated
from tuneloom.ingest.nested import examples, explanations, first_text, instances, texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import exchange, joined
from tuneloom.records import Conversation

TASK_FROM_FILE = True
INSTANCES = "Instances"
_SHOWN = ("Positive Examples", "Negative Examples")


def claims(row: Mapping[str, Any]) -> int:
    """{"Definition": ["Name the capital."], "Instances": [{"input": "France", "output": ["Paris"]}]} -> 2"""
    return known(row, "Definition", "Instances", also=(*_SHOWN, "Categories"))


def parse(row: Row) -> Iterator[Conversation | Rejected]:
    """The above -> user "Name the capital.\\n\\nFrance", assistant "Paris", references ("Paris",)."""
    definition, language = first_text(row.take("Definition")), language_code(row.peek("Output_language"))
    if language:
        row.take("Output_language")
    good, bad = (row.take(name) for name in _SHOWN)
    shown, why = examples(good, True) + examples(bad, False), explanations(good, True) + explanations(bad, False)
    category, licence = first_text(row.take("Categories")), _licence(row.take("Instance License"))
    row.meta |= {"explanations": why} if any(why) else {}

    def one(instance: Row) -> Conversation:
        given, accepted = instance.text("input"), texts(instance.take("output"), "output", instance.flags)
        turns = exchange(joined(definition, given), next((text for text in accepted if text.strip()), ""))
        fields = {"definition": definition, "input": given}
        return Conversation(
            turns, fields, shown, references=accepted, category=category or None, language=language,
            license=licence, flags=tuple(instance.flags), meta=instance.rest(),
        )  # fmt: skip

    return instances(row.take("Instances"), "Instances", one)


def _licence(value: Any) -> str | None:
    """["MIT", "CC BY 4.0"] -> "MIT and CC BY 4.0"; ["Unknown"] -> None: nobody has said."""
    named = value if isinstance(value, list) else [value]
    return stated([name for name in named if name != "Unknown"])
