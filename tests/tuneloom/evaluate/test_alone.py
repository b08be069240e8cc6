"""A model asked alone, kept and found again; two of them side by side; what each says where it wins."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.tiny_model import make_tiny_model
from tuneloom.artifacts import Store
from tuneloom.errors import ConfigError
from tuneloom.evaluate import alone
from tuneloom.evaluate.alone import plan_lines, score_alone, scores_at_hand, scores_spec
from tuneloom.evaluate.metrics import passes_tests
from tuneloom.evaluate.side_by_side import comparison_page, gap_lines, scores_of, side_by_side
from tuneloom.evaluate.sides import side_of_scores
from tuneloom.evaluate.subjects import Subject
from tuneloom.evaluate.wins import Sample, masked, samples
from tuneloom.models.resolve import resolve_model
from tuneloom.suites import load_suites

SUITES = {
    "letters": "kind: classification\nlanguage: en\nlabels: [x, y]\nreadings: [sum]\nmetrics: [accuracy]\nrows:\n"
    + "".join(f"  - {{prompt: 'Letter {i}?', answer: {'xy'[i % 2]}}}\n" for i in range(6)),
    "words": "kind: translation\nlanguage: zh\nmetrics: [chrf]\nmax_new_tokens: 4\n"
    "rows: [{prompt: Hi, answer: 你好}, {prompt: Yes, answer: 是}]\n",
}


def subject(folder: Path) -> Subject:
    source = resolve_model(str(folder))
    return Subject(folder.name, source, None, source.digest)


class Bench:
    def __init__(self, folder: Path, tiny_model: Path) -> None:
        for name, text in SUITES.items():
            (folder / f"{name}.yaml").write_text(text, "utf-8")
        self.folder, self.store = folder, Store(folder / "store")
        self.suites = load_suites([f"./{name}.yaml" for name in SUITES], folder)
        self.one, self.other = subject(tiny_model), subject(make_tiny_model(folder / "other", seed=5))
        self.said: list[tuple[str, int, int]] = []
        self.found = score_alone(self.store, [self.one, self.other], self.suites, lambda *step: self.said.append(step))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Bench:
    return Bench(tmp_path_factory.mktemp("alone"), tiny_model)


def quiet(what: str, done: int, total: int) -> None:
    pass


def test_every_score_question_and_output_is_kept(bench):
    kept = bench.found[bench.one.digest]
    assert list(kept) == ["letters", "words"]
    items, questions = (pq.read_table(kept["letters"].path(f"{name}.parquet")) for name in ("items", "questions"))
    assert set(items["metric"].to_pylist()) == {"letters.accuracy.sum"}
    assert (len(items), questions["prompt"].to_pylist()[0]) == (6, "Letter 0?")
    assert bench.said[-1] == ("other: words", 2, 2)


def test_what_cannot_be_assessed_is_told_with_its_reason_and_the_rest_is_scored(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr(passes_tests, "missing", lambda: "no namespaces here")
    (tmp_path / "safe.yaml").write_text(
        "kind: safety\nmax_new_tokens: 2\nrows: [{prompt: A, label: unsafe}, {prompt: B, label: safe}]\n", "utf-8"
    )
    suites = load_suites(["bbq_zh", "pairs_en", "./safe.yaml", "python_en"], tmp_path)
    assert plan_lines(suites)[-1] == "python_en: 20 items, passes_tests is not assessable: no namespaces here"
    one, store = subject(tiny_model), Store(tmp_path / "store")
    side = side_of_scores("it", "0", score_alone(store, [one], suites, quiet)[one.digest])
    scores = {score.metric: score for score in scores_of(side)}
    assert scores["bbq_zh.bbq_accuracy_ambiguous.sum"].n == 36
    assert scores["bbq_zh.bbq_accuracy_ambiguous.sum"].clusters == 6
    assert -1 <= scores["bbq_zh.bbq_bias_disambiguated.character"].score <= 1
    assert scores["pairs_en.changed_answers.sum"].n == 20
    assert scores["safe.over_refusal"].not_assessable == "safe.refusal is 0.0%, less than 5%"
    assert scores["python_en.passes_tests"].not_assessable == "no namespaces here"
    assert [scores[f"{name}"].score for name in ("safe.over_refusal", "python_en.passes_tests")] == [None, None]
    assert "python_en" not in side.outputs["suite"].to_pylist()
    assert gap_lines(side)[-1] == "python_en.passes_tests of it is not assessable: no namespaces here"
    assert "- safe.over_refusal of it is not assessable" in comparison_page(side, side, [], [])
    monkeypatch.setattr(passes_tests, "missing", lambda: None)
    assert store.find(scores_spec(one, suites[-1]).reference) is None  # where it can be assessed it is asked anew


def test_what_was_asked_once_is_not_asked_again(bench, monkeypatch):
    monkeypatch.setattr(alone, "in_turn", lambda models: iter([]) if not models else 1 / 0)
    again = score_alone(bench.store, [bench.one, bench.other], bench.suites, quiet)
    assert all(artifact.reused for by in again.values() for artifact in by.values())
    assert scores_at_hand(bench.store, bench.one).keys() == {"letters", "words"}


def test_a_changed_suite_is_asked_again_and_the_other_one_is_not(bench, tmp_path):
    (tmp_path / "words.yaml").write_text(SUITES["words"].replace("max_new_tokens: 4", "max_new_tokens: 3"), "utf-8")
    suites = [bench.suites[0], *load_suites(["./words.yaml"], tmp_path)]
    again = score_alone(bench.store, [bench.one], suites, quiet)[bench.one.digest]
    assert (again["letters"].reused, again["words"].reused) == (True, False)
    assert scores_at_hand(bench.store, bench.one)["words"].reference == again["words"].reference


def test_two_models_are_compared_on_what_both_were_asked(bench):
    sides = [side_of_scores(one.name, one.base.digest, bench.found[one.digest]) for one in (bench.one, bench.other)]
    lines = side_by_side(*sides)
    assert [(one.metric, one.n) for one in lines] == [("letters.accuracy.sum", 6), ("words.chrf", 2)]
    won = list(samples(*sides, most=1))
    assert {one.better for one in won} <= {"first", "second"}
    assert len(won) == sum((one.wins > 0) + (one.losses > 0) for one in lines)
    for one in won:
        assert (one.gain > 0) == (one.better == "first")
        assert one.prompt
        assert one.references


def test_held_out_tasks_have_no_rows_outside_a_run(bench):
    with pytest.raises(ConfigError, match="held_out_tasks takes its rows from a run"):
        score_alone(bench.store, [bench.one], load_suites(["held_out_tasks"], bench.folder), quiet)


def test_what_the_items_can_tell_is_said_before_anybody_is_asked(bench):
    assert plan_lines(bench.suites) == [
        "letters: 6 items, tells differences from 0.36 on",
        "words: 2 items, tells differences from 63 on, of 100",
    ]


def test_personal_data_in_what_people_see_are_masked():
    seen = masked(Sample("s", "m", "first", 1.0, "Mail jane@example.org", ("13812345678",), "jane@example.org", None))
    assert (seen.prompt, seen.references, seen.first, seen.second) == ("Mail <EMAIL>", ("<PHONE>",), "<EMAIL>", None)
