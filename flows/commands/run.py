"""Run the pipeline: raw instruction data to an evaluated, registered model.

Finished stages are reused. A run with nothing to do starts no server and says so.
"""

import argparse

from flows.arguments import add_config_arguments, add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG and how far to go."""
    add_config_arguments(parser)
    parser.add_argument("--until", default="report", metavar="STAGE", help="stop after this stage")
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Plans, runs what is not there yet, and prints the summary."""
    from flows.console import TerminalReporter
    from flows.local_run import run_here
    from flows.outcome import outcome_json, print_outcome
    from flows.project import plan_to_run
    from tuneloom.plan import check_until

    check_until(options.until)
    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_to_run(options, reporter.say)
    found = dict(plan.reusable(options.until))
    if None in found.values():
        plan, found = run_here(plan, options.until, reporter)
    else:
        found = {stage: artifact.as_reused() for stage, artifact in found.items() if artifact}
        reporter.say("Nothing to do: every stage is in the store (not recorded in Prefect).")
    if options.json:
        print(outcome_json(plan, found))
    else:
        print_outcome(plan, found, reporter, options)
    return 0
