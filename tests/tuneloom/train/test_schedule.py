"""Every step has a learning rate above 0, which rises once and then falls by its schedule."""

from typing import Any

import pytest

from tuneloom.config import Train
from tuneloom.train.schedule import learning_rate


def test_the_learning_rate_rises_from_above_0_and_falls_by_its_schedule() -> None:
    settings = Train(learning_rate=1e-3, warmup=0.2)
    rates = [learning_rate(step, 10, settings) for step in range(10)]
    assert rates[:3] == pytest.approx([5e-4, 1e-3, 9.7e-4], rel=1e-3)
    assert rates[-1] == pytest.approx(3.0e-5, rel=0.01)
    assert rates[1:] == sorted(rates[1:], reverse=True)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.5, 0.99])
def test_every_step_has_a_rate_above_0_up_to_the_peak(schedule: Any, steps: int, warmup: float) -> None:
    settings = Train(learning_rate=1e-3, warmup=warmup, schedule=schedule)
    rates = [learning_rate(step, steps, settings) for step in range(steps)]
    assert all(0 < rate <= 1e-3 for rate in rates)
    assert max(rates) == pytest.approx(1e-3)
