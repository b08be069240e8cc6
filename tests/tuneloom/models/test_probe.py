"""The number format is chosen by what was measured, not by the device's name."""

import pytest

from tuneloom.models import probe as probing
from tuneloom.models.probe import Machine, choose_dtype, probe


def test_the_machine_is_measured() -> None:
    machine = probe()
    assert machine.gflops_float32 > 0
    assert machine.gflops_bfloat16 > 0
    assert machine.threads >= 1
    assert probe() is machine


@pytest.mark.parametrize(
    ("float32", "bfloat16", "dtype"), [(100.0, 10.0, "float32"), (100.0, 120.0, "float32"), (100.0, 240.0, "bfloat16")]
)
def test_bfloat16_is_taken_only_where_it_clearly_wins(
    monkeypatch: pytest.MonkeyPatch, float32: float, bfloat16: float, dtype: str
) -> None:
    monkeypatch.setattr(probing, "_rates", lambda device: {"float32": float32, "bfloat16": bfloat16})
    monkeypatch.setattr(probing, "_device", lambda: "cpu")
    machine = probe.__wrapped__()
    assert machine.dtype == dtype
    assert "measured" in machine.reason


def test_the_config_overrules_the_machine() -> None:
    machine = Machine("cpu", "bfloat16", 2, 100.0, 200.0, "measured")
    assert choose_dtype("auto", machine) == "bfloat16"
    assert choose_dtype("float32", machine) == "float32"
