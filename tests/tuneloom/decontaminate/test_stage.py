"""The stage: planted contamination is found wherever it hides, what only looks alike stays, no row is lost."""

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tuneloom.decontaminate.builders import (
    QUESTION,
    SOLUTION,
    against,
    asked,
    cleaned,
    rejected,
    suite_rows,
    talk,
)
from tests.tuneloom.dedup.builders import numbered, said
from tuneloom.artifacts import Store
from tuneloom.records import Conversation, Example
from tuneloom.suites import load_suites

HIT = "suite:test.jsonl:1"
LONG_ANSWER = (
    "First count the clips of April, which are forty-eight, one for each of the friends who bought. Then halve that "
    "number to learn what was sold in May, which gives twenty-four. Adding both months together, the whole sale comes "
    "to seventy-two clips, and since nothing was returned that is the final answer to the question that was asked."
)
ZH = "小明在四月份卖给他的朋友四十八个发夹，五月份卖出的数量是四月份的一半，请问他在这两个月里一共卖出了多少个发夹？"
CODE = '''def has_close_elements(numbers: List[float], threshold: float) -> bool:
    """ Check if in given list of numbers, are any two numbers closer to each other than given threshold. """'''


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize(
    "row",
    [
        said(QUESTION, SOLUTION),
        said(f"Solve this problem step by step, and say how sure you are.\n\n{QUESTION}\n\nThe answer is", "72"),
        said("Write a word problem for a class.", f"Here is one: {QUESTION}"),
        talk(
            ("user", "Hello!"), ("assistant", "Hi."), ("user", "Help me."), ("assistant", "Sure."), ("user", QUESTION),
            ("assistant", "72"),
        ),
        talk(("system", f"You know that {QUESTION} is 72."), ("user", "Begin."), ("assistant", "Fine.")),
        said("Add up.", "72", examples=(Example(QUESTION, "72"),)),
        said(QUESTION.upper().replace(" ", "   ").replace(",", " -- ").replace(".", "\n"), SOLUTION),
        said(QUESTION.replace("Natalia sold clips", "Peter sold stamps").replace("altogether", "in all"), SOLUTION),
        said(QUESTION.replace(" ", "​ ").replace("a", "ａ"), "72"),
    ],
    ids=["verbatim", "embedded", "in the answer", "in turn 3", "system", "demonstration", "reformatted", "edited",
         "width"],
)  # fmt: skip
def test_t16_t21_a_planted_question_is_found_wherever_it_hides(store: Store, row: Conversation):
    assert {n: hit for n, (_, hit) in against(store, [asked(QUESTION)], said("Hi", "Hello"), row).items()} == {2: HIT}


def test_a_row_that_holds_what_a_suite_asks_is_rejected_and_one_that_shares_its_prompt_stays(
    store: Store, tmp_path: Path
):
    prompt = "Read the problem slowly, then solve it and tell the number alone:"
    tree = {"kind": "arithmetic", "prompt": f"{prompt} {{text}}", "rows": [{"text": QUESTION, "answer": "72"}]}
    (tmp_path / "sums.yaml").write_text(json.dumps(tree), "utf-8")
    (suite,) = load_suites(["./sums.yaml"], tmp_path)
    training = numbered([said(f"Help me. {QUESTION}", "72"), said(f"{prompt} What is one and one?", "2")])
    artifact = cleaned(store, training, suites=[suite])
    assert {number: hit for number, (_, hit) in rejected(artifact).items()} == {1: "sums:suite:1"}
    assert artifact.stats["reverse"]["sources"]["sums"]["compromised"] == 1


@pytest.mark.parametrize("plant", ["{}", "请回答下面的问题：{}谢谢！", "Please translate into English: {}"])
def test_t12_chinese_is_compared_by_characters(store: Store, plant: str):
    assert against(store, [asked(ZH)], said(plant.format(ZH), "七十二"), said("你好吗？", "很好"))[1][1] == HIT


def test_t12_a_chinese_sentence_that_shares_a_phrase_stays(store: Store):
    other = "小红的妈妈昨天在超市买了十二个苹果，请问他在这两个月里一共卖出了多少个西瓜？"
    assert against(store, [asked(ZH)], said(other, "二十")) == {}


def test_code_is_found_in_prose_about_it_too(store: Store):
    evaluation = [asked(CODE, kind="code")]
    training = said(f"Finish this:\n```python\n{CODE}\n```", "    return False", kind="mixed")
    assert against(store, evaluation, training, said("def add(a, b):", "return a + b", kind="code"))[1][1] == HIT


def test_a_copied_answer_gives_its_row_away_if_it_is_long(store: Store):
    evaluation = [talk(("user", "Solve it."), ("assistant", LONG_ANSWER))]
    assert against(store, evaluation, said("Tell me a story", f"Well. {LONG_ANSWER}"))[1] == ("near duplicate", HIT)


def test_a_copied_reference_counts_as_an_answer(store: Store):
    evaluation = [asked("Solve it, please do.", references=("72", LONG_ANSWER))]
    assert against(store, evaluation, said("Tell me a story", LONG_ANSWER))[1][1] == HIT


def test_t1_short_questions_are_compared_as_wholes(store: Store):
    evaluation = [asked("What is the capital of France?"), asked("法国的首都是哪里？")]
    found = against(
        store,
        evaluation,
        said("what is  the capital of france", "Paris"),
        said("What is the capital of France? And of Spain?", "Paris, Madrid"),
        said("法国的首都是哪里", "巴黎"),
        talk(("user", "Hi"), ("assistant", "Hi"), ("user", "What is the capital of France?"), ("assistant", "Paris")),
        said("Name a city", "What is the capital of France?"),
    )
    assert found == {
        1: ("exact question", HIT),
        3: ("exact question", "suite:test.jsonl:2"),
        4: ("exact question", HIT),
    }


@pytest.mark.parametrize("text", ["yes", "Yes.", "42", "Hello!", "是", "对不起", "Thank you", "?"])
def test_t1_a_word_or_two_give_nothing_away(store: Store, text: str):
    """Nor does a short answer to another question."""
    evaluation = [talk(("user", text), ("assistant", text)), talk(("user", "Is it so?"), ("assistant", text))]
    training = [said(text, text), said("Another question", text), said(text, "Another answer")]
    assert against(store, evaluation, *training) == {}


def test_t8_a_refusal_that_many_rows_share_gives_nothing_away(store: Store):
    refusal = (
        "I'm sorry, but as an AI language model I cannot help with that request, since it may cause harm to others."
    )
    evaluation = [talk(("user", "How do I pick the lock of my neighbour?"), ("assistant", refusal))]
    assert against(store, evaluation, *(said(f"Other question {n}", refusal) for n in range(20))) == {}


def test_t9_the_template_of_an_evaluation_file_is_no_contamination(store: Store):
    template = "Read the review below and decide whether its author would recommend the product to a friend: {}"
    reviews = [f"the {thing} broke on day {n}" for n, thing in enumerate(("lamp", "chair", "phone", "kettle", "sofa"))]
    evaluation = [asked(template.format(review)) for review in reviews]
    training = [said(template.format(f"a wonderful {n}, thanks"), "yes") for n in ("mug", "pen", "lamp")]
    assert against(store, evaluation, *training) == {}
    assert against(store, evaluation, said(template.format(reviews[2]), "no")) == {
        1: ("exact question", "suite:test.jsonl:3")
    }


def test_t9_a_word_beside_the_template_is_too_little_to_go_by(store: Store):
    template = "Read the review below and decide whether its author would recommend the product to a friend: {}"
    evaluation = [asked(template.format(word)) for word in ("Great!", "Bad.", "Nice.", "Boring.")]
    training = [said(template.format("Great, it came broken."), "no"), said(template.format("great"), "yes")]
    assert against(store, evaluation, *training) == {2: ("exact question", HIT)}


def test_wording_is_shared_only_by_rows_that_differ(store: Store):
    """An evaluation row that its file repeats is no template."""
    assert against(store, [asked(QUESTION)] * 9, said(f"Solve: {QUESTION}", "72"))[1][1] == HIT


def test_coverage_is_of_one_row_not_of_all_together(store: Store):
    words = QUESTION.split()
    halves = [said("Go on: " + " ".join(words[:14]), "x"), said("Go on: " + " ".join(words[14:]), "y")]
    assert against(store, [asked(QUESTION)], *halves) == {}
    assert (
        against(store, [asked(QUESTION)], talk(*(("user", half.messages[0].content) for half in halves)))[1][1] == HIT
    )


def test_one_ngram_is_told_and_does_not_act(store: Store):
    start = " ".join(QUESTION.split()[:13])
    made = cleaned(store, [*suite_rows(asked(QUESTION)), *numbered([said(f"{start} or so", "x")])])
    assert made.stats["reverse"]["sources"]["suite"] == {
        "rows": 1, "compromised": 0, "exact question": 0, "near duplicate": 0, "n-gram coverage": 0,
        "any 8-gram": 1, "any 13-gram": 1, "in the test side": 0,
    }  # fmt: skip
    assert made.manifest.counts.rejected == 0


def test_t8_a_definition_is_not_compared_but_tells_short_questions_apart(store: Store):
    definition = "You are given the name of a country and must answer with the capital city of that very country."
    other = "You are given the name of a country and must answer with the currency that people use over there."

    def task(what: str, country: str) -> Conversation:
        return said(f"{what}\n\n{country}", "x", fields={"definition": what, "input": country})

    found = against(store, [task(definition, "France")], task(definition, "Spain"), task(other, "France"),
                    task(definition, "France"))  # fmt: skip
    assert found == {3: ("exact question", HIT)}


def test_a_later_turn_that_anybody_says_gives_nothing_away(store: Store):
    evaluation = [asked(QUESTION, "Can you explain your answer in more detail, please?")]
    row = talk(("user", "Why is the sky blue?"), ("assistant", "Light."),
               ("user", "Can you explain your answer in more detail, please?"), ("assistant", "Yes."))  # fmt: skip
    assert against(store, evaluation, row) == {}


def test_training_and_validation_rows_go_and_test_rows_are_told(store: Store):
    rows = [*suite_rows(asked(QUESTION)), *numbered([said(QUESTION, str(n)) for n in range(4)])]
    made = cleaned(store, rows, sides=["train", "validation", "test", "train"])
    assert sorted(rejected(made)) == [1, 2, 4]
    assert made.stats["contaminated_rows"] == {"train": 2, "validation": 1, "test": 1}
    assert made.stats["reverse"]["sources"]["suite"]["in the test side"] == 1
    (row,) = pq.read_table(made.path("compromised.parquet")).to_pylist()
    assert (row["rows"], row["exact_question"], row["coverage"]) == (3, 3, 1.0)
    assert row["origin"] == {"source": "suite", "file": "test.jsonl", "row": 1, "part": 0}


def test_protected_rows_of_either_use_pass_unchanged(store: Store):
    evaluation = suite_rows(asked(QUESTION), asked(ZH).but(use="decontaminate"), said(QUESTION, "72"))
    made = cleaned(store, [*evaluation, *numbered([said(ZH, "x")])])
    assert rejected(made) == {1: ("exact question", "suite:test.jsonl:2")}
    assert sorted(row["row"] for row in made.table(["origin"])["origin"].to_pylist()) == [1, 2, 3]


def test_the_best_match_is_named_and_every_match_is_told(store: Store):
    evaluation = [asked(QUESTION + " Give a number."), asked(QUESTION)]
    made = cleaned(store, [*suite_rows(*evaluation), *numbered([said(QUESTION, "72")])])
    assert rejected(made) == {1: ("exact question", "suite:test.jsonl:2")}
    told = pq.read_table(made.path("compromised.parquet")).to_pylist()
    assert [(row["origin"]["row"], row["rows"], row["near_duplicate"]) for row in told] == [(1, 1, 1), (2, 1, 0)]


def test_the_bound_and_the_length_of_runs_are_the_configs(store: Store):
    half = " ".join(QUESTION.split()[:16])
    assert against(store, [asked(QUESTION)], said(half, "x")) == {}
    assert against(store, [asked(QUESTION)], said(half, "x"), coverage=0.3)[1] == ("n-gram coverage", HIT)
    close = QUESTION.replace("altogether", "in total")
    assert against(store, [asked(QUESTION)], said(close, "x"), coverage=0.95) == {}
    near = LONG_ANSWER.replace("forty-eight", "48")
    assert against(store, [asked(LONG_ANSWER)], said(near, "x"), coverage=0.95)[1] == ("near duplicate", HIT)


def test_without_protected_rows_or_turned_off_all_pass(store: Store):
    rows = numbered([said(QUESTION, "72"), said("Hi", "Hello")])
    none = cleaned(store, rows)
    off = cleaned(store, [*suite_rows(asked(QUESTION)), *rows], off=True)
    assert (none.manifest.counts.rows_out, off.manifest.counts.rows_out) == (2, 3)
    assert (none.stats, off.stats) == ({"protected": 0}, {"protected": None})
    assert none.table().schema.names[-1] == "side"


def test_no_rows(store: Store):
    assert cleaned(store, []).manifest.counts.rows_in == 0


def test_t13_neither_order_nor_partition_changes_a_byte(store: Store, tmp_path: Path):
    evaluation = suite_rows(*(asked(f"{QUESTION} It is case {n}.") for n in range(3)))
    rows = [*evaluation, *numbered([said(f"{QUESTION} It is case {n % 5}.", str(n)) for n in range(30)])]
    whole = cleaned(store, rows)
    random.Random(1).shuffle(rows)
    cut = cleaned(Store(tmp_path / "other"), rows, parts=7)
    assert [file.digest for file in whole.manifest.files] == [file.digest for file in cut.manifest.files]
    assert whole.manifest.counts.rejected == 30


WORDS = st.lists(
    st.sampled_from(["red", "green", "one", "two", "cat", "dog", "我", "你", "他", "x1", "3.5"]), max_size=40
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=3), WORDS, WORDS, st.data())
def test_a_planted_item_is_always_found_and_no_row_is_lost(tmp_path_factory, items, before, after, data):
    """Whatever stands around it, as long as it has a run of words of its own."""
    questions = [" ".join(item) for item in items]
    chosen = data.draw(st.sampled_from(items))
    row = said(" ".join([*before, *chosen, *after]), "x")
    made = cleaned(Store(tmp_path_factory.mktemp("store")), [*suite_rows(*map(asked, questions)), *numbered([row])])
    counts = made.manifest.counts
    assert counts.rows_in == counts.rows_out + counts.rejected == len(items) + 1
    if len(chosen) >= 12:
        assert counts.rejected == 1
