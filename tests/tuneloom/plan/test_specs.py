"""Keys from inputs alone: what changes a stage changes those after it, and nothing else."""

import shutil
from pathlib import Path

import pytest

from tests.tuneloom.plan.planned import config, keys
from tuneloom.artifacts import code_digest
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.plan import DATA_STAGES, STAGES, make_plan, with_champion
from tuneloom.runs import freeze_champion


def test_every_stage_up_to_train_has_a_key_before_anything_ran(project: Path) -> None:
    plan = make_plan(config(), project)
    assert tuple(plan.specs) == STAGES[: STAGES.index("train") + 1]
    assert set(dict(plan.found()).values()) == {None}


def test_keys_do_not_depend_on_name_store_or_place(project: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(project, tmp_path / "elsewhere" / "deep")
    one = make_plan(config(), project)
    other = make_plan(config(name="other", store=str(tmp_path / "store")), moved)
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"dedup": {"near": {"threshold": 0.7}}}, "dedup"),
        ({"split": {"test": 0.1}}, "split"),
        ({"decontaminate": {"coverage": 0.4}}, "decontaminate"),
        ({"decontaminate": None}, "decontaminate"),
        ({"quality": {"pii": "reject"}}, "quality"),
        ({"quality": {"without": ["mojibake"]}}, "quality"),
        ({"mixture": {"cap": 5}}, "mixture"),
        ({"render": {"max_length": 512}}, "render"),
        ({"train": {"rank": 4}}, "train"),
        ({"seed": 1}, "split"),
    ],
)
def test_a_changed_setting_changes_its_stage_and_those_after_it(project: Path, change: dict, first: str) -> None:
    before, after = keys(make_plan(config(), project)), keys(make_plan(config(**change), project))
    changed = [stage for stage in before if before[stage] != after[stage]]
    assert changed == list(before)[list(before).index(first) :]


def test_a_changed_model_spares_the_stages_that_do_not_read_it(project: Path) -> None:
    before = keys(make_plan(config(), project))
    (project / "model" / "model.safetensors").write_text("other weights")
    after = keys(make_plan(config(), project))
    assert [stage for stage in before if before[stage] == after[stage]] == list(DATA_STAGES[:7])


def test_the_code_that_counts_tokens_is_an_input_of_a_mixture_by_tokens_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tokens, by_rows = config(mixture={"tokens": {"s": 1000}}), config()
    before = [keys(make_plan(one, project)) for one in (by_tokens, by_rows)]

    def other(module: str) -> str:
        return "another" if module == "tuneloom.render.tokenizer" else code_digest(module)

    monkeypatch.setattr("tuneloom.plan.specs.code_digest", other)
    after = [keys(make_plan(one, project)) for one in (by_tokens, by_rows)]
    assert [stage for stage in before[0] if before[0][stage] != after[0][stage]] == ["mixture", "render", "train"]
    assert before[1] == after[1]


def test_a_limit_makes_another_run(project: Path) -> None:
    whole, part = make_plan(config(), project), make_plan(config(), project, limit=1)
    assert whole.record.identity != part.record.identity
    assert keys(whole)["ingest"] != keys(part)["ingest"]


def test_the_text_of_a_row_transform_is_an_input_of_quality_alone(project: Path) -> None:
    (project / "mine.py").write_text("def transform(row):\n    return row\n")
    own = config(quality={"transforms": ["mine.py"]})
    before = make_plan(own, project)
    (project / "mine.py").write_text("def transform(row):\n    return dict(row)\n")
    after = make_plan(own, project)
    changed = [stage for stage in keys(before) if keys(before)[stage] != keys(after)[stage]]
    assert changed == list(keys(before))[list(keys(before)).index("quality") :]
    assert before.record.identity != after.record.identity


def test_a_wrong_rule_is_told_before_anything_runs(project: Path) -> None:
    wrong = config(quality={"more": [{"name": "short", "value": "answer_wrods", "min": 2}]})
    with pytest.raises(ConfigError, match=r"'answer_wrods', which is no signal \(quality.more.0: short: value\)"):
        make_plan(wrong, project)
    with pytest.raises(ConfigError, match="no rule profile 'standrad'"):
        make_plan(config(quality={"rules": "standrad"}), project)


def test_prompt_templates_are_inputs_of_render_and_a_faulty_one_stops_the_plan(project: Path) -> None:
    family = project / "templates" / "mine"
    family.mkdir(parents=True)
    (family / "family.yaml").write_text("tasks: ['*']\n")
    template = family / "en-one.jinja"
    asked = config(render={"prompts": ["./templates"]})
    plans = []
    for body in ("{{ instruction }}", "{{ instruction }}!"):
        template.write_text(f"---\nlanguage: en\n---\n{body}\n")
        plans.append(make_plan(asked, project))
    before, after = map(keys, plans)
    assert [stage for stage in before if before[stage] != after[stage]] == ["render", "train"]
    assert plans[0].record.identity != plans[1].record.identity
    template.write_text("---\nlanguage: en\n---\n{% for %}\n")
    with pytest.raises(ConfigError, match=r"en-one\.jinja, line 4"):
        make_plan(asked, project)


def test_an_evaluation_suites_rows_are_an_input_of_decontaminate_and_its_metrics_are_not(project: Path) -> None:
    suite, found = project / "mood.yaml", []
    row = "{prompt: Dull., answer: bad}"
    for rows, more in ((row, ""), ("{prompt: Dim., answer: bad}", ""), (row, "metrics: [exact_match]\n")):
        suite.write_text(f"kind: question_answering\n{more}rows: [{rows}]\n", "utf-8")
        found.append(keys(make_plan(config(evaluate={"suites": ["./mood.yaml"]}), project)))
    first, other_row, other_metric = found
    changed = [stage for stage in first if first[stage] != other_row[stage]]
    assert changed == list(first)[list(first).index("decontaminate") :]
    assert first == other_metric


def test_an_evaluation_suites_rows_are_an_input_of_evaluate_and_of_the_run(project: Path) -> None:
    """Read with the plan, so that a misspelt suite stops the run before it trains."""
    suite = project / "mood.yaml"
    plans = []
    for row in ("{prompt: Dull., answer: bad}", "{prompt: Dim., answer: bad}"):
        suite.write_text(f"kind: question_answering\nrows: [{row}]\n", "utf-8")
        plan = make_plan(config(evaluate={"suites": ["./mood.yaml"]}, decontaminate=None), project)
        plans.append(with_champion(plan, freeze_champion(plan.record, None)))
    first, second = plans
    assert first.record.identity != second.record.identity
    changed = [stage for stage, key in keys(first).items() if keys(second)[stage] != key]
    assert changed == ["evaluate", "release"]
    with pytest.raises(MissingFile, match="'moodd'"):
        make_plan(config(evaluate={"suites": ["moodd"]}), project)


def test_a_guard_that_its_suite_can_never_show_is_refused_before_anything_runs(project: Path) -> None:
    asked = {"evaluate": {"suites": ["mood_en"]}, "release": {"gate": {"guards": {"mood_en.accuracy": 0.05}}}}
    with pytest.raises(ConfigError, match="24 rows of mood_en cannot show a margin"):
        make_plan(config(**asked), project)


def test_a_metric_of_the_users_is_an_input_of_the_suites_that_name_it_and_of_no_file(project: Path) -> None:
    before = keys(make_plan(config(), project))
    (project / "words.py").write_text("DIRECTION = 1")
    suite = "kind: translation\nmetrics: [words]\nrows: [{prompt: Hi, answer: 你好}]"
    (project / "mine.yaml").write_text(suite, "utf-8")
    named = config(plugins=["words.py", "mine.yaml"], evaluate={"suites": ["mine"]}, decontaminate=None)
    found = []
    for text in ("return 1", "return 2"):
        (project / "words.py").write_text(f'DIRECTION = "lower"\nINTERVAL = "mean"\ndef score(a, r): {text}')
        plan = make_plan(named, project)
        assert keys(plan)["ingest"] == before["ingest"]
        assert plan.plugins == ()
        found.append(keys(with_champion(plan, freeze_champion(plan.record, None))))
    assert [stage for stage in found[0] if found[0][stage] != found[1][stage]] == ["evaluate", "release"]
