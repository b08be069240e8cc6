"""Every metric equals its source on the same answers. Values: rouge_score 0.1.2 (stemmer on, NLTK 3.10.4), sacrebleu
2.6.0, scikit-learn 1.9.1, SQuAD's evaluation script; lm-evaluation-harness's patterns for GSM8K."""

import numpy as np
import pytest

from tuneloom.evaluate.metrics import About, load_metrics
from tuneloom.evaluate.metrics._confusion import by_label
from tuneloom.evaluate.metrics.corpus_bleu import signature
from tuneloom.suites import KINDS

METRICS, PLAIN = load_metrics(), About()


def corpus(name: str, answers, references, about=PLAIN) -> float:
    metric = METRICS[name]
    parts = [metric.measure(answer, right, about) for answer, right in zip(answers, references, strict=True)]
    return float(metric.combine(np.sum(parts, axis=0, keepdims=True))[0])


ROUGE = [
    ("The cats were running quickly.", ["A cat runs quick", "the cat was running"], 0.6666666666666665),
    ("Paris is the capital of France", ["The capital of France is Paris."], 0.6666666666666666),
    ("generalizations are happily denied", ["generalization happily denies"], 0.8571428571428571),
    ("", ["something"], 0.0),
    ("法国的首都是巴黎", ["法国的首都是巴黎"], 0.0),
    ("-5", ["5"], 1.0),
    ("He said: yes, dying skies!", ["he lied; die, sky"], 0.6666666666666665),
    ("News of the lying flies early daily", ["new lie fly earli daili"], 0.5),
]
SQUAD = [
    ("The Eiffel Tower!", ["Eiffel tower"], 1, 1.0),
    ("in the year 1889", ["1889", "the year of 1889"], 0, 0.6666666666666666),
    ("an apple a day", ["apple day"], 1, 1.0),
    ("", [""], 1, 1.0),
    ("a", [""], 1, 1.0),
    ("it's", ["its"], 1, 1.0),
    ("theatre", ["the atre"], 0, 0.0),
]
SAID = ["The cat sat on the mat.", "It is raining today, and I am at home", "A short one"]
RIGHT = [
    ["The cat is sitting on the mat.", "A cat sat on a mat."],
    ["It rains today, so I stay at home."],
    ["A brief one", "One short"],
]
ZH_SAID = ["今天下雨，我在家里。", "猫坐在垫子上"]
ZH_RIGHT = [["今天在下雨，我待在家里。"], ["猫坐在垫子上。", "一只猫坐在垫上。"]]


@pytest.mark.parametrize(("answer", "references", "wanted"), ROUGE)
def test_super_ni_rouge_l_is_rouge_scores(answer, references, wanted):
    assert METRICS["super_ni_rouge_l"].score(answer, references) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("answer", "references", "exact", "f1"), SQUAD)
def test_squad_metrics_are_its_scripts(answer, references, exact, f1):
    assert METRICS["squad_exact_match"].score(answer, references) == exact
    assert METRICS["squad_f1"].score(answer, references) == pytest.approx(f1, abs=1e-6)


def test_corpus_bleu_and_chrf_are_sacrebleus_with_ragged_references():
    assert corpus("corpus_bleu", SAID, RIGHT) == pytest.approx(29.263946665839534, abs=1e-6)
    assert corpus("corpus_chrf", SAID, RIGHT) == pytest.approx(43.60805906278728, abs=1e-6)


def test_two_perfect_answers_with_ragged_references_are_100():
    """Lists cut to the shortest one's length give 43.1."""
    said = ["the cat sat on the mat", "a dog ran in the park"]
    assert corpus("corpus_bleu", said, [[said[0], "x y"], [said[1]]]) == pytest.approx(100)


def test_chinese_bleu_counts_characters():
    assert corpus("corpus_bleu", ZH_SAID, ZH_RIGHT, About("zh")) == pytest.approx(60.61118480986325, abs=1e-6)
    assert corpus("corpus_bleu", ZH_SAID, ZH_RIGHT, About("en")) < 60
    assert corpus("corpus_chrf", ZH_SAID, ZH_RIGHT) == pytest.approx(47.87817233957817, abs=1e-6)


@pytest.mark.parametrize(
    ("said", "right", "wanted"),
    [
        (["zzz yyy"], [["a b c d"]], 0.0),
        (["a b"], [["a b"]], 0.0),
        (["a b c q", "q"], [["a b c d"], ["e"]], 56.234132519034915),
        (["", ""], [["a"], ["b"]], 0.0),
    ],
)
def test_bleu_of_short_and_empty_answers_is_sacrebleus(said, right, wanted):
    assert corpus("corpus_bleu", said, right) == pytest.approx(wanted, abs=1e-6)


def test_bleus_signature_is_sacrebleus_own():
    from sacrebleu.metrics import BLEU

    for language, tokeniser in (("zh", "zh"), ("en", "13a")):
        bleu = BLEU(tokenize=tokeniser)
        bleu.corpus_score(["a", "b"], [["a", "b"], ["c", None]])
        assert signature(language) == str(bleu.get_signature())


def test_many_sums_at_once_are_each_sacrebleus_score():
    from sacrebleu.metrics import BLEU

    rng = np.random.default_rng(0)
    parts = np.array([METRICS["corpus_bleu"].measure(a, r, About()) for a, r in zip(SAID, RIGHT, strict=True)])
    sums = rng.integers(0, 4, (50, 3)) @ parts
    wanted = [
        BLEU.compute_bleu([*row[2:6]], [*row[6:]], int(row[0]), int(row[1]), smooth_method="exp").score for row in sums
    ]
    assert METRICS["corpus_bleu"].combine(sums) == pytest.approx(wanted, abs=1e-6)


TRUE, GIVEN, ABC = "aabbccca", ["a", "b", "b", "", "c", "a", "c", "a"], About(labels=("a", "b", "c", "d"))


def test_macro_scores_are_scikit_learns():
    right = [[label] for label in TRUE]
    assert corpus("macro_precision", GIVEN, right, ABC) == pytest.approx(0.5416666666666666, abs=1e-6)
    assert corpus("macro_recall", GIVEN, right, ABC) == pytest.approx(0.45833333333333326, abs=1e-6)
    assert corpus("macro_f1", GIVEN, right, ABC) == pytest.approx(0.49166666666666664, abs=1e-6)
    assert np.mean([METRICS["accuracy"].score(a, [r]) for a, r in zip(GIVEN, TRUE, strict=True)]) == 0.625


def test_scores_of_a_label_are_scikit_learns_and_an_answer_that_is_no_label_is_missed():
    parts = [METRICS["macro_f1"].measure(a, [r], ABC) for a, r in zip(GIVEN, TRUE, strict=True)]
    precision, recall, f1 = (row[0] for row in by_label(np.sum(parts, axis=0, keepdims=True)))
    assert precision == pytest.approx([2 / 3, 0.5, 1.0, 0.0])
    assert recall == pytest.approx([2 / 3, 0.5, 2 / 3, 0.0])
    assert f1 == pytest.approx([2 / 3, 0.5, 0.8, 0.0])


@pytest.mark.parametrize(
    ("answer", "strict", "flexible", "decimal"),
    [
        ("3 + 15 = 18\n#### 18", 1.0, 1.0, 1.0),
        ("#### $18.00.", None, 0.0, 1.0),
        ("#### 18.00.", 0.0, 0.0, 1.0),
        ("#### 18. (See steps 1-3.)", 1.0, 0.0, 1.0),
        ("so it is 18", None, 1.0, 1.0),
        ("It costs $18.00.", None, 0.0, 1.0),
        ("一共是１８元。", None, None, 1.0),
        ("eighteen", None, None, None),
        ("#### -18", 0.0, 0.0, 0.0),
        ("#### 1,8", 1.0, 1.0, 0.0),
        ("#### 180", 0.0, 0.0, 0.0),
    ],
)
def test_gsm8ks_two_extractions_and_the_decimal_one_beside_them(answer, strict, flexible, decimal):
    names = ("gsm8k_strict", "gsm8k_flexible", "decimal_match")
    assert [METRICS[name].score(answer, ["18"]) for name in names] == [strict, flexible, decimal]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("- 29 pencils are left.", 29),  # a list's dash
        ("We count:\n - 29 pencils", 29),
        ("-29 degrees", -29),
        ("-29", -29),
        ("x = -29", -29),
        ("It is − 29 degrees, so -29", -29),
        ("12 - 7", 7),
        ("12-7", 7),
        ("1 000", 1000),
        ("She has 12 345.5 of them", 12345.5),
        ("in 2024 150 came", 150),
        ("1, 200", 200),
        ("#### 1 000 apples", 1000),
        ("29 pencils (3 x 12 - 7)", 29),
        ("12 + 17 (= 29)", 29),
        ("(36 - 7)", 7),
        ("(29)", 29),
    ],
)
def test_a_sign_stands_at_its_digit_spaces_group_thousands_and_a_sum_in_brackets_is_no_answer(answer, value):
    assert METRICS["decimal_match"].score(answer, [str(value)]) == 1.0


def test_a_whole_gsm8k_solution_may_be_the_reference():
    assert METRICS["gsm8k_strict"].score("#### 1,018", ["She has 1,000 + 18.\n#### 1018"]) == 1.0


def test_official_exact_match_takes_minus_five_for_five_and_ours_beside_it_does_not():
    official, ours = METRICS["super_ni_exact_match"], METRICS["exact_match"]
    for answer, reference in (("-5", "5"), ("1.5", "15")):
        assert (official.score(answer, [reference]), ours.score(answer, [reference])) == (1.0, 0.0)
    assert official.score("The cat.", ["the cat"]) == 1.0
    assert official.score("cat", ["the cat"]) == 0.0
    assert (official.score("巴黎。", ["巴黎"]), ours.score("巴黎。", ["巴黎"])) == (0.0, 1.0)


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.interval == "mean" and n != "chrf"])
def test_a_graded_score_stays_graded_with_several_references(name):
    """The best reference's score, never 1.0 for any score above 0."""
    references = ["the cat ran", "a dog"]
    best = max(METRICS[name].score("the cat sat", [reference]) for reference in references)
    assert METRICS[name].score("the cat sat", references) == best == pytest.approx(0.667, abs=0.2)
    assert best < 1


OF_THEIR_OWN = {"code", "constraints", "safety", "bbq", "counterfactual"}
BY_PROGRAM = {metric for kind in OF_THEIR_OWN for metric in KINDS[kind].metrics}


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"super_ni_rouge_l", "corpus_bleu", "accuracy"} - BY_PROGRAM))
def test_a_text_against_itself_is_best_in_every_language(name):
    metric = METRICS[name]
    for text in ("一共十八个。#### 18", "It is 18 in all #### 18"):
        about = About("zh", (text, "x"))
        best = metric.largest / 2 if name.startswith("macro") else metric.largest  # the label x is never right
        assert metric.of(text, [text], about).value == pytest.approx(best)


def test_tokens_of_chinese_are_characters():
    assert METRICS["token_f1"].score("在巴黎", ["巴黎"]) == pytest.approx(0.8)
    assert METRICS["squad_f1"].score("在巴黎", ["巴黎"]) == 0.0
