"""A suite's names and what counts as an answer in it."""

from tuneloom.evaluate.generation import Answer
from tuneloom.evaluate.metrics import load_metrics
from tuneloom.evaluate.questions import Question, Unasked, Wanted, said
from tuneloom.evaluate.suite_scores import Asked, _given, _outputs, _score, metric_names
from tuneloom.suites import Suite

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
    given = _given(MOOD, "generated", answers, ())
    assert given == ["good", None, None]
    accuracy, f1 = (load_metrics()[name] for name in ("accuracy", "macro_f1"))
    scores = [_score(accuracy, QUESTION, text, MOOD) for text in given]
    assert [(score.value, score.failed) for score in scores] == [(1.0, False), (0.0, True), (0.0, True)]
    assert _score(f1, QUESTION, None, MOOD).parts == (0, 0, 0, 0, 1, 0)  # missed for the right label, given for none


def test_a_ranked_answer_is_the_likeliest_label():
    assert _given(MOOD, "sum", (), [([-1.0, -2.0], []), ([-3.0, -2.0], [])]) == ["good", "bad"]


def test_what_was_not_asked_is_kept_with_its_reason():
    asked = Asked(MOOD, [QUESTION], [Unasked(WANTED, "prompt too long")])
    rows = _outputs("base", asked, [Answer("so so", False, 2)], [([-1.0, -2.0], [])], [{"mood.accuracy"}]).to_pylist()
    assert [(row["state"], row["reason"]) for row in rows] == [("answered", None), ("not asked", "prompt too long")]
    assert (rows[0]["label"], rows[0]["failed"], rows[0]["label_sums"]) == (None, ["mood.accuracy"], [-1.0, -2.0])
    assert asked.steps == 1
