"""The page "Bring your data" is true: its examples become what it says, and every reason and flag stands in it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.tuneloom.ingest.built import ingested, rows
from tuneloom.config_file import parse_config
from tuneloom.ingest import formats as package
from tuneloom.ingest.checks import STRIPPED
from tuneloom.ingest.formats import formats

TOP = Path(__file__).parents[1]
PAGE = (TOP / "docs/bring-your-data.md").read_text("utf-8")
INGEST = Path(package.__file__).parents[1]
SUITES = {"prompt_only": "evaluate", "reference_answers": "decontaminate"}


def examples() -> list[tuple[str, str, str, str]]:
    """(format, `json` or `tsv`, the example, what it becomes) of each example in the page."""
    sections = re.findall(r"^### .*?`(\w+)`\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    pair = re.compile(r"```(json|tsv)\n(.*?)```\n```text\n(.*?)\n```", re.DOTALL)
    return [(name, *example) for name, text in sections for example in pair.findall(text)]


@pytest.mark.parametrize(("format", "kind", "given", "becomes"), examples())
def test_each_example_becomes_what_stands_below_it(
    tmp_path: Path, format: str, kind: str, given: str, becomes: str
) -> None:
    file = tmp_path / f"example.{kind}l".replace("tsvl", "tsv")
    file.write_text(given, "utf-8")
    artifact = ingested(file, use=SUITES.get(format, "train"), language="en")
    assert (artifact.stats["format"], artifact.stats["confidence"]) == (format, 1.0)
    said = [
        f"{m['role']} calls: {m['tool_calls']}" if m["tool_calls"] else f"{m['role']}: {m['content']}"
        for row in rows(artifact)
        for m in row["messages"]
    ]
    said += [f"rejected: {reject['reason']}" for reject in artifact.rejected().to_pylist()]
    assert "\n".join(said) == becomes


def test_every_format_has_its_place_and_its_example() -> None:
    described = re.findall(r"^### .*?`(\w+)`$", PAGE, re.MULTILINE)
    assert sorted(described) == sorted({*formats(), "conversation"})
    assert {example[0] for example in examples()} == set(described) - {"conversation"}


def _calls() -> Iterator[ast.Call]:
    for path in INGEST.rglob("*.py"):
        yield from (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))


def _texts(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def reasons() -> set[str]:
    """Every reason that the code of ingestion gives, by its syntax."""
    found: set[str] = set()
    for call in _calls():
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in ("Rejected", "ReadFault", "NotLicensed") and call.args and isinstance(call.args[0], ast.Constant):
            found |= _texts(call.args[0])
        if name == "_beside":
            found |= _texts(call.args[1])
    return found


def flags() -> set[str]:
    """Every flag that the code of ingestion sets, by its syntax."""
    return {STRIPPED} | {
        text
        for call in _calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and "flags" in ast.unparse(call.func)
        for text in _texts(call.args[0])
    }


def _table(heading: str) -> list[str]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[1:]


def test_every_reason_and_flag_is_explained() -> None:
    assert len(reasons()) > 25
    assert reasons() - set(_table("Rejects")) == set()
    assert set(_table("Repairs")) == flags()


def test_the_configs_are_configs() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(blocks) == 4
    whole = {"model": "m", "sources": [{"name": "s", "path": "p"}]}
    for block in blocks:
        if "columns" in block:
            block = {"sources": [{**whole["sources"][0], **block}]}  # type: ignore[index]
        parse_config({**whole, **block})


def test_the_plugin_is_a_plugin(tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "flashcards.py").write_text(text, "utf-8")
    plugin = formats((tmp_path / "flashcards.py",))["flashcards"]
    assert plugin.claims(json.loads('{"front": "Paris?", "back": "A city.", "deck": "towns"}')) == 3
