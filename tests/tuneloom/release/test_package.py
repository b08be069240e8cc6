"""What is registered: the adapter and its card, and nothing of the base or of this machine."""

import json
import shutil
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import make_chain
from tests.tuneloom.release.conftest import World
from tuneloom.artifacts import Spec, Store, Writer
from tuneloom.errors import BrokenArtifact
from tuneloom.models.resolve import ModelSource
from tuneloom.release.chat import generate_reply
from tuneloom.release.load import load_packed
from tuneloom.release.package import base_name, pack_model, read_card


@pytest.fixture(scope="module")
def files(world: World) -> Path:
    """The files of a registered model, as MLflow keeps them."""
    artifact = world.release(world.chain(tag="package"), "package")
    model_id = json.loads(artifact.path("release.json").read_text())["model_id"]
    return Path(world.tracking.client.get_logged_model(model_id).artifact_location)


def test_a_version_is_at_most_a_megabyte_larger_than_its_adapter(world: World, files: Path) -> None:
    weights = (world.adapter / "adapter_model.safetensors").stat().st_size
    assert sum(path.stat().st_size for path in files.rglob("*") if path.is_file()) <= weights + 1_000_000
    assert [path.name for path in files.rglob("*.safetensors")] == ["adapter_model.safetensors"]


def test_the_base_is_named_and_no_path_of_this_machine_is_kept(world: World, files: Path) -> None:
    config = json.loads(next(files.rglob("adapter_config.json")).read_text())
    assert config["base_model_name_or_path"] == world.base.path.name
    for path in files.rglob("*"):
        if path.is_file():
            assert str(world.base.path.parent).encode() not in path.read_bytes(), path


def test_the_card_tells_base_template_and_lineage(world: World, files: Path) -> None:
    card = read_card(next(files.rglob("tuneloom.json")).parent)
    assert (card.method, card.base_digest, card.template_digest) == ("lora", world.base.digest, "7e" * 16)
    assert set(card.artifacts) >= {"ingest", "dedup", "render", "train", "evaluate"}


def test_an_artifact_without_a_model_is_refused(tmp_path: Path) -> None:
    chain = make_chain(tmp_path / "store", adapter=None)
    base = ModelSource("smol", None, "hub", "0" * 32)
    with pytest.raises(BrokenArtifact, match="holds no whole adapter and no model"):
        pack_model(chain["train"], base, {}, None, tmp_path)


def test_a_fully_tuned_model_is_kept_whole_and_talks_with_its_bases_tokenizer(world: World, tmp_path: Path) -> None:
    def train(writer: Writer) -> None:
        for path in world.base.path.iterdir():
            if path.name in ("config.json", "generation_config.json", "model.safetensors"):
                shutil.copyfile(path, writer.file(f"model/{path.name}"))

    tuned = Store(tmp_path / "store").ensure(Spec("train", "code", config={"method": "full"}), train)
    (tmp_path / "packed").mkdir()
    card = pack_model(tuned, world.base, {}, None, tmp_path / "packed")
    model, tokenizer = load_packed(tmp_path / "packed", [str(world.base.path)])
    assert card.method == "full"
    assert isinstance(generate_reply(model, tokenizer, [{"role": "user", "content": "Hi"}], 3), str)


def test_a_damaged_card_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "tuneloom.json").write_text('{"method": "lora"')
    with pytest.raises(BrokenArtifact, match=r"no readable tuneloom\.json") as told:
        read_card(tmp_path)
    assert told.value.where == str(tmp_path)


@pytest.mark.parametrize(("given", "kept"), [("/data/models/smol", "smol"), ("org/smol", "org/smol"), ("smol", "smol")])
def test_a_base_keeps_its_name_and_loses_its_folder(given: str, kept: str) -> None:
    assert base_name(ModelSource(given, None, "folder", "")) == kept
