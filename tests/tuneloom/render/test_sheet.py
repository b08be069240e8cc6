"""Rows on one sheet: laid out as arrays and proven from them, each by itself."""

import numpy as np
import pytest

from tests.tuneloom.render.templates import family, say
from tuneloom.models.token_row import TokenRow
from tuneloom.render import sheet as sheets
from tuneloom.render.plans import cut
from tuneloom.render.sheet import Sheet, Unproven

TOKENIZER = family("chatml")


def sheet(*talks: list[dict]) -> Sheet:
    made = Sheet(TOKENIZER)
    for talk in talks:
        made.add(list(cut(TOKENIZER.template.render(talk))))
    return made


def test_rows_lie_one_after_the_other_in_one_array():
    first, second = sheet(say("Hi", "Yo"), say("Who?", "Me", "So?", "No")).finish(["a", "b"])
    assert first.ids.base is second.ids.base is not None
    assert TOKENIZER.decode([second.ids])[0].endswith("So?<|im_end|>\n<|im_start|>assistant\nNo<|im_end|>\n")


def test_planned_and_rendered_rows_share_a_sheet():
    talk = say("Hi", "Yo")
    made = sheet(talk)
    plan = TOKENIZER.plans.of(talk, None, False)
    made.add_planned(plan, [slot.fill(talk) for _, slot in plan.slots])
    made.add([])
    one, other, nothing = made.finish(["a", "b", "c"])
    assert one.ids.tolist() == other.ids.tolist()
    assert one.loss_mask.tolist() == other.loss_mask.tolist()
    assert len(nothing) == 0


@pytest.mark.parametrize("wrong", ["token", "mask", "end"])
def test_a_row_that_is_wrong_in_its_arrays_is_named_and_the_others_are_kept(monkeypatch, wrong):
    """Whatever the writer of the arrays does wrong, the proof sees it: it reads the arrays alone."""
    lay = sheets._lay

    def mistaken(*given):
        laid = lay(*given)
        tokens, loss_mask = laid.ids.copy(), laid.loss_mask.copy()
        start, end = laid.bounds[1:3]  # the second row
        run = start + np.flatnonzero(loss_mask[start:end])
        if wrong == "token":
            tokens[run[0]] += 1
        elif wrong == "mask":
            loss_mask[run[0] - 1] = 1
        else:
            loss_mask[run[-1]] = 0
        return type(laid)(tokens, loss_mask, laid.bounds)

    monkeypatch.setattr(sheets, "_lay", mistaken)
    first, second, third = sheet(say("Hi", "Yo"), say("Hi", "Me"), say("Hi", "No")).finish(["a", "b", "c"])
    assert isinstance(first, TokenRow)
    assert isinstance(second, Unproven)
    assert isinstance(third, TokenRow)
    assert second.expected == "Me<|im_end|>"
    assert second.found != second.expected


def test_no_rows_give_no_rows():
    assert Sheet(TOKENIZER).finish([]) == []
