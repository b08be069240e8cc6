"""Show a stage: counts, reasons, samples of kept and rejected rows."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flows.arguments import add_override_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from flows.console import TerminalReporter
    from tuneloom.artifacts import Artifact

SAMPLES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """STAGE or an artifact's folder."""
    parser.add_argument("what", metavar="STAGE|PATH", help="a stage of the last run, or an artifact's folder")
    parser.add_argument("--config", type=Path, metavar="CONFIG", help="the config (default: the last one that ran)")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="EXPR",
        help="quality: what a rule would reject that breaks where EXPR holds, such as 'answer_words < 3'",
    )  # fmt: skip
    parser.add_argument(
        "--bound", action="append", default=[], metavar="RULE=VALUE",
        help="quality: what a rule of the run would reject with another bound",
    )  # fmt: skip
    add_override_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the artifact, personal data masked."""
    import json

    from flows.console import TerminalReporter, stage_table
    from flows.quality_view import print_quality

    reporter = TerminalReporter()
    artifact = _artifact(options, reporter)
    if options.rule or options.bound:
        _answer_what_if(artifact, options, reporter)
        return 0
    reporter.say(f"{artifact.reference}  {artifact.folder}")
    reporter.console.print(stage_table({artifact.reference.stage: artifact}))
    for title, rows in (("kept", _kept(artifact)), ("rejected", _rejected(artifact))):
        if rows:
            reporter.say(f"\n{title}, for example")
        for row in rows:
            reporter.say(f"  {row}")
    told = {
        "dedup": _print_duplicates,
        "decontaminate": _tell_contamination,
        "quality": print_quality,
        "mixture": _tell_mixture,
        "render": _print_rendered,
    }.get(artifact.reference.stage)
    if told:
        told(artifact, reporter)
        return 0
    stats = {name: value for name, value in artifact.stats.items() if name != "files"}
    if stats:
        reporter.say("\nstats")
        for name, value in stats.items():
            reporter.say(f"  {name}: {_shown(json.dumps(value, ensure_ascii=False), 600)}")
    return 0


def _answer_what_if(artifact: "Artifact", options: argparse.Namespace, reporter: "TerminalReporter") -> None:
    from flows.quality_view import print_what_if
    from tuneloom.errors import ConfigError

    if artifact.reference.stage != "quality":
        raise ConfigError(
            f"--rule and --bound ask the quality stage, not {artifact.reference.stage}",
            where="show",
            remedy="Write `tuneloom show quality --rule ...`.",
        )
    print_what_if(artifact, options.rule, options.bound, reporter)


def _print_duplicates(artifact: "Artifact", reporter: "TerminalReporter") -> None:
    from tuneloom.dedup.describe import tables

    _print_tables(tables(artifact.stats), reporter)


def _print_rendered(artifact: "Artifact", reporter: "TerminalReporter") -> None:
    """Rows as the model sees them, what is learnt coloured, and what there is of it."""
    from rich.text import Text

    from tuneloom.render.describe import shown_rows, summary, tables

    plain = not reporter.console.is_terminal
    reporter.say(f"\nas the model sees them; what is learnt is {'between « and »' if plain else 'green'}")
    for row in shown_rows(artifact.stats):
        reporter.say(f"\n{row.id}")
        line = Text()
        for text, learnt in row.spans:
            line.append(f"«{text}»" if learnt and plain else text, "bold green" if learnt else "dim")
        reporter.console.print(line)
    _print_tables(tables(artifact.stats), reporter)
    reporter.say("")
    for told in summary(artifact.stats):
        reporter.say(told)


def _print_tables(tables: "Iterable[Any]", reporter: "TerminalReporter") -> None:
    """Tables of a stage's `describe` module."""
    from rich.table import Table
    from rich.text import Text

    for one in tables:
        table = Table(title=one.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in one.head:
            table.add_column(name, overflow="fold")
        for row in one.rows:
            table.add_row(*(Text(cell) for cell in row))
        reporter.say("")
        reporter.console.print(table)


def _tell_contamination(artifact: "Artifact", reporter: "TerminalReporter") -> None:
    """The reverse report of decontamination: the evaluation rows that training rows gave away."""
    from tuneloom.decontaminate.summary import report_lines

    reporter.say("\nevaluation rows")
    for line in report_lines(artifact.stats):
        reporter.say(f"  {_shown(line, 600)}")


def _tell_mixture(artifact: "Artifact", reporter: "TerminalReporter") -> None:
    """The realised mixture as tables with bars."""
    from tuneloom.mixture.describe import mixture_lines

    for line in mixture_lines(artifact.stats):
        reporter.say(_shown(line, 600))


def _artifact(options: argparse.Namespace, reporter: "TerminalReporter") -> "Artifact":
    from flows.project import finished, last_plan
    from tuneloom.artifacts import Reference, Store
    from tuneloom.errors import ConfigError, MissingFile
    from tuneloom.plan import STAGES

    path = Path(options.what)
    if (path / "manifest.json").is_file():
        found = Store(path.resolve().parents[1], reporter.say).find(Reference(path.resolve().parent.name, path.name))
        if found:
            return found
    if options.what not in STAGES:
        raise ConfigError(
            f"{options.what!r} is neither a stage nor an artifact's folder",
            where="show",
            remedy=f"Stages: {', '.join(STAGES)}.",
        )
    plan = last_plan(options, reporter.say)
    found = finished(plan, reporter.say).get(options.what)
    if found is None:
        raise MissingFile(
            f"stage {options.what} has not run yet", where=str(plan.home), remedy="Run `tuneloom run CONFIG`."
        )
    return found


def _kept(artifact: "Artifact") -> list[str]:
    from tuneloom.records import Origin

    if not artifact.files("part-"):
        return []
    part = next(artifact.tables(["origin", "messages"])).slice(0, SAMPLES)
    return [
        f"{Origin(**row['origin'])}  "
        + _shown(" | ".join(f"{m['role']}: {m['content']}" for m in row["messages"]), 400)
        for row in part.to_pylist()
    ]


def _rejected(artifact: "Artifact") -> list[str]:
    """A few of each reason."""
    from tuneloom.records import Origin

    shown: dict[str, list[str]] = {}
    for row in artifact.rejected().to_pylist():
        lines = shown.setdefault(row["reason"], [])
        if len(lines) < SAMPLES:
            text = row["record"] or (row["raw"] or b"").decode("utf-8", "replace")
            why = f"{row['reason']} {_shown(row['detail'], 400)}"
            lines.append(f"{Origin(**row['origin'])}  {why}  {_shown(text, 300)}")
    return [line for lines in shown.values() for line in lines]


def _shown(text: str, most: int) -> str:
    """One line of at most `most` letters, masked before it is cut: half a telephone number is not recognised."""
    from tuneloom.text.personal_data import mask_json

    return mask_json(text.replace("\n", " "))[:most]
