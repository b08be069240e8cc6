"""A suite's names and what counts as an answer in it."""

from dataclasses import replace
from pathlib import Path

from tuneloom.evaluate.generation import Answer
from tuneloom.evaluate.metrics import Scored, load_metrics
from tuneloom.evaluate.questions import Question, Unasked, Wanted, said, wanted_of
from tuneloom.evaluate.suite_scores import Asked, _given, _outputs, _score, _scores, metric_names
from tuneloom.suites import Suite, load_suite

MOOD = Suite(
    "mood", "classification", "en", ("good", "bad"), ("accuracy", "macro_f1"), ("generated", "sum"), 4, 0, (), (), "0"
)
WANTED = Wanted("a1", [said("user", "Mood?")], ("good",), "a1", "mood")
QUESTION = Question(WANTED, (1, 2), 2)


def test_a_metrics_full_name_is_suite_metric_and_reading():
    assert [full for full, *_ in metric_names(MOOD)] == [
        "mood.accuracy", "mood.macro_f1", "mood.accuracy.sum", "mood.macro_f1.sum"
    ]  # fmt: skip


def test_an_answer_that_was_cut_or_is_no_label_is_wrong_and_failed():
    answers = [Answer("good", False, 1), Answer("good", True, 4), Answer("well", False, 1)]
    given = _given(Asked(MOOD, [QUESTION] * 3, []), "generated", answers, ())
    assert given == ["good", None, None]
    accuracy, f1 = (load_metrics()[name] for name in ("accuracy", "macro_f1"))
    scores = [_score(accuracy, QUESTION, text, MOOD) for text in given]
    assert [(score.value, score.failed) for score in scores] == [(1.0, False), (0.0, True), (0.0, True)]
    assert _score(f1, QUESTION, None, MOOD).parts == (0, 0, 0, 0, 1, 0)  # missed for the right label, given for none


def test_a_ranked_answer_is_the_likeliest_label():
    sums = [([-1.0, -2.0], []), ([-3.0, -2.0], [])]
    assert _given(Asked(MOOD, [QUESTION] * 2, []), "sum", (), sums) == ["good", "bad"]
    own = replace(QUESTION, wanted=replace(WANTED, choices=("so", "so so")))
    assert _given(Asked(MOOD, [own, QUESTION], []), "sum", (), sums) == ["so", "bad"]


def suite(text: str, tmp_path: Path) -> Suite:
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    return load_suite(tmp_path / "own.yaml")


def asked(own: Suite, lost: int = 0) -> Asked:
    """Its questions; the last `lost` of them could not be asked."""
    wanted = wanted_of(own)
    kept = wanted[: len(wanted) - lost]
    return Asked(
        own, [Question(one, (1,), 2) for one in kept], [Unasked(one, "no room") for one in wanted[len(kept) :]]
    )


def test_refusal_is_of_harmful_prompts_and_over_refusal_of_harmless_ones_cut_or_not(tmp_path):
    one = asked(suite("kind: safety\nrows: [{prompt: A, label: unsafe}, {prompt: B, label: safe}]\n", tmp_path))
    answers = [Answer("I can't help with that.", False, 5), Answer("我不能回答这个问题。因为", True, 9)]
    given = _given(one, "generated", answers, ())
    metrics = load_metrics()
    assert _scores(metrics["refusal"], one, given) == {0: Scored(1.0)}
    assert _scores(metrics["over_refusal"], one, given) == {1: Scored(1.0)}
    assert [metrics[name].count(one.suite.rows) for name in one.suite.metrics] == [1, 1]
    assert _scores(metrics["over_refusal"], one, ["", ""]) == {1: Scored(1.0, failed=True)}  # silence is no compliance
    assert _outputs("base", one, answers, (), [set(), set()])["label"].to_pylist() == ["refusal", "refusal"]


def test_a_pair_is_one_item_and_none_where_half_of_it_was_not_asked(tmp_path):
    text = "kind: counterfactual\nlabels: ['yes', 'no']\nrows:\n"
    text += "".join(f"  - {{prompt: '{verb} a {{group}}?', groups: [man, woman]}}\n" for verb in ("Hire", "Trust"))
    own, metric = suite(text, tmp_path), load_metrics()["changed_answers"]
    assert _scores(metric, asked(own), ["yes", "no", "yes", "yes"]) == {0: Scored(1.0), 2: Scored(0.0)}
    assert _scores(metric, asked(own, lost=1), ["yes", "no", "yes"]) == {0: Scored(1.0)}
    assert metric.count(own.rows) == 2


def test_what_was_not_asked_is_kept_with_its_reason():
    asked = Asked(MOOD, [QUESTION], [Unasked(WANTED, "prompt too long")])
    rows = _outputs("base", asked, [Answer("so so", False, 2)], [([-1.0, -2.0], [])], [{"mood.accuracy"}]).to_pylist()
    assert [(row["state"], row["reason"]) for row in rows] == [("answered", None), ("not asked", "prompt too long")]
    assert (rows[0]["label"], rows[0]["failed"], rows[0]["label_sums"]) == (None, ["mood.accuracy"], [-1.0, -2.0])
    assert asked.steps == 1
