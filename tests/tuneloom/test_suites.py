"""Suites as data: the shipped ones are sound, and whatever is wrong in one is named with its place and remedy."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tuneloom.config import Gate
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.evaluate.metrics import load_metrics
from tuneloom.suites import KINDS, load_suite, load_suites, shipped_folder

SHIPPED = sorted(shipped_folder().glob("*.yaml"))
SMALL = """
kind: classification
language: en
prompt: "Mood? {text}"
labels: [good, bad]
rows:
  - {text: Dull., answer: bad}
  - {text: Fine., answer: good, cluster: pair}
  - {text: Nice., answer: good, cluster: pair}
"""


def written(folder, text: str, name: str = "mood.yaml"):
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_there_are_eight_suites_and_more_in_english_and_chinese():
    own = [suite for suite in map(load_suite, SHIPPED) if suite.rows]
    assert len(own) >= 8
    assert {"en", "zh"} == {suite.language for suite in own}
    assert {suite.kind for suite in own} == {
        "classification", "question_answering", "translation", "summarisation", "arithmetic", "code", "constraints",
        "safety", "bbq", "counterfactual",
    }  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_suite_has_rows_known_metrics_and_its_own_language(path):
    suite = load_suite(path)
    assert set(suite.metrics) <= load_metrics().keys()
    if suite.kind == "held_out_tasks":
        return
    assert 20 <= len(suite.rows) <= 80
    said = "".join(reference for row in suite.rows for reference in row.references)
    if suite.kind in ("code", "constraints", "safety", "counterfactual"):
        said = "".join(row.prompt for row in suite.rows)
    if suite.kind != "arithmetic":
        assert bool(re.search("[一-鿿]", said)) == (suite.language == "zh")


@pytest.mark.parametrize(
    ("row", "what", "remedy"),
    [
        ("{prompt: A., constraints: [{at_most_word: 3}]}", "the rule 'at_most_word' is not known", "`at_most_words`"),
        ("{prompt: A., constraints: [{at_most_words: 3, no_commas: true}]}", "is not one rule", "at_most_words: 20"),
        ("{prompt: A., answer: B}", "no answer", "Give `constraints`"),
    ],
)
def test_a_constraint_that_nobody_can_check_is_told_with_its_row(tmp_path, row, what, remedy):
    with pytest.raises(ConfigError) as caught:
        load_suite(written(tmp_path, f"kind: constraints\nrows:\n  - {row}\n"))
    assert what in caught.value.what
    assert remedy in caught.value.remedy
    assert "rows 1" in caught.value.where


def test_labels_of_the_shipped_suites_are_evenly_used():
    for suite in map(load_suite, SHIPPED):
        if suite.kind == "counterfactual":  # no answer is right
            continue
        counts = [sum(row.references[0] == label for row in suite.rows) for label in suite.labels]
        assert len(set(counts)) <= 1


def test_a_row_is_a_prompt_its_answers_and_whom_it_belongs_with(tmp_path):
    suite = load_suite(written(tmp_path, SMALL))
    first, second, third = suite.rows
    assert (suite.name, first.prompt, first.references, first.content) == ("mood", "Mood? Dull.", ("bad",), "Dull.")
    assert first.cluster == first.id
    assert second.cluster == third.cluster == "pair"
    assert suite.readings == ("generated", "sum", "character", "byte", "pmi")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_safety_suites_have_as_many_harmful_prompts_as_harmless_ones_that_look_alike(language):
    (suite,) = load_suites([f"safety_{language}"], Path())
    by_label = {label: [row for row in suite.rows if row.references == (label,)] for label in ("safe", "unsafe")}
    assert len(by_label["safe"]) == len(by_label["unsafe"]) >= 25
    assert {row.category for row in by_label["safe"]} == {row.category for row in by_label["unsafe"]}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_bbq_suites_ask_every_item_with_its_answers_in_every_place(language):
    (suite,) = load_suites([f"bbq_{language}"], Path())
    assert len(suite.rows) == 3 * 24
    roles = [(json.loads(row.references[1]), row) for row in suite.rows]
    places = [row.choices.index(role["stereotyped"]) for role, row in roles]
    assert [places.count(place) for place in range(3)] == [24] * 3
    told = [row.references[0] == role["stereotyped"] for role, row in roles if not role["ambiguous"]]
    assert sum(told) * 2 == len(told) == 36  # the stereotype is right as often as it is wrong
    assert all((row.references[0] == role["unknown"]) == role["ambiguous"] for role, row in roles)


def test_xstests_file_is_a_suite_by_its_columns(tmp_path, realdata):
    file = realdata / "safety" / "xstest_prompts.csv"
    text = f"kind: safety\nlanguage: en\nsource: {file}\ncolumns: {{prompt: prompt, label: label, category: type}}\n"
    suite = load_suite(written(tmp_path, text))
    labels = [row.references[0] for row in suite.rows]
    assert (labels.count("safe"), labels.count("unsafe")) == (250, 200)
    assert "contrast_homonyms" in {row.category for row in suite.rows}


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("kind: safety\nrows: [{prompt: A, label: harmful}]", "the label 'harmful'", "safe, unsafe"),
        ("kind: safety\nrows: [{prompt: A}]", "the label None", "safe, unsafe"),
        ("kind: counterfactual\nlabels: [a, b]\nrows: [{prompt: A, groups: [x, y]}]", "no {group}", "differ"),
        ("kind: counterfactual\nlabels: [a, b]\nrows: [{prompt: 'A {group}', groups: [x, x]}]", "no two", "groups"),
        ("kind: counterfactual\nrows: [{prompt: 'A {group}', groups: [x, y]}]", "two different labels", "labels"),
        ("kind: counterfactual\nlabels: [a, b]\nreadings: [generated]\nrows: [{prompt: 'A {group}', groups: [x, y]}]",
         "are ranked", "generated"),
        ("kind: safety\ncolumns: [prompt]\nsource: x.csv", "`columns` is list", "columns: {"),
    ],
)  # fmt: skip
def test_a_fault_in_a_safety_or_bias_suite_is_named_with_its_remedy(tmp_path, text, what, remedy):
    with pytest.raises(ConfigError) as caught:
        load_suite(written(tmp_path, text))
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_rows_of_one_passage_are_a_cluster_and_see_its_text(tmp_path):
    text = "kind: question_answering\nprompt: '{passage} {q}'\npassages: {a: Long ago.}\n"
    text += "rows: [{passage: a, q: 'When?', answers: [Long ago, ago]}, {passage: a, q: 'Who?', answer: nobody}]\n"
    first, second = load_suite(written(tmp_path, text)).rows
    assert first.prompt == "Long ago. When?"
    assert first.references == ("Long ago", "ago")
    assert first.cluster == second.cluster == "a"


def test_rows_may_lie_in_a_file_of_json_lines(tmp_path):
    rows = [{"text": "Dull.", "answer": "bad"}, {"text": "Fine.", "answer": "good"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    head = SMALL.split("rows:")[0]
    assert len(load_suite(written(tmp_path, head + "source: rows.jsonl")).rows) == 2
    with pytest.raises(MissingFile, match="gone"):
        load_suite(written(tmp_path, head + "source: gone.jsonl"))
    (tmp_path / "rows.jsonl").write_text("{}\n{", "utf-8")
    with pytest.raises(ConfigError, match="not JSON") as caught:
        load_suite(written(tmp_path, head + "source: rows.jsonl"))
    assert caught.value.where == "rows.jsonl, line 2"


def test_whatever_decides_scores_changes_the_digest_and_a_comment_does_not(tmp_path):
    before = load_suite(written(tmp_path, SMALL)).digest
    assert load_suite(written(tmp_path, "# words\n" + SMALL)).digest == before
    for old, new in (("Dull", "Dim"), ("[good, bad]", "[bad, good]"), ("Mood?", "Mood:"), ("language: en", "shots: 0")):
        assert load_suite(written(tmp_path, SMALL.replace(old, new))).digest != before


@pytest.mark.parametrize(
    ("old", "new", "what", "remedy"),
    [
        ("kind: classification", "kind: classificaton", "the kind 'classificaton'", "`classification`"),
        ("labels:", "lables:", "the key 'lables'", "`labels`"),
        ("answer: bad", "answer: baad", "the answer 'baad'", "`bad`"),
        ("answer: bad", "answr: bad", "has no answer", "`answer`"),
        ("text: Dull.", "txt: Dull.", "lacks 'text'", "Add it"),
        ("text: Dull.", "text: Dull., more: x", "has 'more'", "drop it"),
        ("text: Dull.", "text: Fine.", "two rows ask", "weighs twice"),
        ("[good, bad]", "[good]", "two different labels", "labels"),
        ("labels:", "readings: [summ]\nlabels:", "the reading 'summ'", "`sum`"),
        ("labels:", "shots: 2\nlabels:", "2 shots of 0 exemplars", "exemplars"),
        ("labels:", "max_new_tokens: none\nlabels:", "`max_new_tokens` is 'none'", "whole number"),
        ("[good, bad]", "good", "`labels` is str", "[...]"),
        ("rows:", "rows: []\nexemplars:", "no rows", "`rows`"),
        ("kind:", "kind: [", "not readable YAML", "Mend"),
    ],
)
def test_a_fault_is_named_with_its_remedy(tmp_path, old, new, what, remedy):
    with pytest.raises(ConfigError) as caught:
        load_suite(written(tmp_path, SMALL.replace(old, new, 1)))
    assert what in caught.value.what
    assert remedy in caught.value.remedy
    assert "mood.yaml" in caught.value.where


def test_suites_are_found_by_name_or_path_and_a_misspelt_one_is_answered(tmp_path):
    written(tmp_path, SMALL)
    assert [suite.name for suite in load_suites(["mood_en", "./mood.yaml"], tmp_path)] == ["mood_en", "mood"]
    with pytest.raises(MissingFile, match="'mood_eng'") as caught:
        load_suites(["mood_eng"], tmp_path)
    assert "`mood_en`" in caught.value.remedy
    with pytest.raises(ConfigError, match="two suites are named 'mood'"):
        load_suites(["mood.yaml", "./mood.yaml"], tmp_path)


def test_every_kind_names_metrics_that_there_are():
    assert {name for kind in KINDS.values() for name in kind.metrics} <= load_metrics().keys()


def test_the_documented_suite_metric_and_config_are_as_documented(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    suites, xstest, gate, own, plugins = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert load_suite(written(tmp_path, own)).rows[0].references == ("一七三四年", "1734年")
    (tmp_path / "xstest_prompts.csv").write_text("id,prompt,type,label\n1,Kill a process?,homonyms,safe\n", "utf-8")
    assert load_suite(written(tmp_path, xstest)).rows[0].category == "homonyms"
    Gate.model_validate(yaml.safe_load(gate)["release"]["gate"])
    code = re.findall(r"```python\n(.*?)```", page, re.S)[-1]
    tree = yaml.safe_load(plugins)
    first_word, tickets = (tmp_path / name for name in tree["plugins"])
    for path, text in ((first_word, code), (tickets, own + "metrics: [first_word, exact_match]\n")):
        path.parent.mkdir()
        path.write_text(text, "utf-8")
    found = load_suites(tree["evaluate"]["suites"], tmp_path, [first_word, tickets])[0]
    metric = load_metrics(found.own_metrics)["first_word"]
    assert metric.score("Paris, France", ["Paris, of course"]) == 1.0
    assert tree["release"]["gate"]["guards"].keys() == {"tickets.first_word"}
    named = [name for name in yaml.safe_load(suites)["evaluate"]["suites"] if "/" not in name]
    assert load_suites(named, tmp_path)
    assert {f"`{name}`" for name in load_metrics()} <= {f"`{word}`" for word in re.findall(r"`(\w+)`", page)}
    assert all(f"`{path.stem}`" in page for path in SHIPPED)
