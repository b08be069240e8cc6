"""A plan gives the pieces that rendering gives, for every family and any words; what it cannot know it leaves alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.templates import FAMILIES, QWEN, family, say, with_template
from tuneloom.render.chat_template import Rendering
from tuneloom.render.plans import Piece, Plans, cut

TEXTS = st.text(alphabet=" \nab<|>{é你🎈", min_size=1, max_size=12) | st.sampled_from(
    ["SLOTxcx1xnxEND", "<|im_end|>\n<|im_start|>", "{{ bos_token }}", " x ", "WORDSxcx0xHERE"]
)


def filled(plans: Plans, messages: list[dict], prompt: bool = False) -> list[str] | None:
    plan = plans.of(messages, None, prompt)
    if plan is None:
        return None
    texts = [piece.text for piece in plan.pieces]
    for at, slot in plan.slots:
        texts[at] = slot.fill(messages)
    return texts


@pytest.mark.parametrize("name", sorted(FAMILIES))
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), prompt=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_plan_gives_the_pieces_of_the_rendering(name, texts, prompt):
    template = family(name).template
    messages, plans = say(*texts), Plans(template)
    rendering = template.render(messages, prompt=prompt)
    found = filled(plans, messages, prompt)
    if found is None:
        assert any(text.isspace() for text in texts)
        return
    assert isinstance(rendering, Rendering)
    assert found == [piece.text for piece in cut(rendering)]
    plan = plans.of(messages, None, prompt)
    marks = [(piece.control, piece.turn, piece.goes_on) for piece in plan.pieces]
    assert marks == [(piece.control, piece.turn, piece.goes_on) for piece in cut(rendering)]
    assert plan.trimmed(messages) == rendering.trimmed


def test_reasoning_is_planned_and_tools_are_not():
    template = family("qwen").template
    messages = say("Hi", "Yo")
    messages[1]["reasoning"] = "I greet."
    assert "<think>\nI greet.\n</think>\n\nYo" in filled(Plans(template), messages)
    messages[1]["tool_calls"] = '[{"name": "f"}]'
    assert filled(Plans(template), messages) is None
    assert Plans(template).of(say("Hi", "Yo"), '[{"name": "f"}]', False) is None


def test_words_that_hold_what_the_template_looks_for_are_rendered_by_themselves():
    """Qwen 3's template cuts reasoning out of an answer that holds `</think>`."""
    plans = Plans(family("qwen 3").template)
    assert filled(plans, say("Hi", "\nYo"))[-3] == "<think>\n\n</think>\n\nYo"
    assert filled(plans, say("Hi", "a</think>b")) is None
    assert filled(plans, say("<tool_response>", "Yo")) is None


@pytest.mark.parametrize(
    "looking",
    [
        "{{- m.content.split('b')[-1] }}",
        "{{- m.content.replace('b', 'c') }}",
        "{{- m.content.strip('b') }}",
        "{{- m.content if 'abc'.startswith(m.content) else '' }}",
        "{{- m.content if 'abc'.split(m.content) | length == 1 else '' }}",
        "{{- 'x'.replace('x', m.content) }}",
        "{{- m.content.lstrip('\n').strip() }}",
    ],
)
def test_a_template_that_may_look_into_the_words_has_no_plans(looking):
    template = with_template(QWEN.replace("{{- m.content }}", looking), ["<|im_start|>", "<|im_end|>"]).template
    assert filled(Plans(template), say("Hi", "Yo")) is None


def test_a_weight_of_0_makes_another_shape():
    plans = Plans(family("chatml").template)
    messages = say("Hi", "Yo", "And?", "So")
    messages[1]["weight"] = 0
    learnt = [piece.text for piece in plans.of(messages, None, False).pieces if piece.turn is not None]
    assert len(learnt) == 2
    assert len([p for p in plans.of(say("Hi", "Yo", "And?", "So"), None, False).pieces if p.turn is not None]) == 4


def test_a_piece_goes_on_where_no_special_token_stands_between():
    pieces = list(cut(family("chatml").template.render(say("Hi", "Yo"))))
    assert pieces[5:8] == [
        Piece("assistant\n", False, None, False),
        Piece("Yo", False, 0, True),
        Piece("<|im_end|>", True, 0, False),
    ]
