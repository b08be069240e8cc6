"""Files to sources: those of one folder, format and use together, under a path that means them and no other's."""

import glob
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuneloom.ingest.readers.opening import PACKED_ENDINGS
from tuneloom.survey.looking import FileSurvey

NO_DATA = ("readme", "license", "licence", "copying", "notice", "citation", "changelog", "dockerfile", "makefile")
NO_DATA_ENDINGS = (".md", ".rst", ".py", ".sh", ".ipynb", ".yaml", ".yml", ".png", ".jpg", ".jpeg", ".gif", ".pdf")


@dataclass(frozen=True)
class FoundSource:
    """A source as the config shall name it; `path` is absolute, a file or a glob."""

    name: str
    path: str
    format: str
    use: str
    license: str | None
    files: tuple[FileSurvey, ...]
    idle: tuple[FileSurvey, ...] = ()
    """Files that `path` means, too, and that have no usable row."""

    @property
    def licensed(self) -> bool:
        """Whether every row that would train has a licence, its own or its source's."""
        return (
            self.use != "train"
            or self.license is not None
            or all(sum(one.licenses.values()) >= one.kept for one in self.files)
        )


def is_data(path: Path) -> bool:
    """Not a README, a licence, code or a picture, by its name: whoever puts those beside data means no data by them."""
    name = path.name.lower()
    is_about = name.startswith(NO_DATA) and path.suffix.lower() in ("", ".txt")  # but license_questions.jsonl is data
    return not is_about and not name.endswith(NO_DATA_ENDINGS)


def group(root: Path, files: Sequence[FileSurvey], license_of: Callable[[Path], str | None]) -> list[FoundSource]:
    """The sources of the usable files below `root`, by path.

    t0/a.jsonl, t0/b.jsonl (prompt_completion) -> source "t0", path "ROOT/t0/*.jsonl".
    """
    groups: dict[tuple[Path, str, str], list[FileSurvey]] = defaultdict(list)
    for one in files:
        if one.usable:
            groups[one.file.path.parent, one.format or "", one.use].append(one)
    found: list[FoundSource] = []
    for (folder, format, use), members in sorted(groups.items()):
        stem = _stem(root, folder, members)
        if sum(key[0] == folder for key in groups) > 1 and (folder != root or len(members) > 1):
            stem = f"{stem}-{format}"
        beside = [one for one in files if one.file.path.parent == folder]
        others = [one.file.path for one in beside if one.usable and one not in members]
        pattern = _pattern(folder, [one.file.path for one in members], others) if len(members) > 1 else None
        for part in [members] if pattern or len(members) == 1 else [[one] for one in members]:
            name = stem if len(part) == len(members) else f"{stem}-{part[0].file.path.stem}"
            idle = [one for one in beside if not one.usable and pattern and _means(pattern, one.file.path)]
            taken = {source.name for source in found}
            found.append(FoundSource(_free(name, taken), pattern or str(part[0].file.path), format, use,
                                     license_of(folder), tuple(part), tuple(idle)))  # fmt: skip
    return found


def _stem(root: Path, folder: Path, members: Sequence[FileSurvey]) -> str:
    """The folder's place below the root; of the root itself, the only file's name, else the root's."""
    relative = folder.relative_to(root).as_posix()
    if relative == ".":
        relative = members[0].file.path.name.split(".")[0] if len(members) == 1 else root.name
    return re.sub(r"[^\w.-]+", "_", relative.replace("/", "-")).strip("-._") or "data"


def _free(stem: str, taken: Collection[str]) -> str:
    """`t0`, or `t0-2` where that is taken."""
    stem = re.sub(r"[^\w.-]+", "_", stem)
    number = 1
    while (name := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return name


def _pattern(folder: Path, members: Sequence[Path], others: Collection[Path]) -> str | None:
    """A glob that means every member and no usable file of another group; None where there is none that is plain."""
    endings = {_ending(path) for path in members}
    ending = next(iter(endings)) if len(endings) == 1 else ""
    start = os.path.commonprefix([path.name for path in members])  # noqa: RUF071 of names, letter by letter
    outsiders = {*others, *(() if ending else (path for path in folder.iterdir() if not is_data(path)))}
    for name in (f"*{glob.escape(ending)}", f"{glob.escape(start)}*{glob.escape(ending)}"):
        pattern = os.path.join(glob.escape(str(folder)), name)
        if os.path.lexists(pattern):
            continue  # a file is called like that: the pattern would mean it alone
        if all(_means(pattern, path) for path in members) and not any(_means(pattern, path) for path in outsiders):
            return pattern
    return None


def _ending(path: Path) -> str:
    """`rows.jsonl.gz` -> `.jsonl.gz`; `v1.2.json` -> `.json`."""
    packed = path.suffix if path.suffix in PACKED_ENDINGS else ""
    return Path(path.name.removesuffix(packed)).suffix + packed


def _means(pattern: str, path: Path) -> bool:
    return Path(path).match(pattern)
