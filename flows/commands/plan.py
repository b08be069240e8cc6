"""Say what a run would do: which files are new, what is reused, what would run and why, the time and disk it needs."""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.arguments import add_config_arguments, add_json_argument

if TYPE_CHECKING:
    from tuneloom.artifacts import Artifact
    from tuneloom.changes import FileChanges
    from tuneloom.estimate import Estimate
    from tuneloom.plan import Plan
    from tuneloom.train.forecast import Forecast

NAMED = 5
"""Files that are named of each kind of change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG."""
    add_config_arguments(parser)
    parser.add_argument("--until", default="report", metavar="STAGE", help="plan a run that stops after this stage")
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Prints a line a stage, the changes of files, and what it takes."""
    import json

    from flows.console import TerminalReporter
    from flows.project import plan_of
    from flows.suites_view import suite_lines, suites_told
    from tuneloom.artifacts.space import existing
    from tuneloom.changes import file_changes, file_name
    from tuneloom.estimate import estimate, local_store
    from tuneloom.plan import check_until, why

    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_of(options, reporter.say)
    found = dict(plan.reusable(check_until(options.until)))
    lines: list[dict[str, Any]] = [
        {"stage": stage, "reused": artifact is not None, "why": "in the store" if artifact else why(plan, stage)}
        for stage, artifact in found.items()
    ]
    changes = file_changes(plan)
    needs = estimate(plan, [line["stage"] for line in lines if not line["reused"]])
    free = shutil.disk_usage(existing(local_store(plan) or plan.home)).free
    training = _training(plan, found)
    if options.json:
        told = {
            "files": {"new": changes.new, "changed": changes.changed, "gone": changes.gone, "renamed": changes.renamed,
                      "read": [file_name(one) for one in changes.read], "reused": changes.reused},
            "seconds": round(needs.seconds, 1), "seconds_unknown_for": needs.unknown,
            "disk_bytes": needs.store_bytes, "temporary_bytes": needs.temporary_bytes, "free_bytes": free,
            "without_license": _unlicensed(plan), "training": _training_object(training),
            "suites": suites_told(plan),
        }  # fmt: skip
        print(json.dumps({"run": plan.record.identity, "stages": lines, **told}, ensure_ascii=False))
        return 0
    for line in lines:
        reporter.say(f"{line['stage']:<9} {'reuse' if line['reused'] else 'run':<6} {line['why']}")
    reporter.say("")
    further = [*_of_training(training), *_of_model(plan), *_of_licenses(plan)]
    for words in [*_of_files(plan, changes), *_of_costs(needs, found, free), *further]:
        reporter.say(words)
    for words in suite_lines(plan) if "evaluate" in plan.stages(options.until) else ():
        reporter.say(words)
    return 0


def _of_files(plan: "Plan", changes: "FileChanges") -> list[str]:
    """`files     3 in all: 1 new, 1 changed, 1 gone; 2 to read, 1 reused`, and the names."""
    kinds = {
        "new": [] if changes.first else changes.new,
        "changed": changes.changed,
        "gone": changes.gone,
        "renamed": [f"{before} -> {now}" for before, now in changes.renamed],
    }
    counts = [f"{len(names)} {kind}" for kind, names in kinds.items() if names]
    since = f" {', '.join(counts)} since the last run;" if counts else ""
    reused = f"{len(changes.read)} to read, {changes.reused} reused"
    lines = [f"files     {len(plan.files)} in all:{since} {reused}"]
    return lines + [f"  {kind:<8}{_named(names)}" for kind, names in kinds.items() if names]


def _of_costs(needs: "Estimate", found: Mapping[str, object], free: int) -> list[str]:
    """`time      about 2 min, as the last run took`, `disk      about 1.2 GB of 40.0 GB free`."""
    from tuneloom.artifacts.space import size_text

    if None not in found.values():
        return ["time      none: nothing to do", f"disk      none; {size_text(free)} free"]
    basis = "as the last run took" if needs.as_last_time else "by what other data took"
    unknown = f"; not known before a first run: {', '.join(needs.unknown)}" if needs.unknown else ""
    short = " -- NOT ENOUGH: the run would be refused" if needs.store_bytes > free else ""
    return [
        f"time      about {_duration(needs.seconds)}, {basis}{unknown}",
        f"disk      about {size_text(needs.store_bytes)} of {size_text(free)} free{short}",
    ]


def _training(plan: "Plan", found: Mapping[str, "Artifact | None"]) -> "Forecast | None":
    """What training would choose and take; None where it is not to run."""
    if found.get("train", plan) is not None:
        return None
    from tuneloom.train.forecast import forecast  # torch: only where the machine is to be looked at

    rendered = found.get("render")
    available = rendered.stats["sides"]["train"]["tokens"] if rendered else None
    return forecast(plan.config.train, plan.config.render, plan.model, available)


def _of_training(training: "Forecast | None") -> list[str]:
    """`training  about 4 min`, and a line for each choice."""
    if training is None:
        return []
    time = f"about {_duration(training.seconds)}" if training.seconds else "time not known before render"
    return [f"training  {time} on {training.device}", *(f"  {reason}" for reason in training.chosen.reasons)]


def _training_object(training: "Forecast | None") -> dict[str, Any] | None:
    """The same for `--json`."""
    from dataclasses import asdict

    if training is None:
        return None
    need = training.chosen.need
    memory = {"memory_bytes": need.peak if need else None}
    return {"seconds": training.seconds, **memory, **asdict(training.chosen.choices)}


def _of_model(plan: "Plan") -> list[str]:
    """How the model is trained, and what a base model without a chat template gets."""
    from tuneloom.models.base_chat import planned_addition
    from tuneloom.train.describe import method_told

    addition = planned_addition(plan.model)
    trained = f"train     {method_told(plan.config.train, plan.config.train.continue_from)}"
    return [*([f"model     {addition.told}"] if addition else []), trained]


def _of_licenses(plan: "Plan") -> list[str]:
    if not (without := _unlicensed(plan)):
        return []
    stopped = "; rows without one of their own are rejected (licenses.allow)" if plan.config.licenses.allow else ""
    return [f"licence   none is named for {_named(without)}{stopped}"]


def _unlicensed(plan: "Plan") -> list[str]:
    """Sources to train on whose licence the config does not name."""
    return [source.name for source in plan.config.sources if source.use == "train" and not source.license]


def _named(names: Sequence[str]) -> str:
    """ "a, b, c, d, e and 3 more"."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _duration(seconds: float) -> str:
    """11.3 -> "11 s", 130 -> "2 min", 8000 -> "2.2 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
