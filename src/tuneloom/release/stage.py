"""The release stage: a candidate with a whole lineage becomes a registered version; the gate's yes makes it champion.

Registration is the one step with effects outside the store, so it is made repeatable: what an earlier, killed
release of the same key registered is found by its tag.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Release
from tuneloom.models.resolve import ModelSource
from tuneloom.release.connection import address, shown
from tuneloom.release.description import describe
from tuneloom.release.lineage import check_lineage, stage_keys, trained_on
from tuneloom.release.load import BASE_PATH_TAG
from tuneloom.release.package import base_name, pack_model
from tuneloom.release.registry import (
    JUDGED_TAG,
    RELEASE_TAG,
    TRAIN_TAG,
    VERDICT_TAG,
    Registered,
    aliases_of,
    champion,
    find_version,
    log_model,
    moving_aliases,
    promote,
    register,
    settle,
)
from tuneloom.release.tracking import Tracking

VERDICT_FILES = ("verdict.json", "verdict.md", "plan.json")
"""What of the evaluation is kept with the version."""


@dataclass(frozen=True)
class Refusal:
    """Why a candidate is not promoted; `outdated` where the comparison no longer holds and must be made anew."""

    why: str
    outdated: bool


def release(
    writer: Writer,
    evaluation: Artifact,
    tuned: Artifact,
    lineage: Sequence[Artifact],
    model: ModelSource,
    config: Release,
    tracking: Tracking,
) -> None:
    """Registers `tuned` with the alias candidate, and champion where the verdict is promote; writes release.json.

    Raises BrokenArtifact where the lineage is missing or breached; nothing is registered then.
    """
    check_lineage(tuned, evaluation, lineage)
    verdict = json.loads(evaluation.path("verdict.json").read_text("utf-8"))
    name, key, keys = config.model_name, writer.spec.key, stage_keys(lineage)
    registered = find_version(tracking.client, name, key)
    if registered is None:
        registered = _register(tracking, name, key, tuned, model, keys, lineage, evaluation)
    with moving_aliases(tracking.home, name):
        settle(tracking.client, name)
        registered = find_version(tracking.client, name, key) or registered  # as it is now that nobody moves it
        refusal = _refusal(tracking, registered, evaluation, tuned, verdict)
        if not registered.promoted:
            tracking.client.set_registered_model_alias(name, "candidate", str(registered.version))
        if refusal is None and not registered.promoted:
            promote(tracking.client, registered)
    _log_scores(tracking, registered, evaluation, verdict)
    said = {
        "model_name": name,
        "version": registered.version,
        "model_uri": f"models:/{name}/{registered.version}",
        "model_id": registered.model_id,
        "aliases": aliases_of(tracking.client, registered),
        "verdict": verdict["verdict"],
        "promoted": refusal is None,
        "why_not": refusal.why if refusal else None,
        "outdated": refusal is not None and refusal.outdated,
        "mlflow_run_id": tracking.run_id,
        "experiment_id": tracking.experiment_id,
        "tracking": shown(address(tracking.home), tracking.home),
    }
    writer.file("release.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), "utf-8")
    writer.stats.update(said)


def _register(
    tracking: Tracking,
    name: str,
    key: str,
    tuned: Artifact,
    model: ModelSource,
    keys: Mapping[str, str],
    lineage: Sequence[Artifact],
    evaluation: Artifact,
) -> Registered:
    """Packs, stores and registers the model with its tags and the gate's verdict."""
    verdict = json.loads(evaluation.path("verdict.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "model"
        packed.mkdir()
        card = pack_model(tuned, model, keys, _template_digest(lineage), packed)
        for kept in VERDICT_FILES:
            for file in evaluation.files(kept):
                shutil.copyfile(file, packed / kept)
        facts = {"base": card.base, "base_digest": card.base_digest, "method": card.method}
        model_id = log_model(tracking, name, key, packed, facts)
    data = trained_on(lineage)
    tags = {
        **{f"tuneloom.{stage}": stage_key for stage, stage_key in keys.items()},
        TRAIN_TAG: tuned.reference.key,
        RELEASE_TAG: key,
        "tuneloom.base": card.base,
        "tuneloom.base_digest": card.base_digest,
        VERDICT_TAG: verdict["verdict"],
        JUDGED_TAG: evaluation.manifest.spec["inputs"].get("champion") or "none",
        "tuneloom.licenses": ", ".join(sorted({one.license for one in data})),
    }
    if Path(model.name).is_absolute():
        tags[BASE_PATH_TAG] = model.name  # for this machine; the files themselves bear the bare name
    if commit := git_commit(tracking.home.parent):
        tags["tuneloom.git_commit"] = commit
    return register(tracking, name, model_id, tags, describe(verdict, base_name(model), data, _used(tuned)))


def _refusal(
    tracking: Tracking, registered: Registered, evaluation: Artifact, tuned: Artifact, verdict: Mapping[str, Any]
) -> Refusal | None:
    """Why the candidate does not become champion; None where it does, or is it already.

    A verdict holds against the champion it was made against: where another run promoted its own model meanwhile, the
    comparison must be made anew. One that left a champion out promotes nobody.
    """
    if registered.promoted:
        return None
    if registered.withdrawn:
        return Refusal(f"version {registered.version} was rolled back ({registered.withdrawn})", outdated=False)
    if verdict["verdict"] != "promote":
        return Refusal(f"the gate's verdict is {verdict['verdict']}. {verdict['reason']}", outdated=False)
    current = champion(tracking.home, registered.name)
    if current is None or current.train_key == tuned.reference.key:
        return None
    judged = evaluation.manifest.spec["inputs"].get("champion")
    if current.train_key != judged:
        why = f"version {current.version} became champion after this candidate was judged; run again to judge it anew"
        return Refusal(why, outdated=True)
    if verdict["baseline"] != "champion":
        return Refusal(f"it was not compared with the champion, version {current.version}", outdated=False)
    return None


def _log_scores(tracking: Tracking, registered: Registered, evaluation: Artifact, verdict: Mapping[str, Any]) -> None:
    """The scores, on the logged model and with the data they were measured on."""
    scores = {
        f"{metric}/{who}": value
        for metric, found in verdict["metrics"].items()
        for who, value in found.items()
        if isinstance(value, int | float)
    }
    rows, parents = verdict["n"], evaluation.manifest.parents
    digest = next((parent.key for parent in parents if parent.stage == "mixture"), evaluation.reference.key)
    source = str(evaluation.folder.parent.parent / "mixture" / digest)
    tracking.dataset("test", digest, rows, source, context="evaluation")
    tracking.metrics(scores, 0, registered.model_id, ("test", digest))
    tracking.tags({VERDICT_TAG: verdict["verdict"], "tuneloom.version": f"{registered.name}/{registered.version}"})


def _used(tuned: Artifact) -> tuple[int, int] | None:
    """Tokens that training took, and tokens that there were, where it noted both."""
    stats = tuned.stats
    return (stats["tokens"], stats["tokens_available"]) if {"tokens", "tokens_available"} <= set(stats) else None


def _template_digest(lineage: Sequence[Artifact]) -> str | None:
    rendered = next((artifact for artifact in lineage if artifact.reference.stage == "render"), None)
    return rendered.stats.get("template") if rendered else None


def git_commit(folder: Path) -> str | None:
    """The commit checked out where the config lies, or None outside a repository or without git."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=10
        )
    except FileNotFoundError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
