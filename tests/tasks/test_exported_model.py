"""`tuneloom export CONFIG --model`: one folder, whole, with a card that tells where it came from.

Here and not beside the tests of flows/, for the pipeline that ran.
"""

import json
from pathlib import Path

import pytest
import torch
import yaml

from flows.cli import main
from tests.tasks.conftest import Ended
from tuneloom.evaluate.subjects import trained_folder
from tuneloom.models.load import load_adapter, load_model


def test_the_folder_is_the_tuned_model_and_its_card_tells_where_it_came_from(
    ended: Ended,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.chdir(tmp_path)
    assert main(["export", str(ended.config), "--model", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    folder = Path(said["path"])
    assert (folder.name, said["dtype"]) == (f"{ended.config.stem}-model", "float32")
    assert said["train"] == ended.artifact("train").reference.key

    whole = AutoModelForCausalLM.from_pretrained(folder).eval()
    adapted = load_adapter(load_model(Path(ended.run.plan.model.path or "")), trained_folder(ended.artifact("train")))
    ids = torch.arange(3, 30)[None]
    with torch.no_grad():
        torch.testing.assert_close(whole(ids).logits, adapted(ids).logits, rtol=1e-5, atol=1e-5)
    assert AutoTokenizer.from_pretrained(folder).chat_template
    assert not [path for path in folder.iterdir() if path.suffix not in {".json", ".safetensors", ".jinja", ".md"}]

    text = (folder / "README.md").read_text("utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["base_model"] == Path(ended.run.plan.model.name).name
    assert head["pipeline_tag"] == "text-generation"
    for stage in ("ingest", "mixture", "render", "train"):
        assert f"| {stage} | `{ended.artifact(stage).reference.key}` |" in text
    verdict = json.loads(ended.artifact("evaluate").path("verdict.json").read_text("utf-8"))
    assert f"The gate says **{verdict['verdict']}**" in text
    assert "| source | licence | rows |" in text
    assert "lora of rank 8" in text
    assert ended.artifact("render").stats["template"] in text
    assert "<|im_start|>" in text
    assert ended.run.plan.model.digest in text
    assert str(ended.config.parent) not in text


def test_what_is_there_and_what_excludes_it_is_refused(
    ended: Ended,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    assert main(["export", str(ended.config), "--model", "--out", str(tmp_path / "full")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["export", str(ended.config), "--model", "--stage", "ingest"]) == 2
    assert "exclude each other" in capsys.readouterr().err
