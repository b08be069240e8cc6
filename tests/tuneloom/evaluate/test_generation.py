"""Generated answers: asked what was trained, ended where training taught to end."""

import numpy as np
import pytest

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.evaluate.generation import Answer, generate_answers, score_answers
from tuneloom.evaluate.items import Item, held_out_items
from tuneloom.evaluate.metrics import load_metrics
from tuneloom.models.load import load_model, load_tokenizer
from tuneloom.models.token_row import TokenRow


@pytest.fixture(scope="module")
def asked(tmp_path_factory, tiny_model):
    store = tmp_path_factory.mktemp("store")
    rows = mixture(store, [("train", talk("Hi", "Yo")), *(("test", talk(f"What is {i}?", "It")) for i in range(5))])
    items = held_out_items(rows, rendered(store, rows, tiny_model), 5, seed=0)
    return load_model(tiny_model), load_tokenizer(tiny_model), items


def test_answers_come_in_the_items_order_and_are_cut_at_the_limit(asked):
    model, tokenizer, items = asked
    together = generate_answers(model, tokenizer, items, 6, lambda done: None)
    alone = [generate_answers(model, tokenizer, [item], 6, lambda done: None)[0] for item in items]
    assert together == alone
    assert all(answer.cut for answer in together)


def test_the_end_token_of_the_training_rows_ends_an_answer(asked):
    model, tokenizer, items = asked
    first = _first_token(model, items[0])
    ending = TokenRow("x", np.append(items[0].row.ids[:-2], [first, 0]).astype(np.int32), items[0].row.loss_mask)
    item = Item(ending, "t", None, None, "", ("",), "x")
    assert generate_answers(model, tokenizer, [item], 6, lambda done: None) == [Answer("", False)]


def test_scores_leave_outer_white_space_aside(asked):
    *_, items = asked
    answers = [Answer(" It\n", False)] + [Answer("no", True)] * 4
    assert [score.value for score in score_answers(load_metrics()["exact_match"], items, answers)] == [
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
    ]


def _first_token(model, item: Item) -> int:
    import torch

    from tuneloom.render.loss_mask import prompt_ids

    with torch.no_grad():
        return int(model(torch.tensor(prompt_ids(item.row)[None].astype(np.int64))).logits[0, -1].argmax())
