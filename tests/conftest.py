"""What every test may use: an offline environment, the real data where it is, a tiny model made in process."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect: nothing that hypothesis times may fail a test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

os.environ.update(
    HF_HUB_OFFLINE="1",
    DO_NOT_TRACK="true",
    MLFLOW_DISABLE_TELEMETRY="true",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    OMP_WAIT_POLICY="PASSIVE",
)


def needed(what: str, found: bool) -> None:
    """Skips where something is not on this machine; CI sets TUNELOOM_REQUIRE_ALL=1, and then it is a failure."""
    if found:
        return
    if os.environ.get("TUNELOOM_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is not here, and TUNELOOM_REQUIRE_ALL=1")
    pytest.skip(f"{what} is not here")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real public data (env TUNELOOM_REALDATA)."""
    folder = Path(os.environ.get("TUNELOOM_REALDATA", "/nonexistent"))
    needed("real data (TUNELOOM_REALDATA)", folder.is_dir())
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random Llama and a byte-level BPE tokenizer with a ChatML template."""
    from tests.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))
