"""What docs/security.md promises of the code as a whole."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tuneloom.artifacts.test_store import edit_manifest
from tuneloom.artifacts import Artifact, Reference, Spec, Store
from tuneloom.artifacts.manifest import reference_from
from tuneloom.errors import BrokenArtifact

TOP = Path(__file__).parents[1]
OURS = [path for folder in ("src", "tasks", "flows") for path in sorted((TOP / folder).rglob("*.py"))]
FORBIDDEN = {
    ("pickle", "load"), ("pickle", "loads"), ("dill", "load"), ("joblib", "load"), ("torch", "load"),
    ("marshal", "loads"),
    ("np", "load"), ("numpy", "load"), ("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"),
    ("os", "system"), ("os", "popen"),
}  # fmt: skip
"""Calls that may run what a file says."""


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in OURS:
        yield from ((path, node) for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> tuple[str, ...]:
    """`yaml.load(x)` -> ("yaml", "load"); `eval(x)` -> ("eval",)."""
    match call.func:
        case ast.Attribute(ast.Name(module), name):
            return module, name
        case ast.Name(name):
            return (name,)
    return ()


def test_nothing_is_loaded_that_may_run_code() -> None:
    found = [f"{path.name}:{call.lineno}" for path, call in calls() if name_of(call) in {*FORBIDDEN, ("eval",)}]
    assert found == []


def test_plugins_are_the_only_code_that_is_run_from_a_file() -> None:
    assert {path.name for path, call in calls() if name_of(call) == ("exec",)} == {"plugin_files.py"}


def test_no_model_brings_its_own_code_and_no_shell_reads_a_command() -> None:
    keywords = {keyword.arg for _, call in calls() for keyword in call.keywords}
    assert not keywords & {"trust_remote_code", "shell"}


def test_models_are_opened_from_safetensors_alone() -> None:
    """Each `from_pretrained` of a model says so, but for GGUF files and adapters, whose file was looked for before."""
    for path, call in calls():
        owner = ast.unparse(call.func)
        if re.fullmatch(r"AutoModel\w*\.from_pretrained", owner):
            given = ast.unparse(call)
            assert "use_safetensors=True" in given or "gguf_file" in given or "**options" in given, f"{path}: {given}"


@pytest.mark.parametrize("text", ["../../etc/passwd", "dedup/../../x", "dedup/a/b", "./x", "dedup/.."])
def test_a_name_that_leaves_the_store_is_none(text: str) -> None:
    with pytest.raises(BrokenArtifact, match="is no name of an artifact"):
        reference_from(text)


@pytest.fixture
def made(tmp_path: Path) -> Artifact:
    store = Store(tmp_path / "store")
    return store.ensure(Spec("dedup", "c"), lambda writer: writer.file("a.txt").write_text("a") and None)


@pytest.mark.parametrize("change", [{"members": ["dedup/../../outside"]}, {"members": ["../outside/key"]}])
def test_a_manifest_cannot_reach_outside_by_its_members(tmp_path: Path, made: Artifact, change: dict) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "manifest.json").write_text((made.folder / "manifest.json").read_text())
    edit_manifest(made, **change)
    said: list[str] = []
    store = Store(tmp_path / "store", said.append)
    assert store.find(made.reference) is None
    assert "is no name of an artifact" in said[0]
    assert list(store.manifests()) == [] or (outside / "manifest.json").is_file()


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a.txt", "a/../../b"])
def test_a_manifest_cannot_reach_outside_by_its_files(made: Artifact, path: str) -> None:
    tree = json.loads((made.folder / "manifest.json").read_text())
    tree["files"][0]["path"] = path
    (made.folder / "manifest.json").write_text(json.dumps(tree))
    store = Store(made.folder.parents[1])
    assert store.find(made.reference) is None
    assert store.find(Reference("dedup", "0" * 32)) is None


def test_the_page_names_tests_that_there_are() -> None:
    page = (TOP / "docs/security.md").read_text("utf-8")
    for named in set(re.findall(r"`([\w/]+\.py)`", page)):
        assert any(path.is_file() for path in (TOP / named, TOP / "tests/tuneloom" / named)), named
