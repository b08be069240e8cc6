"""What of a conversation the signals look at."""

import polars as pl

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.quality.frame import text_frame
from tuneloom.records import Conversation, Message


def test_the_answer_is_what_would_be_learnt() -> None:
    talk = Conversation(
        (
            Message("system", "Be brief."),
            Message("user", "Hello"),
            Message("assistant", "A greeting that is not learnt", weight=0),
            Message("user", "And now?"),
            Message("assistant", "Good day."),
            Message("user", "Bye"),
            Message("assistant", "See you."),
        ),
        fields={"instruction": "Hello"},
        language="en",
        kind="natural",
    )
    (row,) = text_frame(table([talk])).to_dicts()
    assert row["prompt"] == "Be brief.\nHello\nAnd now?\nBye"
    assert (row["request"], row["answer"], row["ending"]) == ("Bye", "Good day.\nSee you.", "See you.")
    assert (row["instruction"], row["script"], row["has_tools"]) == ("Hello", "spaced", 0)


def test_languages_without_spaces_have_their_own_script() -> None:
    rows = [chat("q", "a", language=language) for language in ("zh", "ja", "th", "ko", "en", None)]
    assert text_frame(table(rows))["script"].to_list() == ["unspaced"] * 3 + ["spaced"] * 3


def test_rows_keep_their_order_and_missing_texts_are_empty() -> None:
    rows = [chat("b", "1"), Conversation((Message("user", "only a prompt"),), use="evaluate"), chat("a", "2")]
    frame = text_frame(table(rows))
    assert frame["prompt"].to_list() == ["b", "only a prompt", "a"]
    assert frame["answer"].to_list() == ["1", "", "2"]
    assert frame["use"].to_list() == ["train", "evaluate", "train"]
    assert frame.select(pl.col("prompt", "answer", "instruction", "kind").null_count()).row(0) == (0, 0, 0, 0)
