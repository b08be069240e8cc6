"""Answers without their questions: for decontamination alone."""

from dataclasses import replace

import pytest

from tests.tuneloom.ingest.formats.answers import said
from tuneloom.ingest.checks import settle
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation


def test_each_choice_is_a_row_of_answers() -> None:
    row = Row(
        {"question_id": 1, "model_id": "m", "choices": [{"index": 0, "turns": ["Second.", "Last."]}, {"turns": 7}]}
    )
    first, second = formats()["reference_answers"].parse(row)
    assert isinstance(first, Conversation)
    assert said(settle(replace(first, use="decontaminate"))) == [("assistant", "Second."), ("assistant", "Last.")]
    assert (first.synthetic, first.meta, row.rest()) == (True, {"index": 0}, {"question_id": 1, "model_id": "m"})
    assert isinstance(second, Conversation)
    for use in ("train", "evaluate"):
        with pytest.raises(Rejected, match="no prompt"):
            settle(replace(first, use=use))
