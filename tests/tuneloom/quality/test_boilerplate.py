"""Phrases that only somebody's assistant says, told from talk about assistants."""

import polars as pl
import pytest

from tuneloom.quality.boilerplate import CUT_OFF, IDENTITY, PLEASANTRIES, TALK


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (TALK, "As an AI language model, I think so."),
        (TALK, "Well, I'm just an AI."),
        (TALK, "作为人工智能助手，我很高兴。"),
        (IDENTITY, "I was trained by OpenAI."),
        (IDENTITY, "I'm an assistant developed by Anthropic."),
        (IDENTITY, "我是由OpenAI公司训练的模型。"),
        (CUT_OFF, "My knowledge cutoff is September 2021."),
        (CUT_OFF, "我的知识截止到2021年。"),
        (PLEASANTRIES, "I hope this helps!"),
        (PLEASANTRIES, "如果您有其他问题，请随时告诉我。"),
    ],
)
def test_stock_phrases_are_found(pattern: str, text: str) -> None:
    assert pl.Series([text]).str.contains(pattern).item()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (TALK, "As an AI student, learn these first."),
        (TALK, "人工智能可以用于翻译。"),
        (IDENTITY, "OpenAI is in San Francisco, and I am in Rome."),
        (IDENTITY, "我用通义千问写稿。"),
        (CUT_OFF, "A knowledge cutoff is a date."),
        (PLEASANTRIES, "This helps the dough to rise."),
    ],
)
def test_talk_about_them_is_not(pattern: str, text: str) -> None:
    assert not pl.Series([text]).str.contains(pattern).item()
