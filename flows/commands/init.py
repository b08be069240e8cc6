"""Write a config from what lies in a folder: sources, formats, rows; says what it could not use, and why.

Looks with the ingestion that a run uses, and stores nothing. The config is commented, loads and runs as it is.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.arguments import add_json_argument

if TYPE_CHECKING:
    from rich.table import Table

    from flows.console import TerminalReporter
    from tuneloom.survey.grouping import FoundSource
    from tuneloom.survey.looking import FileSurvey

MOST_FILES = 6
"""Files of a source that the terminal's table names one by one; the config names all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FOLDER, and where the config goes."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the data lie (a folder, or one file)")
    parser.add_argument("--out", type=Path, default=Path("tuneloom.yaml"), metavar="CONFIG.yaml",
                        help="the config to write (default: tuneloom.yaml here); never overwritten")  # fmt: skip
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Looks, writes, and tells."""
    import json

    from flows.console import TerminalReporter
    from flows.hints import program, shown
    from tuneloom.errors import NoUsableData
    from tuneloom.survey.grouping import group
    from tuneloom.survey.stated import stated_license
    from tuneloom.survey.writing import config_text, unused_lines, why_unused

    _check_out(options.out)
    reporter = TerminalReporter(to_stderr=options.json)
    root, files, skipped = _look(options, reporter)
    sources = group(root, files, stated_license)
    unused = [one for one in files if not one.usable]
    if not sources:
        reasons = "; ".join(f"{one.file.relative}: {why_unused(one)}" for one in unused[:5])
        raise NoUsableData(
            f"no usable row in {len(files)} files", where=str(options.folder),
            remedy=f"{reasons or 'Put JSON, JSONL, CSV, TSV, Parquet or Arrow files there'}.",
        )  # fmt: skip
    folder = options.out.resolve().parent
    with options.out.open("x", encoding="utf-8") as stream:
        stream.write(config_text(folder.name if root == folder else root.name, root, folder, sources, unused))
    if options.json:
        told = json.dumps(_told(options.out, sources, unused), ensure_ascii=False)
        print(told.encode("utf-8", "backslashreplace").decode())  # the name of a file may be no text
        return 0
    reporter.console.print(_table(sources))
    for line in unused_lines(root, unused, MOST_FILES):
        reporter.say(f"not used  {line}")
    if skipped:
        reporter.say(f"no data   {', '.join(skipped[:8])}{' and more' if len(skipped) > 8 else ''}")
    if unlicensed := [source.name for source in sources if not source.licensed]:
        reporter.say(f"licence   none is stated for {', '.join(unlicensed)}: name it in the config")
    reporter.say(f"\nwritten   {shown(options.out)}\nnext      {program('tuneloom')} plan {shown(options.out)}")
    return 0


def _check_out(out: Path) -> None:
    """Raises ConfigError before the work is done."""
    from tuneloom.errors import ConfigError

    if out.exists():
        raise ConfigError(f"{out.name} is there already", where=str(out), remedy="Give another --out, or remove it.")
    if not out.resolve().parent.is_dir():
        raise ConfigError(f"no folder {out.parent}", where=str(out), remedy="Create it, or give another --out.")


def _look(options: argparse.Namespace, reporter: "TerminalReporter") -> tuple[Path, list["FileSurvey"], list[str]]:
    """The root, what each data file holds, and the files that are no data by their names."""
    import glob

    from tuneloom.config import Source
    from tuneloom.errors import MissingFile
    from tuneloom.ingest.discover import discover
    from tuneloom.survey.grouping import is_data
    from tuneloom.survey.looking import look

    if not options.folder.exists():
        raise MissingFile(f"no folder {options.folder}", where=str(options.folder), remedy="Give where your data lie.")
    place = options.folder.resolve()
    files = discover(Source(name="init", path=glob.escape(str(place)) if place.is_dir() else str(place)), place)
    data = [file for file in files if is_data(file.path)]
    found = []
    for number, file in enumerate(data, 1):
        found.append(look(file))
        reporter.progress("init", "files", number, len(data))
    reporter.close()
    root = place if place.is_dir() else place.parent
    return root, found, [file.relative for file in files if not is_data(file.path)]


def _table(sources: Sequence["FoundSource"]) -> "Table":
    """A line a source, and below it one for each of its files where they are few."""
    from rich.table import Table

    from tuneloom.survey.writing import kept_text, labels_text, reasons_text, rows_text, together

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("source", "rows", "usable", "format", "languages", "kinds", "rejected"):
        table.add_column(name, overflow="fold", justify="right" if name in ("rows", "usable") else "left")

    def line(name: str, files: Sequence["FileSurvey"], format: str) -> None:
        labels = [labels_text(together(files, what)) for what in ("languages", "kinds")]
        table.add_row(name, rows_text(files), kept_text(files), format, *labels,
                      reasons_text(together(files, "reasons")))  # fmt: skip

    for source in sources:
        use = "" if source.use == "train" else f" ({source.use})"
        files = (*source.files, *source.idle)
        many = f" ({len(files)} files)" if len(files) > 1 else ""
        line(f"{source.name}{many}", files, f"{source.format}{use}")
        for one in files if 1 < len(files) <= MOST_FILES else ():
            line(f"  {one.file.path.name}", [one], "")
    return table


def _told(out: Path, sources: Sequence["FoundSource"], unused: Sequence["FileSurvey"]) -> dict[str, Any]:
    """The object of `--json`."""
    from tuneloom.survey.writing import why_unused

    return {
        "config": str(out),
        "sources": [
            {
                "name": source.name,
                "path": source.path,
                "format": source.format,
                "use": source.use,
                "license": source.license,
                "rows": sum(one.rows for one in source.files),
                "files": [_file(one) for one in source.files],
                "idle_files": [one.file.relative for one in source.idle],
            }
            for source in sources
        ],
        "unused": [{"file": one.file.relative, "why": why_unused(one), "reasons": one.reasons} for one in unused],
    }


def _file(one: "FileSurvey") -> dict[str, Any]:
    names = ("bytes", "rows", "count", "looked_at", "kept", "reasons", "format", "languages", "kinds", "licenses")
    return {"file": one.file.relative, **{name: getattr(one, name) for name in names}}
