"""Where prompt templates lie, and how a file becomes one; all faults of a file are told before anything runs.

The shipped ones are `data/templates/` of the repository, or of the installed package.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml
from pydantic import ValidationError

from tuneloom.errors import ConfigError, MissingFile
from tuneloom.records import canonical, digest
from tuneloom.render.prompts import ANY, Header, PromptTemplate
from tuneloom.render.sandbox import Limited, Sandbox

SUFFIX = ".jinja"
FAMILY = "family.yaml"
_PARTS = re.compile(r"^---\n(?P<header>.*?)^---\n(?P<body>.*)\Z", re.S | re.M)
_SPLIT = re.compile(r"^\|\|\|\n", re.M)


def load_prompts(chosen: str | Sequence[str] | None, folder: Path) -> list[PromptTemplate]:
    """The templates that `render.prompts` names, in the order of their names; none for None.

    "all" -> every shipped one; ["translation/*", "./mine"] -> the shipped ones of a family, and those of a folder
    relative to `folder`. Raises ConfigError with file and line for a file that is no template, and for a name that
    nothing has; MissingFile for a folder that is not there.
    """
    found = dict(_chosen_files(chosen, folder))
    sandbox = Sandbox()
    return [_load(name, file, sandbox) for name, file in sorted(found.items())]


def prompts_digest(chosen: str | Sequence[str] | None, folder: Path) -> str | None:
    """Hash of all that `load_prompts` reads, for a stage's key; None without prompts."""
    if chosen is None:
        return None
    files = sorted(_chosen_files(chosen, folder))
    texts = [[name, file.read_text("utf-8"), (file.parent / FAMILY).read_text("utf-8")] for name, file in files]
    return digest(canonical(texts))


def shipped_folder() -> Path:
    """`data/templates/`, beside the code where it is installed, above `src/` in the repository."""
    package = Path(__file__).parents[1]
    places = [package / "data" / "templates", package.parents[1] / "data" / "templates"]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise MissingFile("the shipped prompt templates are not here", where=str(places[0]), remedy="Install again.")
    return found


def _chosen_files(chosen: str | Sequence[str] | None, folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and file of each template chosen; `family/file` without the suffix is the name."""
    if chosen is None:
        return
    shipped = dict(_files(shipped_folder()))
    for one in ["*"] if chosen == "all" else [chosen] if isinstance(chosen, str) else chosen:
        if one.startswith((".", "/", "~")):
            yield from _own_files(one, folder)
            continue
        names = [n for n in shipped if fnmatch.fnmatchcase(n, one) or n.split("/")[0] == one]
        if not names:
            families = ", ".join(sorted({name.split("/")[0] for name in shipped}))
            raise ConfigError(
                f"no prompt template is named {one!r}",
                where="config key `render.prompts`",
                remedy=f"Write `all`, a family ({families}), family/file, or a folder that begins with `./`.",
            )
        yield from ((name, shipped[name]) for name in names)


def _own_files(place: str, folder: Path) -> Iterator[tuple[str, Path]]:
    own = folder / Path(place).expanduser()
    if not own.is_dir():
        raise MissingFile("no folder of prompt templates", where=f"{own} (render.prompts)", remedy="Create it.")
    files = list(_files(own))
    if not files:
        raise MissingFile(
            f"the folder has no <family>/<name>{SUFFIX}",
            where=f"{own} (render.prompts)",
            remedy="See docs/templates.md.",
        )
    yield from files


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.glob(f"*/*{SUFFIX}")):
        if not (file.parent / FAMILY).is_file():
            raise _fault(file.parent / FAMILY, 1, "a family says which tasks it is for, here: `tasks: [...]`")
        yield f"{file.parent.name}/{file.stem}", file


def _load(name: str, file: Path, sandbox: Sandbox) -> PromptTemplate:
    text = file.read_text("utf-8").replace("\r\n", "\n")
    parts = _PARTS.match(text)
    if parts is None:
        raise _fault(file, 1, "it does not begin with a header between lines of `---`")
    header = _header(file, parts["header"])
    first = text.count("\n", 0, parts.start("body")) + 1
    prompt_text, *answers = _SPLIT.split(parts["body"])
    if len(answers) > 1:
        raise _fault(file, first, "more than one line `|||`")
    prompt = _compile(file, prompt_text, first, sandbox)
    answer_line = first + prompt_text.count("\n") + 1
    answer = _compile(file, answers[0], answer_line, sandbox) if answers else None
    read = prompt.variables | (answer.variables if answer else frozenset(["answer"]))
    return PromptTemplate(
        name, file, header, _tasks(file.parent / FAMILY), prompt, first, answer, answer_line, read - {*header.optional}
    )


def _header(file: Path, text: str) -> Header:
    try:
        return Header.model_validate(_yaml(file, text))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        known = ", ".join(Header.model_fields)
        raise _fault(file, 1, f"its header's `{key}`: {fault['msg']} (known: {known})") from None


def _tasks(file: Path) -> tuple[str, ...]:
    said = _yaml(file, file.read_text("utf-8"))
    tasks = said.get("tasks") if isinstance(said, dict) and said.keys() == {"tasks"} else None
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, str) for task in tasks):
        raise _fault(file, 1, f"it says `tasks: [...]`, patterns of tasks and categories, or [{ANY!r}]; nothing else")
    return tuple(task.casefold() for task in tasks)


def _yaml(file: Path, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _fault(file, 1, " ".join(str(error).split())) from error


def _compile(file: Path, text: str, first_line: int, sandbox: Sandbox) -> Limited:
    try:
        return sandbox.template(text)
    except jinja2.TemplateSyntaxError as error:
        raise _fault(file, error.lineno + first_line - 1, error.message or "not readable") from error


def _fault(file: Path, line: int, why: str) -> ConfigError:
    return ConfigError(
        f"a prompt template is not usable: {why}",
        where=f"{file}, line {line} (render.prompts)",
        remedy="Mend the file (docs/templates.md), or leave it out of render.prompts.",
    )
