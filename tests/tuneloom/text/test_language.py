"""Languages by script and by model, and where honesty demands `und`."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tuneloom.text.language import detect_languages
from tuneloom.text.language_model import GLANCE, LANGUAGES, most_likely


def detect_language(text: str) -> str:
    return detect_languages([text])[0]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The capital of France is Paris.", "en"),
        ("Translate the sentence into Chinese: good morning, everybody.", "en"),
        ("今天天气很好，我们去公园吧。", "zh"),
        ("东京は日本の首都です。", "ja"),
        ("カタカナ", "ja"),
        ("서울은 한국의 수도입니다.", "ko"),
        ("Привет, как у тебя дела сегодня?", "ru"),
        ("Was ist die Hauptstadt von Deutschland?", "de"),
        ("Quelle est la capitale de l'Italie ?", "fr"),
        ("ما هي عاصمة مصر؟ القاهرة هي عاصمة مصر.", "ar"),
        ("भारत की राजधानी नई दिल्ली है।", "hi"),
    ],
)
def test_a_sentence_is_named_by_its_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "   ", "12345", "3 + 4 = 7", "!!! ...", "Xqzt", "\ud83d\ude00"])
def test_a_text_without_evidence_is_und(text: str) -> None:
    assert detect_language(text) == "und"


def test_two_chinese_words_suffice_but_a_quoted_sign_in_english_does_not_make_it_chinese() -> None:
    assert detect_language("你好") == "zh"
    assert detect_language("The character 水 means water and is among the first that every pupil learns.") == "en"


def test_english_names_in_a_chinese_sentence_leave_it_chinese() -> None:
    assert detect_language("请用Python写一个函数，读取CSV文件并返回平均值。") == "zh"


def test_only_the_head_decides() -> None:
    english = "This is a plain English sentence about the weather. " * 20
    assert detect_language(english + "今天天气很好。" * 500) == "en"


def test_the_answer_is_a_known_code() -> None:
    known = {*LANGUAGES.split(), "und"}
    assert {detect_language(text) for text in ("hola a todos", "salve", "ok", "Tokyo", "x = 3")} <= known


def test_many_texts_are_named_as_each_is_alone() -> None:
    texts = [
        "The capital of France is Paris.",
        "",
        "今天天气很好",
        "Was ist die Hauptstadt von Deutschland?",
        "12345",
    ] * 3
    assert detect_languages(texts) == [detect_language(text) for text in texts]
    assert detect_languages([]) == []


@given(st.lists(st.text()))
def test_the_company_of_a_text_does_not_matter(texts: list[str]) -> None:
    assert detect_languages(texts) == [detect_language(text) for text in texts]


def test_long_texts_have_the_probabilities_of_py3langid(realdata: Path) -> None:
    known = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known.set_languages(LANGUAGES.split())
    rows = json.loads((realdata / "alpaca/alpaca_en_demo.json").read_text("utf-8"))[:200]
    texts = [f"{row['instruction']} {row['output']}"[: GLANCE - 1] for row in rows]
    for text, (language, probability) in zip(texts, most_likely(texts), strict=True):
        expected, confidence = known.classify(text)
        assert language == expected
        assert probability == pytest.approx(confidence, rel=1e-4)


def test_real_rows_are_named_by_their_language(realdata: Path) -> None:
    zh = json.loads((realdata / "zh/alpaca_zh_demo.json").read_text("utf-8"))
    en = json.loads((realdata / "alpaca/alpaca_en_demo.json").read_text("utf-8"))
    named_zh = [detect_language(f"{row['instruction']} {row['output']}") for row in zh]
    named_en = [detect_language(f"{row['instruction']} {row['output']}") for row in en]
    assert named_zh.count("zh") / len(zh) > 0.97
    assert named_en.count("en") / len(en) > 0.99
