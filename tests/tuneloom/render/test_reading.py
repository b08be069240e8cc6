"""A model's tokenizer is read by transformers once, and again whenever a file of the model or a library is another."""

import shutil
from pathlib import Path

import pytest

from tuneloom.render import reading
from tuneloom.render.reading import read_tokenizer


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that transformers was asked to read."""
    asked: list[Path] = []
    real = reading._read
    monkeypatch.setattr(reading, "_read", lambda folder: asked.append(folder) or real(folder))
    return asked


def test_a_known_tokenizer_is_the_same_and_not_read_again(model: Path, read: list[Path]) -> None:
    first = read_tokenizer(model)
    assert read_tokenizer(model) == first == reading._read(model)
    assert first.template
    assert first.named["eos_token"] == "<|im_end|>"
    assert read == [model, model]  # the second is this test's own


@pytest.mark.parametrize(
    "file", ["tokenizer_config.json", "chat_template.jinja", "additional_chat_templates/rag.jinja"]
)
def test_a_changed_file_is_read(model: Path, read: list[Path], file: str) -> None:
    read_tokenizer(model)
    (model / file).parent.mkdir(exist_ok=True)
    with (model / file).open("a") as stream:
        stream.write("\n")
    read_tokenizer(model)
    assert len(read) == 2


def test_another_version_of_a_library_reads_again(
    model: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_tokenizer(model)
    monkeypatch.setattr(reading.importlib.metadata, "version", lambda name: "99")
    read_tokenizer(model)
    assert len(read) == 2


def test_a_damaged_copy_is_made_again(model: Path, read: list[Path], tmp_path: Path) -> None:
    first = read_tokenizer(model)
    (copy,) = (tmp_path / "cache" / "tokenizers").iterdir()
    for content in (b"", copy.read_bytes()[:-9], copy.read_bytes().replace(b"eos", b"bos")):
        copy.write_bytes(content)
        assert read_tokenizer(model) == first
    assert len(read) == 4
