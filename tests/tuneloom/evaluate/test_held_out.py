"""Held-out rows: loss and answer of each its own, asked what was trained, ended where training taught to end."""

import numpy as np
import pytest

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.evaluate.generation import Answer
from tuneloom.evaluate.held_out import ask_held_out
from tuneloom.evaluate.items import Item, held_out_items
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model, load_tokenizer
from tuneloom.models.token_row import TokenRow
from tuneloom.render.loss_mask import prompt_ids


@pytest.fixture(scope="module")
def asked(tmp_path_factory, tiny_model):
    """Questions of several lengths, and a conversation whose first answer is learnt, too."""
    store = tmp_path_factory.mktemp("store")
    test = [("test", talk(f"Question {i}? " * (1 + i % 3), "word " * (1 + i % 5))) for i in range(9)]
    test.append(("test", talk("Hello", "Well met", "And now?", "Nothing")))
    rows = mixture(store, [("train", talk("Hi", "Yo")), *test])
    items = held_out_items(rows, rendered(store, rows, tiny_model), 20, seed=0)
    return load_model(tiny_model), load_tokenizer(tiny_model), items


def ask(asked, items, scored: int = 99, said: int = 99, most: int = 6, told=lambda n: None):
    model, tokenizer, _ = asked
    return ask_held_out(model, tokenizer, items[:scored], items[:said], most, told)


def test_losses_are_those_of_rows_read_whole(asked):
    model, _, items = asked
    assert len(items) == 10
    assert max(len(np.flatnonzero(np.diff(item.row.loss_mask) == 1)) for item in items) == 2, "an earlier answer"
    wanted = [loss.mean for loss in row_losses(model, [item.row for item in items])]
    assert ask(asked, items)[0] == pytest.approx(wanted, rel=1e-5)


def test_company_and_order_change_neither_losses_nor_answers(asked):
    items = asked[2]
    losses, answers = ask(asked, items)
    backwards = ask(asked, items[::-1])
    assert backwards[0][::-1] == pytest.approx(losses, rel=1e-5)
    assert backwards[1][::-1] == answers
    for n, item in enumerate(items):
        alone = ask(asked, [item])
        assert alone[0] == pytest.approx(losses[n : n + 1], rel=1e-5)
        assert alone[1] == answers[n : n + 1]
    assert all(answer.cut and answer.tokens == 6 for answer in answers)


def test_some_may_be_scored_only_or_asked_only_and_all_are_told_of(asked):
    items, told = asked[2], []
    losses, answers = ask(asked, items)
    assert ask(asked, items, said=3, told=told.append)[1] == answers[:3]
    assert ask(asked, items, scored=3)[0] == pytest.approx(losses[:3], rel=1e-5)
    assert told == sorted(told)
    assert told[-1] == 10


def test_the_end_token_of_the_training_rows_ends_an_answer(asked):
    model, _, items = asked
    first = _first_token(model, items[0])
    ending = TokenRow("x", np.append(items[0].row.ids[:-2], [first, 0]).astype(np.int32), items[0].row.loss_mask)
    assert ask(asked, [Item(ending, "t", None, None, "", ("",), "x")])[1] == [Answer("", False)]


def _first_token(model, item) -> int:
    import torch

    with torch.no_grad():
        return int(model(torch.tensor(prompt_ids(item.row)[None], dtype=torch.long)).logits[0, -1].argmax())
