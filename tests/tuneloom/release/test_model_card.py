"""The card of an exported model states base, data, licences, scores, template and lineage."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.tuneloom.release.chain import lineage_of, make_chain
from tuneloom.models.resolve import ModelSource
from tuneloom.release.model_card import Exported, model_card

BASE = ModelSource("/data/models/smol", None, "folder", "ab" * 16)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    store = tmp_path_factory.mktemp("store")
    chain = make_chain(store)
    return Exported("demo", BASE, chain["train"], lineage_of(store, chain), chain["evaluate"], "bfloat16")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    return tmp_path


def test_it_states_what_the_model_is_and_comes_from(exported: Exported, folder: Path) -> None:
    text = model_card(exported, folder)
    head = yaml.safe_load(text.split("---")[1])
    assert (head["base_model"], head["pipeline_tag"], head["license"]) == ("smol", "text-generation", "other")
    assert "stored in bfloat16" in text
    assert "The gate says **promote**" in text
    assert "Of the data: Apache-2.0, unknown. Of the base, smol: its own." in text
    assert "| alpaca | Apache-2.0 |" in text
    assert f"Digest `{'7e' * 16}`" in text
    assert "{{ messages }}" in text
    assert f"| base | `{BASE.digest}` |" in text
    assert f"| train | `{exported.tuned.reference.key}` |" in text
    assert "| Tokens trained on | 25,104 |" in text
    assert "/data/models" not in text


def test_a_model_that_was_not_scored_says_so(exported: Exported, folder: Path) -> None:
    text = model_card(replace(exported, evaluation=None), folder)
    assert "Tuned from **smol**. It was not scored." in text
    assert "| alpaca | Apache-2.0 |" in text


def test_an_encoder_decoder_is_shown_with_its_own_call_and_no_template(exported: Exported, folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"is_encoder_decoder": True}))
    (folder / "chat_template.jinja").unlink()
    text = model_card(exported, folder)
    assert "AutoModelForSeq2SeqLM" in text
    assert "prompts are given as they are" in text


def test_a_long_template_is_cut_and_counted(exported: Exported, folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("x" * 5_000)
    assert "and 1,000 more characters" in model_card(exported, folder)
