"""A user's own edits: counted, flagged, hashed anew; a failure costs one row."""

import json
import re
from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.quality.transforms import Edited, apply_transforms, load_transforms
from tuneloom.records import content_digest

ROWS = [chat("colour", "a", fields={"input": "x"}), chat("b", "grey colour"), chat("c", "none")]


def edited(folder: Path, *bodies: str) -> Edited:
    """What functions of those bodies, in files a.py, b.py, ..., make of the rows."""
    paths = [folder / f"{name}.py" for name, _ in zip("abc", bodies, strict=False)]
    for path, body in zip(paths, bodies, strict=True):
        path.write_text(f"def transform(row):\n{body}")
    return apply_transforms(table(ROWS), load_transforms(paths))


SPELL = """    for message in row["messages"]:
        message["content"] = message["content"].replace("colour", "color")
    return row
"""


def test_changed_rows_are_counted_flagged_and_hashed_anew_the_others_untouched(tmp_path: Path) -> None:
    before, found = table(ROWS), edited(tmp_path, SPELL)
    rows = found.rows.to_pylist()
    assert found.counts == {"a": 2}
    assert [row["messages"][1]["content"] for row in rows] == ["a", "grey color", "none"]
    assert [row["flags"] for row in rows] == [["edited by a"], ["edited by a"], []]
    assert rows[1]["content_hash"] == content_digest(chat("b", "grey color"))
    assert [row["id"] for row in rows] == before["id"].to_pylist()
    assert rows[2] == before.to_pylist()[2]
    assert found.rows.schema == before.schema


def test_transforms_follow_one_another_and_may_edit_fields(tmp_path: Path) -> None:
    fields = '    row["fields"]["input"] = row["messages"][0]["content"]\n    return row\n'
    found = edited(tmp_path, SPELL, fields)
    assert found.counts == {"a": 2, "b": 3}
    assert dict(found.rows.to_pylist()[0]["fields"]) == {"input": "color"}


def test_what_makes_the_row_the_row_cannot_be_changed(tmp_path: Path) -> None:
    body = '    row["kind"] = row["license"] = "mine"\n    row.pop("origin", None)\n    return row\n'
    found = edited(tmp_path, body)
    assert found.counts == {"a": 0}
    assert found.rows.equals(table(ROWS))


@pytest.mark.parametrize(
    ("body", "evidence"),
    [
        ('    return row if row["messages"][1]["content"] != "none" else 1 / 0\n', "ZeroDivisionError: .*a.py:2"),
        ('    return row if row["messages"][1]["content"] != "none" else None\n', "TypeError"),
        (
            '    if row["messages"][1]["content"] == "none": row["messages"][1]["content"] = 7\n    return row\n',
            "TypeError: messages.1..content: 7",
        ),
        ('    if row["messages"][1]["content"] == "none": row["messages"] = 3\n    return row\n', "TypeError: 'int'"),
    ],
)
def test_a_row_on_which_it_fails_is_rejected_with_the_error_and_the_others_go_on(
    tmp_path: Path, body: str, evidence: str
) -> None:
    found = edited(tmp_path, body)
    assert len(found.rows) == 2
    (reject,) = found.failed
    assert (reject.reason, reject.origin.row) == ("transform failed", 3)
    assert {*reject.detail} == {"rule", "version", "value", "bound", "evidence"}
    assert pytest.approx(1) == reject.detail["value"]
    assert re.search(evidence, json.dumps(reject.detail["evidence"]))


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ('answer["mood"] = "glad"', "mood"),
        ('del answer["role"]', "role"),
        ('answer["role"] = "bot"', "messages.1..role: 'bot'"),
        ('answer["content"] = None', "messages.1..content: None"),
        ('answer["content"] = b"none"', "messages.1..content: b'none'"),
        ('answer["weight"] = None', "messages.1..weight: None"),
        ('answer["weight"] = 0', "nothing to train"),
        ('answer["content"] = " "', "empty answer"),
        ('row["messages"] = []', "no prompt"),
        ('row["messages"].pop()', "no answer"),
        ('row["messages"][0]["content"] = ""', "no prompt"),
        ('row["fields"]["input"] = None', "fields"),
        ('row["references"] = [None]', "references"),
        ('row["choices"] = ["a", None]', "choices"),
        ('row["examples"] = [{"input": "a", "output": None, "good": True}]', "examples"),
        ('row["tools"] = []', "Arrow"),
        ('import sys; sys.exit("no")', "SystemExit"),
    ],
)
def test_what_is_no_conversation_any_more_fails_as_an_error_does(tmp_path: Path, change: str, evidence: str) -> None:
    body = f"""    answer = row["messages"][-1]
    if answer["content"] == "none":
        {change}
    return row
"""
    found = edited(tmp_path, body)
    assert len(found.rows) == 2
    (reject,) = found.failed
    assert reject.reason == "transform failed"
    assert re.search(evidence, reject.detail["evidence"])


def test_a_turn_of_role_and_content_alone_weighs_as_ingested_ones_do(tmp_path: Path) -> None:
    turns = '[{name: turn[name] for name in ("role", "content")} for turn in row["messages"]]'
    body = f'    row["messages"] = {turns}\n    return row\n'
    found = edited(tmp_path, body)
    assert found.counts == {"a": 0}
    assert found.rows.equals(table(ROWS))


def test_a_file_without_the_function_or_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.py").write_text("x = 1")
    (tmp_path / "bad.py").write_text("x = 1\ny = 1 / 0\n")
    with pytest.raises(ConfigError, match="has no function `transform`"):
        load_transforms([tmp_path / "no.py"])
    with pytest.raises(ConfigError, match=r"cannot be loaded: ZeroDivisionError.*bad.py:2"):
        load_transforms([tmp_path / "bad.py"])
    with pytest.raises(MissingFile, match=r"no plugin gone.py"):
        load_transforms([tmp_path / "gone.py"])
