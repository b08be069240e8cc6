"""Held-out loss: nats a supervised token, independent of company and order."""

import pytest

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.evaluate.held_out import held_out_losses
from tuneloom.evaluate.items import held_out_items
from tuneloom.models.load import load_model


def test_a_rows_loss_does_not_depend_on_the_others(tmp_path, tiny_model):
    test = [("test", talk(f"Question {i}? " * (1 + i % 3), "word " * (1 + i % 5))) for i in range(20)]
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo")), *test])
    items, model = held_out_items(rows, rendered(tmp_path, rows, tiny_model), 20, seed=0), load_model(tiny_model)
    seen = []
    losses = held_out_losses(model, items, seen.append)
    assert seen == [16, 20]
    assert held_out_losses(model, items[::-1], seen.append)[::-1] == pytest.approx(losses, rel=1e-5)
    assert held_out_losses(model, items[7:8], seen.append) == pytest.approx(losses[7:8], rel=1e-5)
    assert min(losses) > 0
