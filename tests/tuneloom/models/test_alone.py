"""One row at a time, by transformers: the same as in slots, for every model and whatever its own settings say."""

from pathlib import Path

import pytest
import torch

from tests.tuneloom.models.test_asks import MOST, alone, some_asks
from tuneloom.errors import TrainingError
from tuneloom.models.alone import in_turn
from tuneloom.models.load import load_model
from tuneloom.models.spots import Reply


@pytest.fixture
def model(tiny_model: Path):
    return load_model(tiny_model)


def test_it_gives_what_whole_forward_passes_give(model) -> None:
    asks = some_asks((5, 17, 2, 9, 1, 25), shared=3)
    free = [alone(model, ask, set()) for ask in asks]
    stops = {free[0][2][4], free[3][2][7]}
    replies = [Reply(sums=[0.0] * len(ask.answers)) for ask in asks]
    own = model.generation_config
    assert list(in_turn(model, list(zip(asks, replies, strict=True)), MOST, stops)) == [1, 2, 3, 4, 5, 6]
    for ask, reply in zip(asks, replies, strict=True):
        prompt, sums, ids = alone(model, ask, stops)
        assert reply.prompt_sum == pytest.approx(prompt, abs=1e-3)
        assert reply.sums == pytest.approx(sums, abs=1e-3)
        assert reply.ids == ids
    assert own.repetition_penalty == 1.3, "which would change answers"
    assert model.generation_config is own
    assert model.config._attn_implementation == "sdpa"


def test_a_broken_model_names_the_row(model) -> None:
    with torch.no_grad():
        model.get_output_embeddings().weight[7] = float("nan")
    ask = some_asks((5,))[0]
    with pytest.raises(TrainingError, match="nan") as caught:
        list(in_turn(model, [(ask, Reply(sums=[0.0] * 3))], MOST, set()))
    assert caught.value.where.startswith("row row of")
