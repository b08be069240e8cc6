"""Dialogues in one text by their known answers."""

import pytest

from tests.tuneloom.ingest.formats.answers import only, parsed, said

_BAIZE = "The conversation between human and AI assistant.\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", "### Human: Hi\nyou### Assistant: Hello### Human: Bye### Assistant: Bye."),
        ("text", "### Human: Hi\nyou\n### Assistant: Hello\n### Human: Bye\n### Assistant: Bye.\n"),
        ("input", f"{_BAIZE}[|Human|] Hi\nyou\n[|AI|] Hello\n[|Human|] Bye\n[|AI|] Bye.\n[|Human|] "),
        ("text", "<human>: Hi\nyou\n<bot>: Hello\n<human>: Bye\n<bot>: Bye."),
        ("text", "\n\nHuman: Hi\nyou\n\nAssistant: Hello\n\nHuman: Bye\n\nAssistant: Bye."),
    ],
)
def test_every_dialect_says_the_same(name: str, text: str) -> None:
    one = only("transcript", {name: text})
    assert said(one) == [("user", "Hi\nyou"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Bye.")]


def test_the_names_of_one_dialect_are_words_in_another() -> None:
    one = only("transcript", {"text": "### Human: What is <bot>: ?### Assistant: A mark.\n\nHuman: no"})
    assert said(one) == [("user", "What is <bot>: ?"), ("assistant", "A mark.\n\nHuman: no")]


def test_what_stands_beside_is_kept() -> None:
    assert parsed("transcript", {"topic": "t", "input": f"{_BAIZE}[|Human|] a\n[|AI|] b"})[1] == {"topic": "t"}
