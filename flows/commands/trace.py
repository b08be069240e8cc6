"""Tell a row's life by its id or a piece of its text, or where a source's rows went."""

import argparse
from pathlib import Path

from flows.arguments import add_override_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[CONFIG] and what to look for."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML config")
    parser.add_argument("wanted", nargs="?", metavar="TEXT|ID", help="a row's id, or a piece of its text")
    parser.add_argument("--source", metavar="NAME", help="where this source's rows went")
    add_override_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Prints lives, personal data masked."""
    from flows.console import TerminalReporter
    from flows.project import finished, plan_of
    from tuneloom.errors import ConfigError, NoUsableData
    from tuneloom.text.personal_data import mask_json
    from tuneloom.trace import find_lives, source_ledger

    reporter = TerminalReporter()
    plan = plan_of(options, reporter.say)
    found = finished(plan, reporter.say)
    if options.source:
        names = [source.name for source in plan.config.sources]
        if options.source not in names:
            remedy = f"Sources: {', '.join(names)}."
            raise ConfigError(f"no source {options.source!r}", where="--source", remedy=remedy)
        for stage, kept, rejected, held, reasons in source_ledger(found, options.source):
            why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
            waits = f" {held:>8,} held" if held else ""
            reporter.say(f"{stage:<8} {kept:>8,} kept {rejected:>8,} rejected{waits}  {why}".rstrip())
        return 0
    if not options.wanted:
        raise ConfigError("nothing to trace", where="tuneloom trace", remedy="Give a text, an id, or --source NAME.")
    lives = find_lives(found, options.wanted)
    if not lives:
        raise NoUsableData(
            f"no row holds {options.wanted!r}",
            where=str(options.config),
            remedy="Run `tuneloom prepare` first, or look for less.",
        )
    for life in lives:
        reporter.say(f"{life.origin}  id {life.id or '(none: rejected when it was read)'}")
        reporter.say(f"  {mask_json(life.text)[:300]!r}")
        for step in life.steps:
            reporter.say(f"  {step.stage:<8} {step.outcome:<9} {mask_json(step.note)}".rstrip())
    return 0
