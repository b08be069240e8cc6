"""What an artifact is a function of, and the hash of that: its key.

A key covers the stage's own config section, its declared inputs, the seed, its parents' keys, and the code: the stage
and all of our modules it imports, by syntax tree, without comments, docstrings and layout. Never a run's name, the
store's place or an absolute path, so any machine and any run of the same work shares the artifact.
"""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuneloom.errors import BrokenArtifact
from tuneloom.records import canonical, digest

SCHEMA_VERSION = 2
"""Version of the store's layout and manifest; part of every key."""

_PACKAGE = Path(__file__).parents[1]
_NOT_CODE = {"tuneloom.config", "tuneloom.config_file"}
# sections are keyed by value; their defaults and docstrings are not behaviour


@dataclass(frozen=True, order=True)
class Reference:
    """Names an artifact: `dedup/5d41402abc4b2a76b9719d911017c592`."""

    stage: str
    key: str

    def __post_init__(self) -> None:
        """Raises BrokenArtifact for a name that would leave its place in the store."""
        if any("/" in part or part in (".", "..") for part in (self.stage, self.key)):
            raise BrokenArtifact(
                f"{self.stage}/{self.key} is no name of an artifact", where="the store", remedy="Do not use this store."
            )

    def __str__(self) -> str:
        return f"{self.stage}/{self.key}"


@dataclass(frozen=True)
class Spec:
    """All that decides a stage's output; `config` and `inputs` hold plain JSON values.

    The rows of `parents` flow into the stage, so their counts must add up to its own; `consulted` artifacts are read
    beside them (scores, evaluation suites) and their rows go elsewhere.
    """

    stage: str
    code: str
    seed: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[Reference, ...] = ()
    consulted: tuple[Reference, ...] = ()

    @property
    def key(self) -> str:
        """blake2b-128 of everything above, in hex."""
        return digest(canonical([SCHEMA_VERSION, self.as_dict()]))

    @property
    def reference(self) -> Reference:
        """The name of the artifact that this makes."""
        return Reference(self.stage, self.key)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as the manifest keeps them."""
        return {
            "stage": self.stage,
            "code": self.code,
            "seed": self.seed,
            "config": dict(self.config),
            "inputs": dict(self.inputs),
            "parents": [str(parent) for parent in self.parents],
            "consulted": [str(read) for read in self.consulted],
        }


@functools.cache
def code_digest(module: str) -> str:
    """Hash of `module` (a package with all that lies in it, data files too) and of every module of ours it imports."""
    todo, seen = [module], {}
    while todo:
        name = todo.pop()
        if name in seen or name in _NOT_CODE:
            continue
        file = _file_of(name)
        if file is None:
            continue
        tree = ast.parse(file.read_bytes())
        seen[name] = digest("\n".join(_skeleton(tree)))
        todo.extend(_imports(tree, name, file.name == "__init__.py"))
        if name == module and file.name == "__init__.py":
            todo.extend(_module_name(inner) for inner in file.parent.rglob("*.py"))
            seen.update(
                (str(inner.relative_to(_PACKAGE)), digest(inner.read_bytes())) for inner in _data_of(file.parent)
            )
    return digest(canonical(sorted(seen.items())))


def _file_of(module: str) -> Path | None:
    """`tuneloom.text.keys` -> its file; None for a name that is no module of ours (a function, say)."""
    base = _PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


def _module_name(file: Path) -> str:
    parts = file.relative_to(_PACKAGE).with_suffix("").parts
    return ".".join(["tuneloom", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def _data_of(package: Path) -> Iterator[Path]:
    """Rule profiles, templates and the like: they decide the output as code does."""
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
            yield path


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Names of ours imported anywhere in the module, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "tuneloom")
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base.split(".")[0] == "tuneloom":
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _skeleton(node: ast.AST) -> Iterator[str]:
    """The tree as text, the same in every Python version: empty fields, docstrings and load/store marks left out."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if value is None or value == [] or name in ("ctx", "kind", "type_comment", "type_ignores"):
            continue
        children = value if isinstance(value, list) else [value]
        if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            children = [child for child in children if not _is_docstring(child)]
        yield f".{name}"
        for child in children:
            yield from _skeleton(child) if isinstance(child, ast.AST) else [f"{type(child).__name__}:{child!r}"]
    yield "/"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
