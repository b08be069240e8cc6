"""Configs, keys and releases of plans."""

import json
from pathlib import Path

from tests.hollow import make_hollow
from tuneloom.config import Config
from tuneloom.config_file import parse_config
from tuneloom.plan import Plan, make_plan, with_champion
from tuneloom.runs import FrozenChampion, freeze_champion, write_run


def config(**more: object) -> Config:
    return parse_config({"model": "model", "sources": [{"name": "s", "path": "data/*.json"}], **more})


def keys(plan: Plan) -> dict[str, str]:
    return {stage: spec.key for stage, spec in plan.specs.items()}


def release(plan: Plan, **told: object) -> str:
    """Commits the plan's release as if it had run; its digest."""
    said = {"model_name": "m", "version": 1, "model_id": "m-1", "outdated": False, **told}
    make_hollow(plan, "release")
    made = plan.store.ensure(
        plan.specs["release"], lambda writer: writer.file("release.json").write_text(json.dumps(said))
    )
    return next(file.digest for file in made.manifest.files if file.path == "release.json")


def judged(project: Path, champion: FrozenChampion | None = None) -> Plan:
    """A plan whose champion is resolved, and remembered."""
    plan = make_plan(config(), project)
    record = write_run(plan.store, freeze_champion(plan.record, champion))
    return with_champion(plan, record)
