"""What is known of the data before the run: suite rows that trained, in any writing; the share of rejected rows."""

from types import SimpleNamespace

import pytest

from tests.tuneloom.release.chain import make_chain
from tests.tuneloom.render.build import mixture, talk
from tuneloom.artifacts.store import Store
from tuneloom.evaluate.data_facts import contaminated, lineage_of, reject_rate
from tuneloom.suites import SuiteRow, load_suites

ZH = "请问从火车站到老城区的博物馆怎么走最近？"


def suite(*contents: str):
    rows = [SuiteRow(f"r{i}", f"Answer: {c}", ("x",), f"r{i}", c) for i, c in enumerate(contents)]
    return [SimpleNamespace(rows=rows, name="made")]


def leaks(folder, trained: str, asked: str) -> bool:
    return bool(contaminated(mixture(folder, [("train", talk("So?", trained))], name=trained), suite(asked)))


def test_a_question_is_found_in_any_writing_in_prompts_and_answers_of_training_rows_alone(tmp_path):
    rows = mixture(
        tmp_path,
        [
            ("train", talk("They ask: WHICH  river,runs through Paris?", "I know.")),
            ("train", talk("Hi", f"有人问：{ZH.replace('？', '')}，我不知道。")),
            ("test", talk("Who was it that painted the ceiling of the chapel?", "M.")),
        ]
        + [("train", talk("Say", "Which river runs through Paris?"))] * 4,
    )
    asked = suite(
        "Which river runs through Paris?", ZH, "Who was it that painted the ceiling of the chapel?", "Hi", "river runs?"
    )
    first, second = contaminated(rows, asked)
    assert (first.text, second.text) == ("Which river runs through Paris?", ZH)
    assert first.origins == ("made:rows.jsonl:1", "made:rows.jsonl:4", "made:rows.jsonl:5")
    assert str(second) == f'made "{ZH}" in made:rows.jsonl:2'


@pytest.mark.parametrize(
    ("trained", "asked", "found"),
    [
        ("翻译：“他比我高一点。”", "他比我高一点。", True),  # six characters are a whole question
        ("听说他比我高一点点，我不信。", "他比我高一点。", False),
        ("He is taller.", "He is taller.", False),  # three short words are anybody's
        ("The man then closed the front doors.", "Man, then closed the front door", False),
        ("A sum: 3.5 kg of flour and 12 eggs at home.", "5 kg of flour and 12 eggs at home.", False),
    ],
)
def test_a_question_is_one_from_border_to_border_and_of_some_length(tmp_path, trained, asked, found):
    assert leaks(tmp_path, trained, asked) is found


def test_all_questions_of_the_shipped_suites_are_looked_for(tmp_path):
    for one in load_suites(["to_english", "mood_zh", "mood_en"], tmp_path):
        rows = mixture(tmp_path, [("train", talk("So?", row.content)) for row in one.rows], name=one.name)
        assert len(contaminated(rows, [one])) == len(one.rows)


def test_a_share_of_rejects_is_of_all_rows_read(tmp_path):
    chain = make_chain(tmp_path)
    lineage, breach = lineage_of(Store(tmp_path), chain["train"])
    assert breach is None
    counts = [artifact.manifest.counts for artifact in chain.values() if artifact.manifest.counts.rows_in]
    lost = sum(one.rejected for one in counts)
    assert lost > 0
    assert reject_rate(lineage) == lost / (chain["ingest"].manifest.counts.rows_in + sum(one.made for one in counts))
    assert reject_rate([]) is None


def test_a_chain_with_a_part_that_is_gone_is_a_breach_and_no_crash(tmp_path):
    chain = make_chain(tmp_path)
    store = Store(tmp_path)
    store.remove(chain["quality"].reference, "test")
    found, breach = lineage_of(store, chain["train"])
    assert chain["train"].reference in {artifact.reference for artifact in found}
    assert "quality" in breach
