"""The source files of a run, each with the key of its artifact, and the ids that are taken down from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts import Spec, code_digest, user_cache
from tuneloom.artifacts.digests import cached_digest
from tuneloom.config import Config, Source
from tuneloom.errors import MissingFile, NotPermitted, TuneloomError
from tuneloom.ingest.discover import SourceFile, discover
from tuneloom.plugin_files import plugin_digests, plugins_of
from tuneloom.takedown_list import parse_list

READ_BY = {"format", "columns", "use", "language", "license"}
"""The settings of a source that decide how its files are read."""


@dataclass(frozen=True)
class PlannedFile:
    """A source file and the artifact that ingesting it makes, as long as none of its rows was taken down."""

    file: SourceFile
    source: Source
    spec: Spec


def planned_files(config: Config, folder: Path, home: Path, limit: int | None) -> Iterator[PlannedFile]:
    """Every source's files in the config's order; with `limit` only so many rows are read of each file.

    Raises ConfigError and its kin for a source that cannot be found.
    """
    code = code_digest("tuneloom.ingest")
    plugins = plugin_digests(plugins_of("format", config.plugins, folder), folder)
    for source in config.sources:
        section = _source_section(config, source)
        files = discover(source, folder)
        for file in files:
            inputs: dict[str, Any] = {
                "source": source.name,
                "file": file.relative,
                "digest": _digest(file, home, alone=len(files) == 1),
            }
            if limit is not None:
                inputs["limit"] = limit
            if plugins:
                inputs["plugins"] = plugins
            yield PlannedFile(file, source, Spec("ingest", code, config=section, inputs=inputs))


def check_unchanged(home: Path, folder: Path, planned: PlannedFile) -> None:
    """Raises TuneloomError where a source file, or a plugin below `folder`, is not the one that the plan was made for:
    the key names other bytes."""
    plugins = planned.spec.inputs.get("plugins", {})
    check_same("plugins", plugins, plugin_digests([*plugins], folder))
    if _digest(planned.file, home, alone=False) != planned.spec.inputs["digest"]:
        raise TuneloomError(
            f"the source file {planned.file.relative} changed while the run was reading it",
            where=f"sources: {planned.file.source}: {planned.file.path}",
            remedy="Run again once nobody writes to it; nothing of it was stored.",
        )


def check_same(key: str, planned: object, found: object) -> None:
    """Raises TuneloomError where what the config's `key` names says something else than when the run was planned."""
    if planned != found:
        raise TuneloomError(
            f"a file of {key} changed while the run was reading it",
            where=f"config key `{key}`",
            remedy="Run again once nobody writes to it; nothing made with it was stored.",
        )


def read_takedowns(config: Config, folder: Path) -> frozenset[str]:
    """The entries of the config's list. Raises MissingFile and NotPermitted."""
    if config.takedowns is None:
        return frozenset()
    path = folder / config.takedowns
    try:
        return frozenset(parse_list(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise MissingFile(
            "no takedown list", where=f"{path} (takedowns)", remedy="Create it or drop the key."
        ) from error
    except PermissionError as error:
        raise NotPermitted("takedown list not readable", where=str(path), remedy="Change its permissions.") from error


def licenses_key(config: Config) -> dict[str, Any]:
    """The allow-list in an order that decides nothing."""
    return {"allow": config.licenses.allow and sorted(config.licenses.allow)}


def _source_section(config: Config, source: Source) -> dict[str, Any]:
    """What of the config decides how a source's files are read."""
    section = source.model_dump(mode="json", include=READ_BY)
    if config.licenses.allow is not None and source.use == "train":
        section["licenses"] = licenses_key(config)
    return section


def _digest(file: SourceFile, home: Path, *, alone: bool) -> str:
    """The file's digest; what cannot be read, among others, does not stop the run: ingest rejects it and says why."""
    if not file.path.is_file() and (file.path.exists() or file.path.is_symlink()):
        return "not a file"  # a pipe, say, which must not be opened
    memory = home / "cache" if home.is_dir() else user_cache()  # a plan makes no `.tuneloom`
    try:
        return cached_digest(file.path, memory / "digests.jsonl")
    except NotPermitted:
        if alone:
            raise
        return "not readable"
