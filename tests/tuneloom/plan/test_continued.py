"""The adapter to go on with: found and checked when a run is planned, and keyed by what is in it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.tuneloom.plan.planned import config, keys
from tuneloom.config import Train
from tuneloom.errors import ConfigError, MissingFile, TuneloomError, UnknownModel
from tuneloom.models.resolve import ModelSource
from tuneloom.plan import make_plan
from tuneloom.plan.continued import check_continued, find_continued
from tuneloom.release.package import CARD

BASE = ModelSource("smol", None, "hub", "0" * 32)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def put_card(adapter: Path, **more: str) -> None:
    card = {"method": "lora", "base": "smol", "base_kind": "hub", "base_digest": BASE.digest} | more
    (adapter / CARD).write_text(json.dumps({**card, "template_digest": None, "artifacts": {"train": "k1"}}))


def test_an_adapter_is_known_by_its_bytes_and_not_by_its_place(adapter: Path, tmp_path: Path) -> None:
    found = find_continued(Train(continue_from="before"), tmp_path, tmp_path, BASE)
    assert found is not None
    assert check_continued(found) == adapter
    shutil.copytree(adapter, tmp_path / "moved")
    moved = find_continued(Train(continue_from="moved"), tmp_path, tmp_path, BASE)
    assert moved is not None
    assert moved.digest == found.digest
    (adapter / "adapter_model.safetensors").write_bytes(b"other weights")
    with pytest.raises(TuneloomError, match=r"train\.continue_from changed"):
        check_continued(found)
    assert find_continued(Train(), tmp_path, tmp_path, BASE) is None
    assert check_continued(None) is None


def test_another_adapter_is_another_training_of_the_same_data(adapter: Path, project: Path) -> None:
    before = keys(make_plan(config(), project))
    shutil.copytree(adapter, project / "before")
    here = keys(make_plan(config(train={"continue_from": "before"}), project))
    assert {stage for stage in before if before[stage] != here[stage]} == {"train"}
    shutil.move(project / "before", project / "elsewhere")
    assert keys(make_plan(config(train={"continue_from": "elsewhere"}), project)) == here


def test_what_is_no_adapter_of_this_base_is_refused(adapter: Path, tmp_path: Path) -> None:
    def find(name: str = "before") -> None:
        find_continued(Train(continue_from=name), tmp_path, tmp_path, BASE)

    with pytest.raises(MissingFile, match=r"no adapter_config\.json to continue from"):
        find("nowhere")
    with pytest.raises(UnknownModel, match="no model is registered yet"):
        find("models:/tuned/3")
    put_card(adapter, base_digest="1" * 32)
    with pytest.raises(ConfigError, match="was trained on smol with digest 111111111111, not on smol"):
        find()
    put_card(adapter, method="full")
    with pytest.raises(ConfigError, match="is a whole model"):
        find()
    put_card(adapter)
    find()


def test_what_made_a_registered_adapter_stands_in_the_key(adapter: Path, tmp_path: Path) -> None:
    """So a takedown of its rows finds what went on with it."""
    put_card(adapter)
    found = find_continued(Train(continue_from="before"), tmp_path, tmp_path, BASE)
    assert found is not None
    assert found.train == "k1"


def test_what_mlflow_gets_makes_no_other_training(project: Path) -> None:
    assert keys(make_plan(config(train={"log_checkpoints": True}), project)) == keys(make_plan(config(), project))
