"""The template files: what ships, how a user's own are found, and that a faulty file is told with its line."""

import fnmatch
from collections import Counter
from pathlib import Path

import pytest

from tuneloom.errors import ConfigError, MissingFile
from tuneloom.render.prompt_files import load_prompts, prompts_digest, shipped_folder

APPLICATIONS = ("translation", "summarisation", "question_answering", "classification", "code", "dialogue")
HEADER = "---\nlanguage: en\n---\n"


def own(folder: Path, text: str, name: str = "en-mine") -> Path:
    family = folder / "mine" / "recipes"
    family.mkdir(parents=True, exist_ok=True)
    (family / "family.yaml").write_text("tasks: [cooking]\n")
    (family / f"{name}.jinja").write_text(text)
    return family / f"{name}.jinja"


@pytest.mark.parametrize("family", APPLICATIONS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_application_has_three_templates_and_an_inverted_one_in_both_languages(family, language):
    templates = [t for t in load_prompts([family], Path()) if t.header.language == language]
    plain = [t for t in templates if not t.header.inverted and t.header.shots == "zero"]
    assert len(plain) >= 3
    assert any(t.header.inverted for t in templates)
    assert family == "dialogue" or any(t.header.shots == "few" for t in templates)


def test_some_templates_reason_and_the_super_ni_layout_is_among_them():
    by_language = Counter(t.header.language for t in load_prompts("all", Path()) if t.header.chain_of_thought)
    assert by_language["en"] >= 2
    assert by_language["zh"] >= 2
    assert {t.name for t in load_prompts(["definition"], Path())} >= {
        "definition/en-super-ni",
        "definition/zh-super-ni",
    }


def test_every_shipped_template_fills_with_what_it_needs():
    one = {"instruction": "I1", "input": "T1", "text": "T1", "answer": "A1"}
    values = {
        **{"instruction": "I", "input": "T", "text": "T", "answer": "A", "options": "- o", "rationale": "W"},
        **{"definition": "D", "references": ["R"], "turns": [{"role": "user", "content": "U"}] * 3},
        **{"exemplars": [one], "examples": [{"input": "gi", "output": "go", "good": True}]},
    }
    for template in load_prompts("all", Path()):
        for given in (values, {name: values[name] for name in {*template.needs, "answer"}}):
            prompt, answer = template.fill(given)
            assert prompt == prompt.strip(), template.name
            assert "\n\n\n" not in prompt + answer, template.name
            assert answer.strip(), template.name


def test_the_tasks_of_a_family_are_its_own():
    tasks = {t.name.split("/")[0]: t.tasks for t in load_prompts("all", Path())}
    for task, family in [
        ("translation_en_zh", "translation"),
        ("翻译", "translation"),
        ("text summarization", "summarisation"),
        ("closed_qa", "question_answering"),
        ("sentiment analysis", "classification"),
        ("code_generation", "code"),
    ]:
        serving = [name for name, patterns in tasks.items() if any(fnmatch.fnmatchcase(task, p) for p in patterns)]
        assert set(serving) - {"general", "definition", "dialogue"} == {family}
    assert not any(fnmatch.fnmatchcase("task1319_country_by_barcode_prefix", p) for p in tasks["code"])


def test_a_folder_of_ones_own_stands_beside_the_shipped_ones(tmp_path):
    own(tmp_path, HEADER + "Cook {{ instruction }}.\n|||\n{{ answer }}!\n")
    templates = load_prompts(["translation/en-*", "./mine"], tmp_path)
    assert {t.name for t in templates} >= {"recipes/en-mine", "translation/en-plain"}
    (mine,) = [t for t in templates if t.name == "recipes/en-mine"]
    assert mine.fill({"instruction": "rice", "answer": "Boil it"}) == ("Cook rice.", "Boil it!")
    assert mine.needs == {"instruction", "answer"}


def test_the_digest_follows_the_files_and_not_their_place(tmp_path):
    for place in ("a", "b"):
        own(tmp_path / place, HEADER + "{{ instruction }}\n")
    assert prompts_digest(None, tmp_path) is None
    first = prompts_digest(["./mine"], tmp_path / "a")
    assert first == prompts_digest(["./mine"], tmp_path / "b")
    own(tmp_path / "b", HEADER + "{{ instruction }}?\n")
    assert first != prompts_digest(["./mine"], tmp_path / "b")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("no header", 1, "header"),
        ("---\nlanguage: en\nshot: few\n---\nx\n", 1, "`shot`"),
        ("---\nshots: zero\n---\nx\n", 1, "`language`"),
        ("---\nlanguage: [\n---\nx\n", 1, "parsing"),
        (HEADER + "x\n{% for %}\n", 5, "Expected"),
        (HEADER + "x\n|||\n\n{{ y | center }}\n", 7, "center"),
        (HEADER + "x\n|||\ny\n|||\nz\n", 4, "more than one"),
    ],
)
def test_a_file_that_is_no_template_is_told_with_its_line(tmp_path, text, line, why):
    file = own(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_prompts(["./mine"], tmp_path)
    assert f"{file}, line {line}" in caught.value.where
    assert why in caught.value.what


def test_a_family_must_say_its_tasks(tmp_path):
    file = own(tmp_path, HEADER + "x\n").parent / "family.yaml"
    file.write_text("task: x\n")
    with pytest.raises(ConfigError, match=r"family\.yaml"):
        load_prompts(["./mine"], tmp_path)
    file.unlink()
    with pytest.raises(ConfigError, match=r"family\.yaml"):
        load_prompts(["./mine"], tmp_path)


def test_names_that_nothing_has_are_told_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match="translatoin") as caught:
        load_prompts(["translatoin"], tmp_path)
    assert "translation" in caught.value.remedy
    with pytest.raises(MissingFile):
        load_prompts(["./nowhere"], tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile):
        load_prompts(["./empty"], tmp_path)


def test_the_shipped_folder_is_the_one_that_a_wheel_carries():
    assert shipped_folder().parts[-2:] == ("data", "templates")
