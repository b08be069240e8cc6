"""Each signal by a known answer."""

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.quality.frame import text_frame
from tuneloom.quality.measure import measure
from tuneloom.quality.signals import CATEGORIES, FIELDS, SIGNALS, TABLE
from tuneloom.records import Conversation, Message


def signals(prompt: str, answer: str, **more: object) -> dict[str, float]:
    """The signals of one exchange."""
    (row,) = measure(text_frame(table([chat(prompt, answer, **more)]))).to_dicts()
    return row


@pytest.mark.parametrize(
    ("signal", "answer", "value"),
    [
        ("answer_characters", "你好 all", 6),
        ("answer_words", "你好 all of it's", 5),
        ("answer_alphanumeric", "ab1 ---", 0.5),
        ("answer_letters", "ab1 ---", 2 / 6),
        ("answer_digits", "ab1 ---", 1 / 6),
        ("answer_symbols", "ab1 ---", 3 / 7),
        ("answer_blanks", "ab1 ---", 1 / 7),
        ("answer_tokens_estimated", "Good day, my friend.", 0.82 * 4 + 1.05 * 2 + 0.065 * 15),
        ("answer_unspaced", "好的 ok", 0.5),
        ("answer_links", "https://a.b ok", 11 / 14),
        ("answer_tags", "<b>x", 3 / 4),
        ("answer_longest_run", "hmmmm", 4),
        ("answer_line_length", "abc\nde", 3),
        ("answer_longest_line", "abc\nde", 3),
        ("answer_bullet_lines", "- a\nb", 0.5),
        ("answer_stop_words", "to be or not to be", 2),
        ("answer_lettered_words", "1 + a", 1 / 3),
        ("answer_to_prompt", "abcdefgh", 8 / 6),
        ("turns", "one", 1),
        ("answer_word_length", "abcd ef", 3),
        ("answer_word_length", "see https://example.org/a/very/long/path now", 3),
        ("answer_duplicate_lines", "same\nother\n same ", 1 / 3),
        ("answer_duplicate_line_characters", "same\nother\n same ", 4 / 13),
        ("answer_duplicate_paragraphs", "same\n\nother\n\nsame", 1 / 3),
        ("answer_top_4gram", "a b c d e a b c d", 8 / 9),
        ("answer_character_repetition", "x" * 30, 1),
        ("answer_duplicate_10grams", "no loop", 0),
        ("answer_repeats_prompt", "what?", 0),
        ("answer_repeats_prompt", " Say\n it ", 1),
        ("ending_refuses", "抱歉，我无法回答这个问题。", 1),
        ("answer_open_fence", "```python\nx = 1", 1),
        ("answer_open_fence", "```python\nx = 1\n```", 0),
        ("answer_is_cut", "and so it went [truncated]", 1),
        ("answer_is_cut", "未完待续是一种写法", 0),
        ("answer_mojibake", "PokÃ©mon!", 1 / 9),
        ("answer_stops_midway", "It fell because", 1),
        ("answer_stops_midway", "原因如下，例如", 1),
        ("answer_stops_midway", "That is what it is for.", 0),
        ("answer_says_assistant", "As an AI language model, I think so.", 1),
        ("answer_says_assistant", "作为人工智能助手，我很高兴。", 1),
        ("answer_says_assistant", "As an AI student, learn these first.", 0),
        ("answer_names_maker", "I was trained by OpenAI.", 1),
        ("answer_names_maker", "我是ChatGPT。", 1),
        ("answer_names_maker", "OpenAI is in San Francisco.", 0),
        ("answer_knowledge_cut_off", "My knowledge cutoff is 2021.", 1),
        ("answer_knowledge_cut_off", "我的知识截止到2021年。", 1),
        ("answer_pleasantries", "Yes. I hope this helps! Let me know if you have more.", 2),
        ("answer_pleasantries", "希望对您有所帮助。", 1),
    ],
)
def test_a_signal_measures_what_its_name_says(signal: str, answer: str, value: float) -> None:
    assert signals("Say it", answer)[signal] == pytest.approx(value, abs=6e-5)


def test_the_bare_instruction_counts_as_the_prompt_but_the_input_may_be_right_already() -> None:
    fields = {"instruction": "Mend it.", "input": "He goes."}
    assert signals("Mend it.\nHe goes.", "Mend it.", fields=fields)["answer_repeats_prompt"] == 1
    assert signals("Mend it.\nHe goes.", "He goes.", fields=fields)["answer_repeats_prompt"] == 0


def test_an_answer_that_says_the_instruction_first_echoes_it() -> None:
    said = signals("Name three rivers.", "Name three rivers. Rhine, Main, Isar.")
    assert said["answer_echo"] == pytest.approx(18 / 37, abs=6e-5)
    assert signals("翻译：你好", "翻译：你好")["answer_echo"] == 0, "too short to be an instruction's echo"


def test_a_conversation_is_measured_by_all_its_answers_and_ends_with_the_last() -> None:
    talk = Conversation(
        (Message("user", "a"), Message("assistant", "One."), Message("user", "b"), Message("assistant", "Sorry, no"))
    )
    (row,) = measure(text_frame(table([talk]))).to_dicts()
    assert (row["turns"], row["answer_words"], row["ending_characters"]) == (2, 3, 9)


def test_every_signal_says_what_it_is_and_its_fields_make_its_names() -> None:
    assert all(signal.says and list(signal.edges) == sorted(signal.edges) for signal in TABLE.values())
    assert {*FIELDS} == {*SIGNALS}
    assert not {*SIGNALS} & {*CATEGORIES}
    assert "prompt_stop_words" not in SIGNALS, "Gopher's rules are for what a model would learn to say"
