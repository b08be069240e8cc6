"""`tuneloom export CONFIG --model`: the tuned model as a folder that transformers alone can open, with its card."""

import argparse
import json
import os
import shutil
from pathlib import Path

from flows.console import TerminalReporter
from flows.hints import shown
from flows.project import finished, plan_of
from tuneloom.errors import ConfigError, MissingFile


def export_model(options: argparse.Namespace) -> int:
    """Writes the folder beside its place, renames it, and says what to do with it."""
    from tuneloom.evaluate.subjects import trained_folder
    from tuneloom.release.merge import write_whole
    from tuneloom.release.model_card import Exported, model_card

    if wrong := [name for name in ("stage", "rejected", "reason") if getattr(options, name)]:
        raise ConfigError(f"--model and --{wrong[0]} exclude each other", where="tuneloom export", remedy="Drop one.")
    place = options.out or Path(f"{options.config.stem}-model")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ConfigError(
            f"{place.name} is there already", where=str(place), remedy="Give another --out, or remove it."
        )
    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_of(options, reporter.say)
    found = finished(plan, reporter.say)
    tuned, evaluation = found.get("train"), found.get("evaluate")
    if tuned is None:
        raise MissingFile(
            "no model is trained yet", where=str(options.config), remedy=f"Run `tuneloom run {options.config}` first."
        )
    part = place.with_name(f".{place.name}.{os.getpid()}")
    part.mkdir(parents=True)
    try:
        dtype = write_whole(plan.model, trained_folder(tuned), part)
        facts = Exported(plan.config.name, plan.model, tuned, [*plan.store.lineage(tuned)], evaluation, dtype)
        (part / "README.md").write_text(model_card(facts, part), "utf-8")
        if place.exists():
            place.rmdir()  # an empty folder that was made for it
        os.replace(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if options.json:
        size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        told = {"path": str(place), "dtype": dtype, "bytes": size, "card": str(place / "README.md")}
        print(json.dumps({**told, "train": tuned.reference.key}, ensure_ascii=False))
        return 0
    reporter.say(f"the tuned model, merged, in {dtype} -> {shown(place)}")
    reporter.say(f"What it is and what it was made from: {shown(place / 'README.md')}")
    reporter.say(f"Talk to it: tuneloom chat {shown(place)}")
    return 0
