"""Rows made by columns are the rows made one by one, for every family, whatever the words."""

import functools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.templates import FAMILIES, family, say
from tuneloom.models.token_row import TokenRow
from tuneloom.records import MESSAGE
from tuneloom.render.columns import dicts_of, plan_rows
from tuneloom.render.engine import Engine
from tuneloom.render.loss_mask import Said, speak, write_rows

SPACES = [" ", "\n", "\t", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u205f", "\u3000", "\u200b"]
TEXTS = st.text(alphabet=st.sampled_from([*SPACES, *"ab<|>{é你「。🎈"]), max_size=6) | st.sampled_from(
    ["Hi", "Yo", "<|im_end|>", "</think>", "SLOTxcx1xnxEND", "<tool_response>"]
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": TEXTS, "weight": st.sampled_from([1, 1, 0])},
    optional={"reasoning": TEXTS, "name": st.sampled_from(["", "n"]), "tool_call_id": st.just("")},
)


known = functools.cache(family)


def column(talks: list[list[dict]]) -> pa.ListArray:
    return pa.array(talks, pa.list_(MESSAGE))


@pytest.mark.parametrize("name", sorted(FAMILIES))
@given(talks=st.lists(st.lists(MESSAGES, min_size=1, max_size=4), max_size=8), cut=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_planned_rows_are_those_of_a_row_by_itself_and_lie_in_order(name, talks, cut):
    tokenizer = known(name)
    messages = column(talks).slice(min(cut, len(talks)))  # a column may be a view
    said = [Said("", talk) for talk in talks[min(cut, len(talks)) :]]
    able = np.arange(len(said)) % 4 != 3
    spoken = speak(pa.chunked_array([messages]), able, tokenizer)
    alone = write_rows(said, tokenizer)
    assert spoken.places.tolist() == sorted({*spoken.places.tolist()} & {*np.flatnonzero(able).tolist()})
    for number, place in enumerate(spoken.places.tolist()):
        expected = alone.rows[place]
        assert spoken.trimmed[number] == alone.trimmed[place]
        if isinstance(expected, TokenRow):
            found = spoken.rows.row(number, "")
            assert found.ids.tolist() == expected.ids.tolist()
            assert found.loss_mask.tolist() == expected.loss_mask.tolist()
        else:
            assert spoken.unproven[number] == expected


def test_rows_of_words_alone_have_plans_and_others_are_left():
    talks = [say("Hi", "Yo"), say(" ", "Yo"), [*say("Hi"), {"role": "assistant", "content": "x", "name": "n"}]]
    talks += [say("Hi", "", "So?", "no"), [*say("Hi"), {"role": "assistant", "content": "Yo", "reasoning": "\n"}]]
    found = plan_rows(column(talks), np.ones(5, bool), family("chatml"))
    assert found.numbers.tolist() == [0, 3]
    assert plan_rows(column([]), np.ones(0, bool), family("chatml")).numbers.tolist() == []


def test_equal_texts_are_tokenised_once():
    pieces = plan_rows(column([say("Hi", "Yo")] * 3), np.ones(3, bool), family("chatml")).pieces
    assert sorted(pieces.whole.to_pylist()) == sorted({*pieces.whole.to_pylist()})
    assert len(pieces.sizes) == 4


def test_a_sampled_row_that_differs_ends_the_fast_way(monkeypatch):
    tokenizer, encode = family("chatml"), Engine.encode
    monkeypatch.setattr(Engine, "encode", lambda self, texts: (encode(self, texts)[0] * 0, encode(self, texts)[1]))
    assert speak(pa.chunked_array([column([say("Hi", "Yo")])]), np.ones(1, bool), tokenizer) is None
    assert not tokenizer.quick


def test_dicts_of_some_rows_are_their_messages():
    found = dicts_of(column([say("a", "b"), say("c"), say("d")]), [2, 0])
    assert [[message["content"] for message in talk] for talk in found] == [["d"], ["a", "b"]]
