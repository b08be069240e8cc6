"""Say what this machine can do, and what is wrong: versions, device, number format, disk, store."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.console import TerminalReporter

PINNED = {"fastapi": ("0.139", "0.150"), "sqlalchemy": ("2.0", "2.1"), "pyarrow": ("21", "26"), "prefect": ("3.8", "4")}
SHOWN = (
    "torch",
    "transformers",
    "peft",
    "datasets",
    "pyarrow",
    "polars",
    "numba",
    "mlflow",
    "prefect",
    "fastapi",
    "sqlalchemy",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--verify."""
    parser.add_argument("--verify", action="store_true", help="compare every digest in the store")


def run(options: argparse.Namespace) -> int:
    """Prints the findings; exit code 1 where something is wrong."""
    from flows.console import TerminalReporter

    reporter = TerminalReporter()
    faults = [*_versions(reporter), *_machine(reporter), *_model(reporter), *_store(options, reporter)]
    reporter.say("")
    for fault in faults:
        reporter.say(f"wrong: {fault}")
    reporter.say("all is well" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


def _versions(reporter: "TerminalReporter") -> list[str]:
    import platform
    from importlib.metadata import version

    from packaging.version import Version

    found = {name: version(name) for name in SHOWN}
    reporter.say(f"python {platform.python_version()}  " + "  ".join(f"{n} {v}" for n, v in found.items()))
    return [
        f"{name} {found[name]} is not within {low} to {high}: `pip install '{name}>={low},<{high}'`"
        for name, (low, high) in PINNED.items()
        if not Version(low) <= Version(found[name]) < Version(high)
    ]


def _machine(reporter: "TerminalReporter") -> list[str]:
    import os
    import shutil
    from pathlib import Path

    from tuneloom.models.probe import probe

    machine = probe()
    reporter.say(
        f"device {machine.device}, {machine.threads} threads: float32 {machine.gflops_float32:.0f}, "
        f"bfloat16 {machine.gflops_bfloat16:.0f} GFLOP/s -> {machine.dtype} ({machine.reason})"
    )
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    reporter.say(f"{os.cpu_count()} cores, {free:.1f} GB of disk free")
    return [f"only {free:.1f} GB of disk free: the small model alone takes 0.6"] if free < 2 else []


def _model(reporter: "TerminalReporter") -> list[str]:
    from tuneloom.errors import UnknownModel
    from tuneloom.models.resolve import resolve_model

    try:
        source = resolve_model("smollm2-135m-instruct")
    except UnknownModel as error:
        return [str(error)]
    reporter.say(f"packaged model {source.name}: {source.digest}")
    return []


def _store(options: argparse.Namespace, reporter: "TerminalReporter") -> list[str]:
    from flows.project import last_plan
    from tuneloom.errors import MissingFile

    try:
        plan = last_plan(options, reporter.say)
    except MissingFile:
        reporter.say("no .tuneloom here: nothing ran yet")
        return []
    artifacts = list(plan.store.all())
    reporter.say(f"store {plan.store.url}: {len(artifacts)} artifacts")
    return list(plan.store.faults(digests=options.verify))
