"""One MLflow database, one tiny base and one adapter for all release tests: making them is what costs seconds."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import lineage_of, make_chain
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Release
from tuneloom.models.resolve import ModelSource, resolve_model
from tuneloom.release.stage import release
from tuneloom.release.tracking import Tracking, open_tracking


@dataclass(frozen=True)
class World:
    """A home with its MLflow records, a store, a base and an adapter for it."""

    home: Path
    store: Path
    base: ModelSource
    adapter: Path
    tracking: Tracking

    def chain(self, **made: object) -> dict[str, Artifact]:
        """A chain in this store whose train artifact is this adapter."""
        return make_chain(self.store, self.adapter, **made)  # type: ignore[arg-type]

    def release(self, chain: dict[str, Artifact], name: str, lineage: list[Artifact] | None = None) -> Artifact:
        """Runs the stage as the pipeline does."""
        parents = (chain["train"].reference, chain["evaluate"].reference)
        spec = Spec("release", "code", config={"model_name": name}, parents=parents)
        known = lineage_of(self.store, chain) if lineage is None else lineage
        config = Release(model_name=name)
        return Store(self.store).ensure(
            spec,
            lambda writer: release(writer, chain["evaluate"], chain["train"], known, self.base, config, self.tracking),
        )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> World:
    """See `World`; the adapter's B matrices are not zero, so it changes what the base says."""
    folder = tmp_path_factory.mktemp("release")
    home = folder / "project" / ".tuneloom"
    adapter = folder / "adapter"
    _make_adapter(tiny_model, adapter)
    tracking = open_tracking(home, "quickstart", "quickstart 1", {"purpose": "test"})
    return World(home, folder / "store", resolve_model(str(tiny_model)), adapter, tracking)


def _make_adapter(base: Path, adapter: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(adapter)
