"""Files that nobody tuned for, as their publishers ship them: read with `format: auto`, with known answers; and any
conversation, written in the shape of any family, is read back as the same turns."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tuneloom.ingest.built import ingested, rejects, rows, turns, write_jsonl
from tuneloom.ingest.checks import settle
from tuneloom.ingest.detect import detect
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Row
from tuneloom.records import Conversation

Turns = list[tuple[str, str]]


def _meta(row: dict[str, Any]) -> dict[str, Any]:
    return json.loads(row["meta"])


def test_flan_v2(tmp_path: Path) -> None:
    values = [
        {"inputs": f"Premise {i}.\nOptions:\n- yes\n- no", "targets": "yes", "task_source": "Flan2021",
         "task_name": f"rte:{i % 2}", "template_type": "zs_opt"}
        for i in range(4)
    ]  # fmt: skip
    artifact = ingested(write_jsonl(tmp_path / "flan_zsopt.jsonl", values), language="en")
    assert artifact.stats["format"] == "prompt_completion"
    assert [row["task"] for row in rows(artifact)] == ["rte:0", "rte:1", "rte:0", "rte:1"]
    assert _meta(rows(artifact)[0]) == {"task_source": "Flan2021", "template_type": "zs_opt"}
    raw = {"inputs": "a", "targets": "b", "_task_name": "t", "_task_source": "P3", "_template_idx": 3,
           "_template_type": "fs_opt"}  # fmt: skip
    (row,) = rows(ingested(write_jsonl(tmp_path / "raw.jsonl", [raw]), language="en"))
    assert (row["task"], _meta(row)["_template_type"]) == ("t", "fs_opt")


def test_p3_in_parquet_with_a_row_for_each_choice(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [
        {"answer_choices": ["guilty", "not guilty"], "idx": [0, i], "inputs": [3, 9], "is_correct": i == 1,
         "inputs_pretokenized": "Is it?\n", "targets": [7], "targets_pretokenized": choice, "weight": 1.0}
        for i, choice in enumerate(["guilty", "not guilty"])
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "p3.parquet")
    artifact = ingested(tmp_path / "p3.parquet", language="en")
    (row,) = rows(artifact)
    assert turns(row) == [("user", "Is it?\n"), ("assistant", "not guilty")]
    assert row["choices"] == ["guilty", "not guilty"]
    assert _meta(row) == {"idx": [0, 1], "is_correct": True, "weight": 1.0}
    assert artifact.manifest.reasons == {"labelled bad": 1}


def test_openorca(tmp_path: Path) -> None:
    values = [{"id": f"flan.{i}", "system_prompt": "" if i else "Explain.", "question": f"{i}?", "response": "So."}
              for i in range(2)]  # fmt: skip
    artifact = ingested(write_jsonl(tmp_path / "1M-GPT4-Augmented.jsonl", values), language="en")
    assert [turns(row) for row in rows(artifact)] == [
        [("system", "Explain."), ("user", "0?"), ("assistant", "So.")],
        [("user", "1?"), ("assistant", "So.")],
    ]


def test_nemotron(tmp_path: Path) -> None:
    value = {
        "version": "v1", "input": [{"role": "user", "content": "1+1?"}], "output": "<think>\n1+1\n</think>\n2",
        "category": "math", "license": "cc-by-4.0", "reasoning": "on", "generator": "DeepSeek-R1",
        "used_in_training": "yes", "system_prompt": "detailed thinking on",
    }  # fmt: skip
    (row,) = rows(ingested(write_jsonl(tmp_path / "math.jsonl", [value]), language="en"))
    assert turns(row)[::2] == [("system", "detailed thinking on"), ("assistant", "<think>\n1+1\n</think>\n2")]
    assert (row["category"], row["license"]) == ("math", "cc-by-4.0")
    assert _meta(row)["generator"] == "DeepSeek-R1"


def test_metharme_swift_ultrachat_lima_and_vicuna(tmp_path: Path) -> None:
    turn = {"human": "Hi", "assistant": "Hello"}
    shapes: dict[str, dict[str, Any]] = {
        "prompt_completion": {"prompt": "Hi", "generation": "Hello"},
        "sharegpt": {"system": "", "conversation": [turn]},
        "alternating": {"id": "0", "data": ["Hi", "Hello"]},
        "query_response": {"query": "Hi", "response": "Hello", "history": []},
    }
    shapes |= {"alpaca": {"instruction": "Hi", "output": "Hello"}}  # WizardLM
    for format, value in shapes.items():
        artifact = ingested(write_jsonl(tmp_path / f"{format}.jsonl", [value]), language="en")
        assert artifact.stats["format"] == format
        assert turns(rows(artifact)[0]) == [("user", "Hi"), ("assistant", "Hello")]
    lima = write_jsonl(tmp_path / "lima.jsonl", [{"conversations": ["Hi", "Hello"], "source": "wikihow"}, {
        "conversations": ["Hi"], "source": "test"}])  # fmt: skip
    artifact = ingested(lima, language="en")
    assert (len(rows(artifact)), [r[1] for r in rejects(artifact)]) == (1, ["no answer"])
    vicuna = write_jsonl(tmp_path / "question.jsonl", [{"question_id": 1, "text": "Hi", "category": "generic"}])
    (row,) = rows(ingested(vicuna, language="en", use="decontaminate"))
    assert (turns(row), row["category"], row["use"]) == ([("user", "Hi")], "generic", "decontaminate")


def test_a_tree_of_openassistant(tmp_path: Path) -> None:
    replies = [
        {"message_id": "b", "text": "Go.", "role": "assistant", "rank": 1, "replies": []},
        {"message_id": "c", "text": "Hello", "role": "assistant", "rank": 0, "replies": []},
    ]
    prompt = {"message_id": "a", "text": "Hi", "role": "prompter", "lang": "en", "replies": replies}
    value = {"message_tree_id": "a", "tree_state": "ready_for_export", "prompt": prompt}
    artifact = ingested(write_jsonl(tmp_path / "oasst_ready.trees.jsonl", [value]))
    (row,) = rows(artifact)
    assert (turns(row), row["language"]) == ([("user", "Hi"), ("assistant", "Hello")], "en")
    counts = artifact.manifest.counts
    assert (counts.rows_in, counts.made, counts.rows_out, counts.rejected) == (1, 1, 1, 1)
    assert [(reason, detail["evidence"]) for _, reason, detail, _ in rejects(artifact)] == [
        ("lower-ranked reply", "message b, rank 1")
    ]


def test_flat_messages_of_openassistant(tmp_path: Path) -> None:
    def message(name: str, parent: str | None, role: str, **more: Any) -> dict[str, Any]:
        return {"message_id": name, "parent_id": parent, "text": f"{name}!", "role": role, "lang": "en", **more}

    values = [
        message("a1", "q1", "assistant", rank=1, message_tree_id="t1"),
        message("q2", None, "prompter", message_tree_id="t2"),
        message("q1", None, "prompter", message_tree_id="t1"),
        message("a2", "q2", "assistant", rank=0, message_tree_id="t2"),
        message("b1", "q1", "assistant", rank=0, message_tree_id="t1"),
        message("lost", "gone", "assistant", rank=0, message_tree_id="t2"),
    ]
    artifact = ingested(write_jsonl(tmp_path / "oasst.messages.jsonl", values))
    assert artifact.stats["format"] == "openassistant"
    assert [(row["origin"]["row"], turns(row)) for row in rows(artifact)] == [
        (1, [("user", "q1!"), ("assistant", "b1!")]),
        (2, [("user", "q2!"), ("assistant", "a2!")]),
    ]
    assert [reject[:2] for reject in rejects(artifact)] == [(1, "lower-ranked reply"), (6, "parent missing")]


@pytest.mark.parametrize("mark", [",", "\t"])
def test_tables_with_names(tmp_path: Path, mark: str) -> None:
    file = tmp_path / ("f.csv" if mark == "," else "f.tsv")
    file.write_text(mark.join(["question", "answer", "level"]) + "\n" + mark.join(["How many?", "3", "easy"]) + "\n")
    (row,) = rows(ingested(file, language="en"))
    assert turns(row) == [("user", "How many?"), ("assistant", "3")]
    assert _meta(row) == {"level": "easy"}


def _openai(said: Turns) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in said]


def _sharegpt(said: Turns) -> list[dict[str, Any]]:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return [{"from": names[role], "value": text} for role, text in said]


def _pairs(said: Turns) -> list[list[str]]:
    texts = [text for role, text in said if role != "system"]
    return [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]


def _system(said: Turns, name: str = "system") -> dict[str, Any]:
    return {name: said[0][1]} if said[0][0] == "system" else {}


def _last(said: Turns, asked: str, answered: str) -> dict[str, Any]:
    (*_, (_, question), (_, answer)) = said
    return {asked: question, answered: answer}


def _nested(said: Turns) -> dict[str, Any]:
    node: dict[str, Any] = {}
    for number, (role, text) in reversed(list(enumerate(said))):
        name = "prompter" if role == "user" else role
        node = {"message_id": str(number), "text": text, "role": name, "replies": [node] if node else []}
    return node


DIALOGUES: dict[str, list[Callable[[Turns], dict[str, Any]]]] = {
    "messages": [
        lambda s: {"messages": _openai(s)},
        lambda s: {"messages": [{"role": r, "content": [{"type": "text", "text": t}], "weight": 1.0} for r, t in s]},
        lambda s: {"input": _openai(s[:-1]), "output": s[-1][1]},
        lambda s: {"prompt": _openai(s[:-1]), "completion": _openai(s[-1:])},
    ],
    "sharegpt": [
        lambda s: {"conversations": _sharegpt(s)},
        lambda s: {"conversation": [{"human": q, "assistant": a} for q, a in _pairs(s)], **_system(s)},
    ],
    "alternating": [lambda s: {"data": [text for pair in _pairs(s) for text in pair], **_system(s)}],
    "alpaca": [lambda s: {**_last(s, "instruction", "output"), "history": _pairs(s)[:-1], **_system(s)}],
    "query_response": [lambda s: {**_last(s, "query", "response"), "history": _pairs(s)[:-1], **_system(s)}],
    "preference": [
        lambda s: {"conversations": _sharegpt(s[:-1]), "chosen": _sharegpt(s)[-1], "rejected": _sharegpt(s)[-1]},
        lambda s: {"chosen": _openai(s), "rejected": _openai(s[:-1])},
        lambda s: {"messages": _openai(s), "label": True},
    ],
    "openassistant": [lambda s: {"message_tree_id": "0", "prompt": _nested(s)}],
}  # fmt: skip
SINGLES: dict[str, list[Callable[[Turns], dict[str, Any]]]] = {
    "alpaca": [
        lambda s: {**_last(s, "instruction", "output"), **_system(s)},
        lambda s: {**_last(s, "INSTRUCTION", "RESPONSE"), **_system(s)},
    ],
    "dolly": [lambda s: {**_last(s, "instruction", "response"), "context": "", **_system(s)}],
    "prompt_completion": [
        lambda s: {**_last(s, "prompt", "completion"), **_system(s)},
        lambda s: {**_last(s, "inputs", "targets"), **_system(s)},
    ],
    "question_answer": [lambda s: {**_last(s, "question", "response"), **_system(s, "system_prompt")}],
    "preference": [lambda s: {**_last(s, "prompt", "chosen"), "rejected": "x", **_system(s)}],
}
PLAIN: dict[str, list[Callable[[Turns], dict[str, Any]]]] = {
    "self_instruct": [lambda s: {"instruction": s[0][1], "instances": [{"input": "", "output": s[1][1]}]}],
    "super_ni": [lambda s: {"Definition": [s[0][1]], "Instances": [{"input": "", "output": [s[1][1]]}]}],
    "task_definition": [lambda s: {"definition": s[0][1], "inputs": "", "targets": s[1][1]}],
}
_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text.strip() and text[0] not in "[\ufeff\u200b\u2060" and not text.rstrip().endswith(">")
)
_PAIR = st.tuples(_TEXT, _TEXT).map(lambda pair: [("user", pair[0]), ("assistant", pair[1])])


def _read(format: str, row: dict[str, Any]) -> Turns:
    found = detect([row])
    assert found is not None
    assert (found.format, found.confidence) == (format, 1.0)
    (one,) = formats()[format].parse(Row(row))
    assert isinstance(one, Conversation)
    settled = settle(one)
    assert settled.flags == ()
    return [(message.role, message.content) for message in settled.messages]


@pytest.mark.parametrize("format", DIALOGUES)
@given(system=st.none() | _TEXT, pairs=st.lists(_PAIR, min_size=1, max_size=3))
def test_a_dialogue_in_any_shape_is_read_back_as_it_was(format: str, system: str | None, pairs: list[Turns]) -> None:
    said = [turn for pair in pairs for turn in pair]
    said = [("system", system), *said] if system and format != "openassistant" else said
    for shape in DIALOGUES[format]:
        assert _read(format, shape(said)) == said


@pytest.mark.parametrize("format", SINGLES)
@given(system=st.none() | _TEXT, pair=_PAIR)
def test_a_prompt_and_its_answer_in_any_shape_are_read_back_as_they_were(
    format: str, system: str | None, pair: Turns
) -> None:
    said = [("system", system), *pair] if system else pair
    for shape in SINGLES[format]:
        assert _read(format, shape(said)) == said


@pytest.mark.parametrize("format", PLAIN)
@given(pair=_PAIR)
def test_an_instance_of_a_task_is_read_back_as_it_was(format: str, pair: Turns) -> None:
    for shape in PLAIN[format]:
        assert _read(format, shape(pair)) == pair


@given(pairs=st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=3))
@pytest.mark.parametrize("marks", [("### Human: ", "### Assistant: "), ("\n<human>: ", "\n<bot>: ")])
def test_a_transcript_is_read_back_as_it_was(marks: tuple[str, str], pairs: list[tuple[str, str]]) -> None:
    said = [(role, text.strip()) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]
    if any("#" in text or "<" in text for _, text in said):
        return
    text = "".join(marks[role == "assistant"] + words for role, words in said)
    assert _read("transcript", {"text": text}) == said


_HI = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]


@pytest.mark.parametrize(
    "value",
    [
        {"conversations": _HI, "system_prompt": "Be brief."},  # OpenHermes
        {"conversations": [{"from": "system", "value": "Be brief."}, *_HI], "system_prompt": "Be brief."},
        {"messages": [{"role": "system", "content": "Be brief."}, *_HI], "system": "Be brief."},
        {"data": ["Hi", "Yo"], "system_prompt": "Be brief."},
        {"text": "### Human: Hi### Assistant: Yo", "system_prompt": "Be brief."},
        {"prompt": "Hi", "response": "Yo", "system_prompt": "Be brief."},
        {"instruction": "Hi", "output": "Yo", "system_prompt": "Be brief."},
        {"instruction": "Hi", "context": "", "response": "Yo", "system_prompt": "Be brief."},
        {"query": "Hi", "response": "Yo", "system_prompt": "Be brief."},
        {"question": "Hi", "answer": "Yo", "system_prompt": "Be brief."},
        {"prompt": "Hi", "chosen": "Yo", "rejected": "Go.", "system_prompt": "Be brief."},
    ],
)
def test_the_systems_words_beside_the_turns_are_its_turn_once(tmp_path: Path, value: dict[str, Any]) -> None:
    (row,) = rows(ingested(write_jsonl(tmp_path / "rows.jsonl", [value]), language="en"))
    assert turns(row) == [("system", "Be brief."), ("user", "Hi"), ("assistant", "Yo")]


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ({"question": "Who?", "answer": "Tom", "passage": "Tom went."}, "Who?\n\nTom went."),
        ({"question": "Who?", "options": ["Tom", "Ann"], "answer": "A", "article": "Tom went."},  # RACE
         "Tom went.\n\nWho?\n\n- Tom\n- Ann"),
        ({"prompt": "Translate.", "input": "Haus", "output": "Tom"}, "Translate.\n\nHaus"),
        ({"prompt": "Translate Haus.", "input": "Haus", "output": "Tom"}, "Translate Haus."),
        ({"instruction": "Who?", "input": "Say.", "context": "Tom went.", "response": "Tom"},
         "Who?\n\nTom went.\n\nSay."),
    ],
)  # fmt: skip
def test_all_that_asks_is_in_the_prompt(tmp_path: Path, value: dict[str, Any], asked: str) -> None:
    (row,) = rows(ingested(write_jsonl(tmp_path / "rows.jsonl", [value]), language="en"))
    assert turns(row) == [("user", asked), ("assistant", "Tom")]


@pytest.mark.parametrize(
    ("head", "format"),
    [
        ("Question,Answer", "question_answer"),
        ("Instruction,Response", "alpaca"),
        ("PROMPT,Completion", "prompt_completion"),
    ],
)
def test_names_with_capitals(tmp_path: Path, head: str, format: str) -> None:
    (tmp_path / "rows.csv").write_text(f"{head},Level\nHi,Yo,easy\nHo,,hard\n")
    artifact = ingested(tmp_path / "rows.csv", language="en")
    assert artifact.stats["format"] == format
    assert [turns(row) for row in rows(artifact)] == [[("user", "Hi"), ("assistant", "Yo")]]
    assert artifact.manifest.reasons == {"empty answer": 1}
    (reject,) = artifact.rejected().to_pylist()
    assert json.loads(reject["record"]) == dict(zip([*head.split(","), "Level"], ["Ho", "", "hard"], strict=True))


def test_names_that_differ_in_capitals_alone_are_not_one(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "rows.jsonl", [{"Question": "Hi", "QUESTION": "Ho", "Answer": "Yo"}])
    assert ingested(file).manifest.reasons == {"unknown format": 1}


def test_an_input_after_a_history(tmp_path: Path) -> None:
    value = {"input": "And?", "output": "Yo", "history": [["Hi", "Hello"]]}
    (row,) = rows(ingested(write_jsonl(tmp_path / "rows.jsonl", [value]), language="en"))
    assert turns(row) == [("user", "Hi"), ("assistant", "Hello"), ("user", "And?"), ("assistant", "Yo")]


@pytest.mark.parametrize(
    "table",
    [
        "prompt,completion,label\nHi,Yo,True\nHi,Go.,False\n",  # KTO
        "prompt,response,is_safe\nHi,Yo,true\nHi,Go.,false\n",  # BeaverTails
        "inputs,targets,is_correct\nHi,Yo,TRUE\nHi,Go.,FALSE\n",  # P3
    ],
)
def test_an_answer_that_its_publisher_labels_bad_trains_from_no_table(tmp_path: Path, table: str) -> None:
    (tmp_path / "rows.csv").write_text(table)
    artifact = ingested(tmp_path / "rows.csv", language="en")
    assert [turns(row) for row in rows(artifact)] == [[("user", "Hi"), ("assistant", "Yo")]]
    assert artifact.manifest.reasons == {"labelled bad": 1}


def test_a_reply_of_openassistant_that_reviewers_turned_down_is_on_no_path(tmp_path: Path) -> None:
    spam = {"message_id": "b", "text": "Buy!", "role": "assistant", "rank": 0, "review_result": False}
    good = {"message_id": "c", "text": "Hello", "role": "assistant", "rank": 1, "review_result": True}
    prompt = {"message_id": "a", "text": "Hi", "role": "prompter", "replies": [spam, good]}
    artifact = ingested(write_jsonl(tmp_path / "all.trees.jsonl", [{"message_tree_id": "a", "prompt": prompt}]))
    assert [turns(row) for row in rows(artifact)] == [[("user", "Hi"), ("assistant", "Hello")]]
    assert artifact.manifest.reasons == {"labelled bad": 1}
