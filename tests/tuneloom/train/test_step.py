"""A step that goes wrong stops the training and names its rows."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tuneloom.train.test_trainer import SETTINGS, trained
from tuneloom.errors import TrainingError
from tuneloom.train import step


def test_a_loss_that_is_no_number_stops_with_the_rows_of_its_micro_batch(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_loss = step.packed_loss

    def poisoned(model: Any, rows: Any, dtype: torch.dtype) -> Any:
        loss, count = true_loss(model, rows, dtype)
        return (loss * float("nan") if any(row.id == "row-4" for row in rows) else loss), count

    monkeypatch.setattr(step, "packed_loss", poisoned)
    with pytest.raises(TrainingError, match="the loss is nan") as caught:
        trained(tiny_model, SETTINGS.model_copy(update={"micro_batch_tokens": 1}))
    assert caught.value.where == "rows row-4"


def test_a_loss_that_runs_away_stops_the_training(tiny_model: Path) -> None:
    wild = SETTINGS.model_copy(update={"method": "full", "learning_rate": 1.0, "epochs": 20.0, "schedule": "constant"})
    with pytest.raises(TrainingError, match=r"ran away|norm is") as caught:
        trained(tiny_model, wild)
    assert "row-" in caught.value.where
    assert "train.learning_rate" in caught.value.remedy
