"""The end of a run: a table of stages, the metrics before and after, and where to look next; or one JSON object."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict

from flows.console import TerminalReporter, stage_objects, stage_table
from flows.hints import next_commands, shown, user_interfaces
from tuneloom.artifacts import Artifact
from tuneloom.plan import Plan
from tuneloom.summary import metric_lines, read_outcome


def outcome_json(plan: Plan, found: Mapping[str, Artifact | None]) -> str:
    """A finished run as the one object of `--json`."""
    outcome = asdict(read_outcome(found))
    return json.dumps({"run": plan.record.identity, "stages": stage_objects(found), **outcome}, ensure_ascii=False)


def print_outcome(
    plan: Plan, found: Mapping[str, Artifact | None], reporter: TerminalReporter, options: argparse.Namespace
) -> None:
    """Prints the summary of a finished run; the commands in it work when they are pasted."""
    outcome = read_outcome(found)
    reporter.console.print()
    reporter.console.print(stage_table(found))
    reporter.say("")
    for line in metric_lines(outcome):
        reporter.say(line)
    if outcome.verdict:
        alias = "was promoted to champion" if outcome.promoted else "is not promoted"
        reporter.say(f"verdict      {outcome.verdict}" + (f"; {outcome.model} {alias}" if outcome.model else ""))
    if outcome.report:
        reporter.say(f"report       {shown(outcome.report)}")
    for name, command in user_interfaces(plan.home):
        reporter.say(f"{name:<12} {command}")
    for number, command in enumerate(next_commands(plan, found, outcome, options)):
        reporter.say(f"{'' if number else 'more':<12} {command}")
