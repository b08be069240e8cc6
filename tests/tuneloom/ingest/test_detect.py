"""Which format a file is in."""

import json
from pathlib import Path
from typing import Any

import pytest

from tuneloom.errors import ConfigError
from tuneloom.ingest.detect import Detection, detect, named, unclaimed
from tuneloom.ingest.formats import formats

_TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
_FROM = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
_FAMILIES: dict[str, list[dict[str, Any]]] = {
    "alpaca": [
        {"instruction": "a", "input": "", "output": "b"},
        {"instruction": "a", "output": "b", "idx": 3},
        {"instruction": "a", "input": "b", "response": "c"},
        {"instruction": "a", "input": "", "output": "b", "text": "Below is an instruction"},
        {"instruction": "a", "input": "", "output": "b", "prompt": "Below is an instruction"},
        {"instruction": "a", "input": "", "output": "b", "system": "s", "history": []},
        {"INSTRUCTION": "a", "RESPONSE": "b", "SOURCE": "c"},
        {"instruction": "a", "output": "b", "generator": "m", "dataset": "d"},
    ],
    "alternating": [{"id": "0", "data": ["a", "b"]}, {"conversations": ["a", "b"], "source": "stackexchange"}],
    "dolly": [{"instruction": "a", "context": "", "response": "b", "category": "open_qa"}],
    "messages": [
        {"messages": _TURNS, "tools": []},
        {"messages": _TURNS, "functions": [{"name": "f"}]},
        {"messages": _TURNS, "prompt": "Hi", "prompt_id": "x"},
        {"messages": _TURNS, "label": "greeting"},
        {"messages": _TURNS, "problem": "Hi", "solution": "Hello"},
        {"version": "1", "input": _TURNS[:1], "output": "Hello", "category": "chat", "license": "cc-by-4.0",
         "reasoning": "off", "generator": "g", "used_in_training": ["x"], "system_prompt": "detailed thinking off"},
        {"prompt": _TURNS[:1], "completion": _TURNS[1:]},
    ],
    "multiple_choice": [
        {"question": "a", "subject": "s", "choices": ["b", "c"], "answer": 1},
        {"id": "x", "question": "a", "choices": {"text": ["b", "c"], "label": ["A", "B"]}, "answerKey": "B"},
        {"question": "a", "options": {"A": "b", "B": "c"}, "answer": "c", "answer_idx": "B"},
    ],
    "numbered": [{"1": "a", "2": "b"}, {"1": "a?", "2": "b", "3": "c"}],
    "openassistant": [
        {"message_tree_id": "t", "tree_state": "ready", "prompt": {"text": "a", "role": "prompter", "replies": []}},
        {"message_id": "m", "parent_id": None, "user_id": "u", "text": "a", "role": "prompter", "lang": "en",
         "rank": None, "deleted": False, "message_tree_id": "t", "tree_state": "ready"},
    ],
    "preference": [
        {"conversations": _FROM[:1], "chosen": _FROM[1], "rejected": _FROM[1]},
        {"messages": _TURNS, "label": False},
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"prompt": "a", "prompt_id": "x", "messages": _TURNS, "chosen": _TURNS, "rejected": _TURNS, "score_chosen": 8},
        {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"},
        {"system": "s", "question": "a", "chosen": "b", "rejected": "c"},
        {"instruction": "a", "input": "", "chosen": "b", "rejected": "c"},
        {"instruction": "a", "input": "", "output": "b", "kto_tag": True},
        {"prompt": "a", "completion": "b", "label": True},
        {"query": "a", "response": "b", "rejected_response": "c", "history": []},
        {"messages": _TURNS, "rejected_response": "c"},
    ],
    "prompt_completion": [
        {"prompt": "a", "completion": "b"},
        {"inputs": "a", "targets": "b", "task_source": "Flan2021", "task_name": "x", "template_type": "zs_opt"},
        {"inputs_pretokenized": "a", "inputs": [1, 2], "targets_pretokenized": "b", "targets": [3], "idx": [0, 1]},
        {"prompt": "a", "generation": "b"},
        {"input": "a", "output": "b"},
        {"prompt": "a", "response": "b", "label": "good"},
        {"task_id": "x/0", "prompt": "a", "canonical_solution": "b", "entry_point": "f", "test": "t"},
    ],
    "prompt_only": [
        {"id": "1", "prompt": "a", "type": "homonyms", "label": "safe", "focus": "kill", "note": ""},
        {"question_id": 81, "category": "writing", "turns": ["a", "b"]},
        {"question_id": 1, "text": "a", "category": "generic"},
        {"question_id": "x", "category": "arena-hard-v0.1", "cluster": "c", "turns": [{"content": "a"}]},
        {"key": 1000, "prompt": "a", "instruction_id_list": ["x"], "kwargs": [{}]},
    ],
    "query_response": [
        {"system": "s", "instruction": "i", "query": "a", "response": "b", "history": []},
        {"query": "a", "response": "b"},
    ],
    "question_answer": [
        {"question": "a", "answer": "b"},
        {"id": "niv.1", "system_prompt": "s", "question": "a", "response": "b"},
        {"id": "x", "title": "t", "context": "c", "question": "a", "answers": {"text": ["b"], "answer_start": [0]}},
        {"problem": "a", "level": "Level 1", "type": "Algebra", "solution": "b"},
        {"instruction": "i", "question": "a", "answer": "b"},
        {"type": "x", "question": "a", "best_answer": "b", "correct_answers": ["b"], "incorrect_answers": ["c"]},
    ],
    "reference_answers": [
        {"question_id": 1, "answer_id": "x", "model_id": "gpt-4", "choices": [{"index": 0, "turns": ["a", "b"]}],
         "tstamp": 1.0},
    ],
    "self_instruct": [
        {"id": "s", "name": "n", "instruction": "a", "instances": [{"input": "", "output": "b"}],
         "is_classification": False},
    ],
    "sharegpt": [
        {"id": "a", "conversations": _FROM},
        {"conversations": _FROM, "tools": "[]", "system": "s"},
        {"conversation": [{"human": "a", "assistant": "b"}], "system": "s"},
        {"conversations": json.dumps(_FROM)},
        {"source": "s", "conversation": [{"input": "a", "output": "b"}]},
        {"conversation_hash": "h", "conversation": [{**turn, "toxic": False} for turn in _TURNS]},
    ],
    "super_ni": [{"Definition": ["d"], "Instances": [{"input": "a", "output": ["b"]}], "Categories": ["c"]}],
    "task_definition": [{"task_name": "t", "id": "t-1", "definition": "d", "inputs": "a", "targets": "b"}],
    "transcript": [
        {"text": "### Human: a### Assistant: b"},
        {"topic": "t", "input": "The conversation between human and AI assistant.\n[|Human|] a\n[|AI|] b\n[|Human|] "},
        {"text": "<human>: a\n<bot>: b", "metadata": {"source": "x"}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("format", _FAMILIES)
def test_every_shape_of_a_family_is_known_and_no_other_format_claims_as_much(format: str) -> None:
    for row in _FAMILIES[format]:
        claims = {name: one.claims(row) for name, one in formats().items()}
        claimed = claims.pop(format)
        assert claimed > max(claims.values()), (row, claimed, claims)
        assert detect([row]) == Detection(format, 1.0)


def test_every_format_is_told_from_the_others_here() -> None:
    assert set(formats()) - {"conversation"} == set(_FAMILIES)


@pytest.mark.parametrize(
    "row",
    [
        {"text": "just text"},
        {"text": "He said:\n### Human: Hi"},
        {"text": "a", "label": 1},
        {"premise": "a", "hypothesis": "b", "label": 0},
        {"1": "17", "2": "text"},
        {"1": "a", "2": "b", "3": "c", "4": "d"},
        {"1": "a", "2": 2},
        {"prompt": [1, 2], "completion": [3]},
        {"data": {"a": 1}},
        {"data": []},
        {"choices": ["a", "b"], "answer": 1},
        {},
    ],
)
def test_what_is_in_no_known_format_is_never_guessed_at(row: dict[str, Any]) -> None:
    assert detect([row]) is None
    assert all(key in unclaimed(row).evidence for key in row)


def test_a_few_broken_rows_do_not_hide_the_format() -> None:
    good, broken = {"instruction": "a", "output": "b"}, {"instructoin": "a", "output": "b"}
    assert detect([broken, *[good] * 9]) == Detection("alpaca", 0.9)


def test_a_misspelt_format_is_answered_with_the_one_meant(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'sharegpt'\?"):
        named("share_gpt", "mine")
    assert named("alpaca", "mine") == Detection("alpaca", None)
    plugin = tmp_path / "recipes.py"
    plugin.write_text("def claims(row): return 0\ndef parse(row): yield from ()\n")
    assert named("recipes", "mine", (plugin,)) == Detection("recipes", None)
    with pytest.raises(ConfigError, match=r"Did you mean 'recipes'\?"):
        named("recipe", "mine", (plugin,))
