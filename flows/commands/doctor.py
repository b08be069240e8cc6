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
    _training(options, reporter)
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


def _training(options: argparse.Namespace, reporter: "TerminalReporter") -> None:
    """What a training would choose here and why: the last run's, else one of the packaged model with the defaults."""
    from flows.project import last_plan
    from tuneloom.config import Render, Train
    from tuneloom.errors import TuneloomError
    from tuneloom.models.resolve import resolve_model
    from tuneloom.train.forecast import forecast

    try:
        plan = last_plan(options, lambda line: None)
        settings, render, model = plan.config.train, plan.config.render, plan.model
    except TuneloomError:
        try:
            settings, render, model = Train(), Render(), resolve_model("smollm2-135m-instruct")
        except TuneloomError:
            return
    reporter.say(f"training {model.name} ({settings.method}) would choose")
    for reason in forecast(settings, render, model, None).chosen.reasons:
        reporter.say(f"  {reason}")


def _store(options: argparse.Namespace, reporter: "TerminalReporter") -> list[str]:
    """Opens the store of the last run, whatever has become of its config and sources; those are faults of their own."""
    from flows.project import home_of, last_plan, read_last
    from tuneloom.artifacts import Store
    from tuneloom.errors import MissingFile, TuneloomError

    try:
        last = read_last(home_of(options))
    except MissingFile:
        last = None
    except TuneloomError as error:
        return [str(error)]
    if last is None:
        reporter.say("no .tuneloom here: nothing ran yet")
        return []
    store = Store(last.store, reporter.say)
    reporter.say(f"store {store.url}: {len(list(store.all()))} artifacts")
    faults = list(store.faults(digests=options.verify))
    try:
        last_plan(options, reporter.say)
    except TuneloomError as error:
        faults.append(f"the last run cannot be repeated: {error}")
    return faults
