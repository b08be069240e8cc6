"""A Super-NI task file by its known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said
from tuneloom.records import Example

_TASK = {
    "Definition": ["Name the capital."],
    "Categories": ["Question Answering"],
    "Output_language": ["English"],
    "Instance License": ["MIT"],
    "Domains": ["Geography"],
    "Positive Examples": [{"input": "Italy", "output": "Rome", "explanation": "It is."}],
    "Negative Examples": [{"input": "Spain", "output": "Rome", "explanation": "It is not."}],
    "Instances": [
        {"id": "t-1", "input": "France", "output": ["Paris", "paris", "Paris"]},
        {"id": "t-2", "input": "Chad", "output": ["", "N'Djamena"]},
    ],
}


def test_instances_share_definition_examples_and_labels() -> None:
    (first, second), rest = parsed("super_ni", _TASK)
    assert said(first) == [("user", "Name the capital.\n\nFrance"), ("assistant", "Paris")]
    assert first.fields == {"definition": "Name the capital.", "input": "France", "answer": "Paris"}
    assert first.references == ("Paris", "paris")
    assert said(second)[1] == ("assistant", "N'Djamena")
    assert first.examples == (Example("Italy", "Rome"), Example("Spain", "Rome", good=False))
    assert (first.category, first.language, first.license, first.meta) == (
        "Question Answering",
        "en",
        "MIT",
        {"id": "t-1"},
    )
    assert rest == {"Domains": ["Geography"], "explanations": ["It is.", "It is not."]}


def test_labels_that_are_no_single_value_are_kept() -> None:
    languages, licences = ["English", "French"], ["MIT", "CC BY 4.0", "Unknown"]
    (one, _), rest = parsed("super_ni", {**_TASK, "Output_language": languages, "Instance License": licences})
    assert (one.language, rest["Output_language"]) == (None, languages)
    assert one.license == "MIT and CC BY 4.0"
