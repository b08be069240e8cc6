"""A small project for tests of the command line, and data stages without the orchestration around them."""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.plan import Plan

ROWS = [
    *({"instruction": f"Say the number {n} in words", "input": "", "output": f"word {n}"} for n in range(30)),
    {"instruction": "Say the number 3 in words", "input": "", "output": "word 3"},
    {"instruction": "Who can help me?", "input": "", "output": "Write to jane.doe@example.com about it."},
    {"instruction": "Say nothing", "input": "", "output": ""},
]


def make_project(folder: Path, **config: Any) -> Path:
    """A config with one small source; the model is a folder that only passes for one. Returns the config's path."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_text("weights")
    (folder / "rows.json").write_text(json.dumps(ROWS))
    tree = {"model": "model", "sources": [{"name": "rows", "path": "rows.json"}], **config}
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))
    return folder / "config.yaml"


def options(**more: Any) -> argparse.Namespace:
    """Parsed options, as commands get them."""
    return argparse.Namespace(**{"home": None, "config": None, "overrides": [], "limit": None, "json": False, **more})


def run_data_stages(plan: Plan) -> dict[str, Artifact]:
    """Ingest, dedup and split of a plan, made as their tasks make them, but bare."""
    from tuneloom.dedup.stage import deduplicate
    from tuneloom.ingest.block import Terms
    from tuneloom.ingest.files import Job, ingest_files
    from tuneloom.split.stage import split

    def unite(writer: Writer) -> None:
        jobs = [Job(planned.spec, planned.file, planned.source) for planned in plan.files]
        parts = list(ingest_files(plan.store, jobs, Terms(plan.takedowns), plan.limit))
        writer.union((a.reference, a.manifest.counts, dict(a.manifest.reasons)) for a in parts)

    made = {"ingest": plan.store.ensure(plan.specs["ingest"], unite)}
    made["dedup"] = plan.store.ensure(
        plan.specs["dedup"],
        lambda writer: deduplicate(writer, made["ingest"], plan.config.dedup, {"rows": 0}, plan.store),
    )
    made["split"] = plan.store.ensure(
        plan.specs["split"],
        lambda writer: split(
            writer, made["dedup"], made["ingest"].members, plan.config.split, plan.config.seed, plan.store.memo
        ),
    )
    return made


def decide(store: Store, verdict: str = "promote") -> dict[str, Artifact]:
    """What evaluate and release leave of a run that came to a verdict: the files that are read for its last words."""
    loss = {"base": 3.0, "tuned": 2.0, "difference": -1.0, "low": -1.2, "high": -0.8}
    tree = {"verdict": verdict, "metrics": {"loss": loss, "chrf": {"base": 10.0, "tuned": 12.5}}}
    said = {"model_uri": "models:/m/1", "promoted": verdict == "promote"}

    def made(stage: str, name: str, content: dict[str, Any]) -> Artifact:
        spec = Spec(stage, "test", inputs={"verdict": verdict})
        return store.ensure(spec, lambda writer: writer.file(name).write_text(json.dumps(content)) and None)

    return {"evaluate": made("evaluate", "verdict.json", tree), "release": made("release", "release.json", said)}
