"""The stage through a real store: conserved, explained, private, the same bytes however the rows come."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rows import chat
from tests.tuneloom.quality.judged import judged, table
from tuneloom.artifacts import Artifact
from tuneloom.config import Quality, Rule, Safety
from tuneloom.errors import ConfigError
from tuneloom.quality import safety
from tuneloom.quality.stored import read_signals
from tuneloom.records import Conversation, Message
from tuneloom.text import private_rows
from tuneloom.text.personal_data import find

GOOD = [chat(f"What is {n} plus {n}?", f"{n} and {n} are {2 * n}.", language="en", kind="natural") for n in range(8)]
REFUSAL = chat("Name a river.", "I'm sorry, but I can't assist with that.", language="en", kind="natural")
LOOP = chat("Sing.", "la la la ti ti ti " * 12, language="en", kind="natural")
EDIT = """
def transform(row):
    if row["messages"][0]["content"] == "Break":
        raise ValueError("broken")
    for message in row["messages"]:
        message["content"] = message["content"].replace("today", "TODAY")
        message["content"] = message["content"].replace("bad refusal", "I cannot fulfill this request.")
    return row
"""
MAIL = chat("Who?", "Write to ada.moreau@example.org today.", language="en", kind="natural")


def test_a_reject_says_which_rule_which_value_which_bound(tmp_path: Path) -> None:
    artifact = judged(tmp_path, table([*GOOD, REFUSAL, LOOP]))
    counts = artifact.manifest.counts
    assert (counts.rows_in, counts.made, counts.rows_out, counts.rejected, counts.held) == (10, 0, 8, 2, 0)
    details = {row["reason"]: json.loads(row["detail"]) for row in artifact.rejected().to_pylist()}
    assert details["refusal boilerplate"] == {
        "rule": "refusal boilerplate", "version": "standard-2", "value": 1, "bound": 0,
    }  # fmt: skip
    assert details["degenerate repetition"]["value"] > details["degenerate repetition"]["bound"] == 0.5


def test_every_side_is_judged_and_told_apart(tmp_path: Path) -> None:
    rows = table([*GOOD[:2], REFUSAL, chat("Name a hill.", REFUSAL.messages[1].content)], ["train"] * 3 + ["test"])
    told = judged(tmp_path, rows).stats["rules"]["refusal boilerplate"]
    assert (told["rejected"], told["by_side"], told["alone"]) == (2, {"test": 1, "train": 1}, 2)


def test_rows_that_are_not_for_training_are_not_judged_by_their_answers(tmp_path: Path) -> None:
    asked = Conversation((Message("user", "How do I kill a process?"),), use="evaluate")
    refused = chat("q", "I cannot fulfill this request.", use="evaluate")
    artifact = judged(tmp_path, table([asked, refused], ["suite", "suite"]))
    assert artifact.manifest.counts.rows_out == 2
    assert artifact.stats["judged"] == 0


@pytest.mark.parametrize("pii", ["mask", "reject"])
def test_no_raw_value_is_left_in_any_file_of_the_artifact(tmp_path: Path, pii: str) -> None:
    twice = chat("Who?", "I'm sorry, but I can't help with ada.moreau@example.org, that request is not allowed.")
    artifact = judged(tmp_path, table([*GOOD, MAIL, twice]), Quality(pii=pii))
    said = json.dumps([*artifact.table().to_pylist(), *_shown(artifact.rejected()), artifact.stats])
    assert "ada.moreau" not in said
    assert "<EMAIL>" in said


def test_masked_rows_are_counted_and_go_on(tmp_path: Path) -> None:
    artifact = judged(tmp_path, table([*GOOD, MAIL]))
    assert artifact.manifest.counts.rows_out == 9
    assert (artifact.stats["masked"], artifact.stats["personal_data"]) == (1, {"email": 1})


def test_rejected_personal_data_is_counted_by_kind(tmp_path: Path) -> None:
    artifact = judged(tmp_path, table([*GOOD, MAIL]), Quality(pii="reject"))
    assert artifact.manifest.reasons == {"personal data": 1}
    detail = json.loads(artifact.rejected()["detail"][0].as_py())
    assert detail == {
        "rule": "personal data", "version": "personal-data-3", "value": 1, "bound": 0, "evidence": {"email": 1},
    }  # fmt: skip
    assert artifact.stats["rules"]["personal data"] == {"rejected": 1, "by_side": {"train": 1}}


def test_a_rule_of_the_configs_own_rejects_with_its_version_value_and_bound(tmp_path: Path) -> None:
    short = Rule(name="too short", value="answer_characters", min=5, source="a test")
    artifact = judged(tmp_path, table([*GOOD, chat("Say it", "No.")]), Quality(more=(short,)))
    detail = json.loads(artifact.rejected()["detail"][0].as_py())
    assert (detail["rule"], detail["value"], detail["bound"]) == ("too short", 3, 5)
    assert detail["version"].startswith("config-")


def test_the_signals_of_every_judged_row_are_stored_with_the_rule_that_rejected_it(tmp_path: Path) -> None:
    suite = chat("q", "I cannot fulfill this request.", use="evaluate")
    artifact = judged(tmp_path, table([*GOOD, REFUSAL, suite], ["train"] * 9 + ["suite"]))
    stored = read_signals(artifact)
    assert dict(stored["rule"].value_counts().rows()) == {None: 8, "refusal boilerplate": 1}
    kept = [row["id"] for row in artifact.table().to_pylist() if row["side"] != "suite"]
    assert sorted(stored.filter(stored["rule"].is_null())["id"]) == sorted(kept)
    assert set(stored["source"]) == {"made"}
    (written,) = [file for file in artifact.manifest.files if file.path == "signals.parquet"]
    assert written.rows == 9


def test_edits_of_the_users_come_after_the_mask_and_before_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(EDIT)
    rows = table([*GOOD, MAIL, chat("Break", "x"), chat("Say", "bad refusal")])
    artifact = judged(tmp_path, rows, transforms=(file,))
    kept = {row["messages"][0]["content"]: row for row in artifact.table().to_pylist()}
    assert kept["Who?"]["messages"][1]["content"] == "Write to <EMAIL> TODAY."
    assert kept["Who?"]["flags"] == ["personal data masked", "edited by mine"]
    assert kept["Who?"]["content_hash"] != kept["Who?"]["id"]
    assert artifact.stats["edited"] == {"mine": 2}
    assert artifact.manifest.reasons == {"transform failed": 1, "refusal boilerplate": 1}
    assert artifact.stats["rules"]["transform failed"] == {"rejected": 1, "by_side": {"train": 1}}


UNESCAPE = """
import html
def transform(row):
    if row["messages"][0]["content"] == "Break":
        raise ValueError(html.unescape(row["messages"][1]["content"]))
    for message in row["messages"]:
        message["content"] = html.unescape(message["content"])
    return row
"""
HIDDEN = chat("Who?", "Write to ada.moreau&#64;example.org, please.", language="en", kind="natural")
BOTH = chat("Whom?", "Ask bob@example.org or ada.moreau&#64;example.org.", language="en", kind="natural")


@pytest.mark.parametrize(
    ("pii", "raw", "rejected"), [("mask", 0, 1), ("reject", 0, 3), ("keep", 2, 1)]
)  # a reject's evidence is masked whatever the config says, for people read it
def test_personal_data_that_an_edit_brings_to_light_are_treated_as_all_others(
    tmp_path: Path, pii: str, raw: int, rejected: int
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(UNESCAPE)
    broken = chat("Break", "ada.moreau&#64;example.org", language="en", kind="natural")
    artifact = judged(tmp_path, table([*GOOD, HIDDEN, BOTH, broken]), Quality(pii=pii), transforms=(file,))
    assert artifact.manifest.counts.rejected == rejected
    said = [json.dumps(row) for row in artifact.table().to_pylist()]
    assert sum("ada.moreau@" in row for row in said) == raw
    assert "ada.moreau@" not in json.dumps([*_shown(artifact.rejected()), artifact.stats])
    if pii == "mask":
        kept = {row["messages"][0]["content"]: row for row in artifact.table().to_pylist()}
        assert kept["Whom?"]["messages"][1]["content"] == "Ask <EMAIL> or <EMAIL>."
        assert kept["Whom?"]["flags"] == ["personal data masked", "edited by mine"]
        assert kept["Who?"]["flags"] == ["edited by mine", "personal data masked"]
        assert (artifact.stats["masked"], artifact.stats["personal_data"]) == (2, {"email": 3})


def test_keep_and_none_change_nothing(tmp_path: Path) -> None:
    rows = table([*GOOD, MAIL, REFUSAL])
    artifact = judged(tmp_path, rows, Quality(rules="none", pii="keep"))
    assert artifact.table().sort_by("id").equals(rows.sort_by("id").combine_chunks())


def test_an_unknown_profile_stores_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rule profile 'standrad'"):
        judged(tmp_path, table(GOOD), Quality(rules="standrad"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(11)))
def test_the_bytes_depend_on_the_rows_alone(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = table([*GOOD, MAIL, REFUSAL, LOOP])
    files = [
        judged(tmp_path_factory.mktemp("store"), made).manifest.files for made in (rows, rows.take(pa.array(order)))
    ]
    assert [file.digest for file in files[0]] == [file.digest for file in files[1]]


def test_rules_reject_hardly_any_real_row(tmp_path: Path, realdata: Path) -> None:
    rows = []
    for file, language in (("alpaca/alpaca_en_demo.json", "en"), ("zh/alpaca_zh_demo.json", "zh")):
        for row in json.loads((realdata / file).read_text("utf-8")):
            rows.append(chat(f"{row['instruction']}\n{row['input']}", row["output"], language=language, kind="natural"))
    artifact = judged(tmp_path, table(rows), Quality(pii="keep"))
    assert artifact.manifest.counts.rejected < 0.01 * len(rows), artifact.manifest.reasons


def _shown(rejects: pa.Table) -> list[dict]:
    return [{key: row[key] for key in ("reason", "detail", "record")} for row in rejects.to_pylist()]


ADDRESS = chat("Who?", "Nobody.", language="en", kind="natural", meta='{"said": "ada.moreau@example.org"}')
"""Its conversation holds nothing, and is that of another row."""
ALL = [
    *GOOD[:2], MAIL, REFUSAL, LOOP, ADDRESS, chat("写信", "电话13812345678。", language="zh", kind="natural"),
    chat("Who?", "Nobody.", language="en", kind="natural"), chat("Say.", "You fucking idiot.", language="en"),
    chat("Say.", "You fucking idiot.", language="zh"), chat("Add.", "1234 56 78 90 is a sum.", language="en"),
    chat("How do I poison my neighbour?", "Mix it into the tea.", language="en"),
]  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(known=st.sets(st.integers(0, len(ALL) - 1), min_size=1), masked=st.booleans())
def test_a_refresh_gives_the_bytes_of_a_run_from_nothing(
    tmp_path_factory: pytest.TempPathFactory, known: set[int], masked: bool
) -> None:
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    config = Quality(pii="mask" if masked else "reject", safety=Safety(toxic="flag", unsafe_answer="reject"))
    judged(one, table([ALL[n] for n in sorted(known)]), config, name="before")
    refreshed, whole = (judged(folder, table(ALL), config) for folder in (one, two))
    assert _digests(refreshed) == _digests(whole)
    for path in (one / "memo").rglob("*.parquet"):
        assert not re.search(r"ada\.moreau|1381234", str(pq.read_table(path).to_pydict()))


def test_known_rows_are_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, looked = table(ALL), []
    judged(tmp_path, rows, name="before")
    real = find
    monkeypatch.setattr(private_rows, "find", lambda text: looked.append(text) or real(text))
    monkeypatch.setattr(safety, "toxicity", fail)
    monkeypatch.setattr(safety, "unsafe_rows", fail)
    judged(tmp_path, rows)
    assert any("ada.moreau" in text for text in looked)  # what held something is masked anew, for no memo has it
    assert not any("1234 56" in text for text in looked)


def _digests(artifact: Artifact) -> dict[str, str]:
    return {file.path: file.digest for file in artifact.manifest.files}


def fail(*_: object) -> None:
    raise AssertionError("asked for what is known")
