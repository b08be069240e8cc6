"""A key changes with what decides the output, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuneloom.artifacts import Reference, Spec, code_digest, keys

BASE = Spec("dedup", "code", 1, {"threshold": 0.8}, {"priorities": {"a": 1}}, (Reference("ingest", "k"),))


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "split"},
        {"code": "other"},
        {"seed": 2},
        {"config": {"threshold": 0.7}},
        {"inputs": {"priorities": {"a": 2}}},
        {"parents": (Reference("ingest", "l"),)},
    ],
)
def test_every_part_of_the_spec_changes_the_key(change: dict) -> None:
    assert replace(BASE, **change).key != BASE.key


def test_the_order_of_a_mapping_does_not() -> None:
    one, other = replace(BASE, config={"a": 1, "b": 2}), replace(BASE, config={"b": 2, "a": 1})
    assert one.key == other.key


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own in place of ours: a stage that imports a foundation inside a function."""
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "__init__.py").write_text('"""Doc."""\n')
    (tmp_path / "stage" / "work.py").write_text("def run():\n    from tuneloom.base import f\n    return f()\n")
    (tmp_path / "base.py").write_text("def f():\n    return 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    (tmp_path / "config.py").write_text("x = 1\n")
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)
    return tmp_path


def digest_now() -> str:
    code_digest.cache_clear()
    try:
        return code_digest("tuneloom.stage")
    finally:
        code_digest.cache_clear()


@pytest.mark.usefixtures("package")
def test_the_code_digest_ignores_comments_docstrings_and_layout(package: Path) -> None:
    before = digest_now()
    text = '"""New doc."""\n# why\ndef run():\n    """More."""\n\n    from tuneloom.base import f\n    return (f())\n'
    (package / "stage" / "work.py").write_text(text)
    assert digest_now() == before


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("base.py", "def f():\n    return 2\n", False),
        ("stage/work.py", "def run():\n    return 3\n", False),
        ("stage/more.py", "y = 1\n", False),
        ("stage/profiles/standard.yaml", "rules: []\n", False),
        ("stage/__pycache__/more.nbi", "cache", True),
        ("other.py", "x = 2\n", True),
        ("config.py", "x = 2\n", True),
    ],
)
def test_the_code_digest_follows_imports(package: Path, file: str, text: str, same: bool) -> None:
    before = digest_now()
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(text)
    assert (digest_now() == before) is same
