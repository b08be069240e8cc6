"""Formats are found by the file they lie in, and each is small."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.ingest import formats as package
from tuneloom.ingest.checks import settle
from tuneloom.ingest.formats import formats, known
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation, canonical

_FOLDER = Path(package.__file__).parent


def test_every_file_in_the_folder_is_a_format() -> None:
    assert set(formats()) == {path.stem for path in _FOLDER.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("name", formats())
def test_a_format_needs_no_edit_elsewhere(name: str) -> None:
    """No other module of the package names it: a new format is one new file."""
    others = [path for path in _FOLDER.parent.rglob("*.py") if path.stem != name]
    imported = {
        alias
        for path in others
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in (node.module or "", *(f"{node.module}.{a.name}" for a in node.names))
    }
    assert f"tuneloom.ingest.formats.{name}" not in imported


def test_known_counts_keys_only_where_all_needed_are_there() -> None:
    row = {"prompt": "", "completion": "", "id": 1}
    assert known(row, "prompt", ("completion", "answer"), also=("id", "x")) == 3
    assert known(row, "prompt", ("response", "answer")) == 0


_KEYS = (
    "instruction", "input", "inputs", "output", "response", "prompt", "completion", "question", "answer", "answers",
    "context", "history", "system", "tools", "conversations", "conversation", "messages", "data", "text", "chosen",
    "rejected", "label", "kto_tag", "choices", "answerKey", "instances", "Instances", "Definition", "definition",
    "Positive Examples", "Categories", "Output_language", "Instance License", "targets", "turns", "reference",
    "question_id", "message_tree_id", "message_id", "parent_id", "role", "replies", "query", "1", "2", "3",
)  # fmt: skip
_INNER = (
    "role", "from", "content", "value", "text", "type", "weight", "train", "tool_calls", "function_call", "input",
    "output", "replies", "rank", "deleted", "parent_id", "message_id", "turns", "label", "name", "human", "assistant",
)  # fmt: skip
_WORDS = (
    "Hi",
    "user",
    "human",
    "gpt",
    "prompter",
    "assistant",
    "tool",
    "function_call",
    "[1]",
    "",
    "A",
    "### Human: a",
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(_WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_INNER), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", formats())
@settings(max_examples=150)
@given(row=st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8))
def test_a_row_of_any_shape_is_read_or_rejected_and_never_a_crash(name: str, row: dict[str, Any]) -> None:
    format, source = formats()[name], Row(row)
    assert format.claims(row) >= 0
    try:
        for found in format.parse(source):
            if isinstance(found, Conversation):
                settle(found)
            else:
                canonical(found.detail())
    except Rejected as fault:
        canonical(fault.detail())
    canonical(source.rest())
