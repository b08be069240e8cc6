"""Say what a run would do: what is reused, what would run and why, the time and disk it needs."""

import argparse
import shutil
from typing import TYPE_CHECKING, Any

from flows.arguments import add_config_arguments, add_json_argument

if TYPE_CHECKING:
    from tuneloom.plan import Plan, PlannedFile

STORED_PER_SOURCE_BYTE = 4
"""Bytes the store takes a byte of source, measured on T0 (31 MB of JSONL, zstd Parquet a stage)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG."""
    add_config_arguments(parser)
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Prints a line a stage."""
    import json

    from flows.console import TerminalReporter
    from flows.project import plan_of
    from tuneloom.plan import why

    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_of(options, reporter.say)
    found = dict(plan.reusable())
    fresh = [planned for planned in plan.files if plan.store.find(planned.spec.reference) is None]
    needed = STORED_PER_SOURCE_BYTE * sum(planned.file.path.stat().st_size for planned in fresh)
    place = next(folder for folder in (plan.home, *plan.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    lines: list[dict[str, Any]] = [
        {"stage": stage, "reused": artifact is not None, "why": "in the store" if artifact else why(plan, stage)}
        for stage, artifact in found.items()
    ]
    seconds = _seconds_last_time(plan, [line["stage"] for line in lines if not line["reused"]])
    if options.json:
        files = [f"{p.file.source}:{p.file.relative}" for p in fresh]
        about = {"new_files": files, "seconds": seconds, "disk_bytes": needed, "free_bytes": free}
        print(json.dumps({"run": plan.record.identity, "stages": lines, **about}, ensure_ascii=False))
        return 0
    for line in lines:
        reporter.say(f"{line['stage']:<9} {'reuse' if line['reused'] else 'run':<6} {line['why']}")
    reporter.say("")
    reporter.say(f"files     {len(plan.files)} in all, {len(fresh)} to read" + _named(fresh))
    known = "not known before a first run" if seconds is None else f"about {seconds:.0f} s, as last time"
    reporter.say(f"time      {known if any(not line['reused'] for line in lines) else 'none: nothing to do'}")
    reporter.say(f"disk      about {needed / 1e6:,.0f} MB of {free / 1e9:,.1f} GB free")
    return 0


def _named(fresh: list["PlannedFile"]) -> str:
    names = [f"{planned.file.source}:{planned.file.relative}" for planned in fresh[:5]]
    more = f" and {len(fresh) - 5} more" if len(fresh) > 5 else ""
    return f": {', '.join(names)}{more}" if names else ""


def _seconds_last_time(plan: "Plan", stages: list[str]) -> float | None:
    """What these stages took when they ran last, where all of them did."""
    from tuneloom.artifacts import Reference
    from tuneloom.runs import latest_run

    before = latest_run(plan.store, plan.config.name)
    known = [plan.store.find(Reference(s, before.stages[s])) for s in stages if before and s in before.stages]
    return sum(a.manifest.seconds for a in known if a) if len(known) == len(stages) and None not in known else None
