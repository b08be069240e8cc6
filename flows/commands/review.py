"""Review held rows: write them to a sheet to be filled in, or take in what people decided on one.

export FILE.jsonl|FILE.csv writes the rows that the last run held. Of each fill in decision (keep, reject, edit),
reviewer, reason and, for an edit, new_answer or new_request. import FILE adds the decisions to the file that
review.decisions in the config names; the next run applies them.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flows.arguments import add_config_arguments, add_json_argument

if TYPE_CHECKING:
    from flows.console import TerminalReporter
    from tuneloom.plan import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, export or import, and the sheet."""
    add_config_arguments(parser)
    parser.add_argument("direction", choices=("export", "import"), help="write the held rows, or read decisions")
    parser.add_argument("file", type=Path, metavar="FILE", help="a sheet: .jsonl or .csv")
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Writes or reads the sheet and says what to do next."""
    import json

    from flows.console import TerminalReporter
    from flows.hints import shown
    from flows.project import plan_of

    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_of(options, reporter.say)
    told = _export(plan, options, reporter) if options.direction == "export" else take_in(plan, options.file)
    if options.json:
        print(json.dumps({"file": str(options.file), **told}, ensure_ascii=False))
        return 0
    if options.direction == "export":
        reporter.say(f"{told['rows']:,} held rows -> {shown(options.file)}")
        reporter.say(
            "Fill in decision (keep, reject, edit), reviewer, reason; for an edit new_answer or new_request. Then: "
            f"tuneloom review {shown(options.config)} import {shown(options.file)}"
        )
    else:
        reporter.say(f"{told['decided']:,} rows decided, {told['open']:,} left open -> {told['decisions']}")
        reporter.say(f"The next run applies them: tuneloom run {shown(options.config)}")
    return 0


def take_in(plan: "Plan", sheet: Path) -> dict[str, object]:
    """Adds a sheet's decisions to the config's file: `{"decided": 3, "open": 1, "decisions": "decisions.jsonl"}`.

    Raises ConfigError where the config names no such file, or naming file, row and field of what is wrong; a decision
    on a row or by a rule that the run does not know is wrong, too.
    """
    from datetime import UTC, datetime

    from flows.project import finished
    from tuneloom.errors import ConfigError
    from tuneloom.review.decisions import add_decisions, read_decisions
    from tuneloom.review.sheet import check_rows, read_sheet

    if plan.config.review.decisions is None:
        raise ConfigError(
            "no file for decisions", where="review.decisions", remedy="Name one, such as `decisions.jsonl`."
        )
    read = read_sheet(sheet, datetime.now(UTC).isoformat(timespec="seconds"))
    path, found = plan.folder / plan.config.review.decisions, dict(plan.found())
    if not found.get("quality"):  # settings or sources have changed since the sheet was written
        found = finished(plan, lambda message: None)
    check_rows(read.decisions, read_decisions(path), found.get("quality"), found.get("review"), sheet)
    add_decisions(path, read.decisions)
    decided = len({one.id for one in read.decisions})
    return {"decided": decided, "open": read.open, "decisions": plan.config.review.decisions}


def _export(plan: "Plan", options: argparse.Namespace, reporter: "TerminalReporter") -> dict[str, object]:
    from flows.project import finished
    from tuneloom.errors import MissingFile, NoUsableData
    from tuneloom.review.sheet import write_sheet

    artifact = finished(plan, reporter.say).get("review")
    if artifact is None:
        raise MissingFile(
            "stage review has not run yet",
            where=str(options.config),
            remedy=f"Run `tuneloom prepare {options.config}` first.",
        )
    if not artifact.manifest.counts.held:
        raise NoUsableData(
            "no row is held", where=str(options.config), remedy="Set review.sample or review.near, and run again."
        )
    return {"rows": write_sheet(artifact, options.file)}
