"""The end of a run: a table of stages, the metrics before and after, and where to look next; or one JSON object."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from flows.console import TerminalReporter, stage_objects, stage_table
from tuneloom.artifacts import Artifact
from tuneloom.plan import Plan
from tuneloom.summary import metric_lines, read_outcome


def print_outcome(
    plan: Plan, found: Mapping[str, Artifact | None], reporter: TerminalReporter, *, as_json: bool
) -> None:
    """Prints the summary of a finished run."""
    outcome = read_outcome(found)
    if as_json:
        print(
            json.dumps(
                {"run": plan.record.identity, "stages": stage_objects(found), **asdict(outcome)}, ensure_ascii=False
            )
        )
        return
    reporter.console.print()
    reporter.console.print(stage_table(found))
    reporter.say("")
    for line in metric_lines(outcome):
        reporter.say(line)
    if outcome.verdict:
        alias = f"; {outcome.model} is the champion" if outcome.promoted else f"; {outcome.model} is not promoted"
        reporter.say(f"verdict      {outcome.verdict}{alias if outcome.model else ''}")
    if outcome.report:
        reporter.say(f"report       {outcome.report}")
        reporter.say(f"MLflow       mlflow ui --backend-store-uri sqlite:///{plan.home}/mlflow.db")
    reporter.say(f"Prefect      PREFECT_HOME={plan.home}/prefect prefect server start")
    reporter.say("more         tuneloom show STAGE, tuneloom trace TEXT, tuneloom chat models:/NAME@champion")
