"""What training takes is told before it, as far as it can be known."""

from pathlib import Path

import pytest

from tuneloom.config import Render, Train
from tuneloom.models.probe import Machine
from tuneloom.models.resolve import ModelSource, resolve_model
from tuneloom.train import forecast as module
from tuneloom.train import ranks
from tuneloom.train.forecast import forecast, tokens_to_train
from tuneloom.train.memory import flops, read_shape


@pytest.fixture
def tiny(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSource:
    """On a machine of 100 GFLOP/s with memory enough."""
    monkeypatch.setattr(module, "probe", lambda: Machine("cpu", "float32", 2, 100.0, 10.0, "as measured"))
    monkeypatch.setattr(ranks, "free_bytes", lambda device: 10**11)
    return resolve_model(str(tiny_model))


def test_the_least_of_epochs_and_max_tokens_trains() -> None:
    assert tokens_to_train(Train(epochs=2), 500) == 1000
    assert tokens_to_train(Train(epochs=2, max_tokens=300), 500) == 300
    assert tokens_to_train(Train(max_tokens=300), None) == 300
    assert tokens_to_train(Train(), None) is None


def test_seconds_are_products_by_the_rate_that_training_reaches(tiny: ModelSource) -> None:
    found = forecast(Train(), Render(), tiny, 10_000)
    shape = read_shape(tiny.path) if tiny.path else None
    assert shape is not None
    assert found.seconds == pytest.approx(flops(shape, "lora", 10_000, 7_500) / 65e9)
    assert found.chosen.need is not None
    assert forecast(Train(method="full"), Render(), tiny, 10_000).seconds == pytest.approx(1.5 * found.seconds)


def test_nothing_is_made_up_of_tokens_or_a_model_that_nobody_knows(tiny: ModelSource, tmp_path: Path) -> None:
    assert forecast(Train(), Render(), tiny, None).seconds is None
    nowhere = ModelSource(**{**vars(tiny), "path": tmp_path})
    found = forecast(Train(), Render(), nowhere, 10_000)
    assert (found.seconds, found.chosen.need) == (None, None)


def test_processes_share_a_cpu_and_have_a_gpu_each(tiny: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, two = (forecast(Train(processes=count), Render(), tiny, 10_000) for count in (1, 2))
    assert two.seconds == alone.seconds, "the cores are the same"
    assert (alone.chosen.choices.threads, two.chosen.choices.threads) == (2, 1)
    assert "of 50.0 GB free" in two.chosen.reasons[1]
    monkeypatch.setattr(module, "probe", lambda: Machine("cuda", "float32", 2, 100.0, 10.0, "as measured"))
    alone, two = (forecast(Train(processes=count), Render(), tiny, 10_000) for count in (1, 2))
    assert two.seconds == pytest.approx((alone.seconds or 0) / 2)
    assert "of 100.0 GB free" in two.chosen.reasons[1]
