"""Take away what nobody refers to: old runs' artifacts, memos, MLflow runs and models. Without --yes it only tells."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.arguments import add_json_argument, count

if TYPE_CHECKING:
    from tuneloom.retention import Waste


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, how much stays, and --yes."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML config")
    parser.add_argument("--keep", type=count, default=10, metavar="N", help="runs of each pipeline that stay (10)")
    parser.add_argument(
        "--candidates",
        action="store_true",
        help="also registered versions without an alias that never were champion, of runs that go",
    )
    parser.add_argument("--yes", action="store_true", help="do it; else it is only told")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="override a setting"
    )
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Tells what nobody refers to and, with --yes, takes it away. Raises LockTimeout while a run is under way."""
    import json

    from flows.console import TerminalReporter
    from flows.project import config_of, home_of
    from tuneloom.artifacts.locks import lock
    from tuneloom.plan import store_of
    from tuneloom.retention import clear, look

    reporter, home = TerminalReporter(to_stderr=options.json), home_of(options)
    store = store_of(config_of(options), options.config.resolve().parent, home, _quietly)
    if options.yes:
        with lock(home / "locks" / "run.lock", "the runs of this project", LONGEST_WAIT, reporter.say):
            waste = look(store, home, options.keep, options.candidates)
            clear(store, home, waste)
    else:
        waste = look(store, home, options.keep, options.candidates)
    if options.json:
        print(json.dumps({**as_dict(waste), "removed": options.yes}, ensure_ascii=False))
        return 0
    for line in lines(waste, done=options.yes):
        reporter.say(line)
    if waste and not options.yes:
        reporter.say("Nothing was changed. Do it: add --yes.")
    return 0


def _quietly(message: str) -> None:
    """What is wrong with an artifact is for runs and `doctor` to tell."""


LONGEST_WAIT = 60.0
"""Seconds that it waits for a run of the project to end."""


def as_dict(waste: "Waste") -> dict[str, Any]:
    """Plain values."""
    return {
        "runs": [run.identity for run in waste.runs],
        "artifacts": [str(manifest.reference) for manifest in waste.artifacts],
        "bytes": waste.bytes,
        "mlflow_runs": list(waste.models.runs),
        "models": list(waste.models.models),
        "versions": [f"models:/{name}/{number}" for name, number in waste.models.versions],
        "kept": {"runs": waste.kept_runs, "artifacts": waste.kept_artifacts},
    }


def lines(waste: "Waste", done: bool) -> list[str]:
    """For people: what stays, and what goes or went, a line a stage."""
    from collections import Counter

    told = [f"{waste.kept_artifacts} artifacts stay, of {waste.kept_runs} runs and what they, models and people need"]
    if not waste:
        return [*told, "Nothing else is there."]
    stages = Counter(manifest.reference.stage for manifest in waste.artifacts)
    told.append(
        f"{'Removed' if done else 'Nobody refers to'}: {len(waste.artifacts)} artifacts ({waste.bytes / 1e6:,.1f} MB), "
        f"{len(waste.runs)} run records, {len(waste.models.runs)} MLflow runs, {len(waste.models.models)} models, "
        f"{len(waste.models.versions)} versions"
    )
    return told + [f"  {stage:<14} {number:>5}" for stage, number in sorted(stages.items())]
