"""Models on suites, outside any run: an artifact for each model and suite, so that nothing is ever asked twice.

    STORE/scores/<key>/   items.parquet, outputs.parquet, questions.parquet (id, prompt, references), measured.json

The key is of the model's weights, the suite (its rows, exemplars, settings and metrics) and our code.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Spec, Store, Writer, code_digest
from tuneloom.errors import ConfigError
from tuneloom.evaluate.asking import Own, Progress, ask_models, in_order
from tuneloom.evaluate.measured import measured_suites
from tuneloom.evaluate.missing import asked_digest
from tuneloom.evaluate.questions import Wanted, wanted_of
from tuneloom.evaluate.subjects import Subject, in_turn
from tuneloom.records import canonical
from tuneloom.statistics import detectable_before
from tuneloom.suites import Suite

STAGE = "scores"
MODEL = "model"
"""The name that scores and outputs bear in such an artifact: who is compared with whom is not known yet."""

Scores = dict[str, dict[str, Artifact]]
"""Digest of a model -> suite -> its artifact."""


def scores_spec(subject: Subject, suite: Suite) -> Spec:
    """What the scores of a model on a suite are a function of."""
    inputs = {"model": subject.digest, "suite": asked_digest(suite), "named": suite.name}
    return Spec(STAGE, code_digest("tuneloom.evaluate"), inputs=inputs)


def score_alone(store: Store, models: Sequence[Subject], suites: Sequence[Suite], on_progress: Progress) -> Scores:
    """Asks each model the suites that it has not been asked. Raises ConfigError for a suite without rows of its own."""
    for suite in suites:
        if suite.kind == "held_out_tasks":
            raise ConfigError(
                f"the suite {suite.name} takes its rows from a run, and this is none",
                where="--suite",
                remedy="Name it in the config's evaluate.suites, and compare two runs.",
            )
    found: Scores = {str(one.digest): {} for one in models}
    missing: dict[str, list[Suite]] = {}
    for one in models:
        for suite in suites:
            known = store.find(scores_spec(one, suite).reference)
            if known:
                found[str(one.digest)][suite.name] = known.as_reused()
            else:
                missing.setdefault(str(one.digest), []).append(suite)
    distinct = {str(one.digest): one for one in models}.values()
    for one, model, tokenizer in in_turn([one for one in distinct if str(one.digest) in missing]):
        for suite in missing[str(one.digest)]:
            build = functools.partial(_write, one, model, tokenizer, suite, on_progress)
            found[str(one.digest)][suite.name] = store.ensure(scores_spec(one, suite), build)
    return found


def plan_lines(suites: Sequence[Suite], confidence: float = 0.95) -> list[str]:
    """Before anybody is asked, for people: `mood_en: 24 items, tells differences from 0.18 on`."""
    lines: dict[str, None] = {}
    for known in measured_suites(suites, {suite.name: len(suite.rows) for suite in suites}).values():
        least = None if known.largest is None else detectable_before(known.items, known.largest, confidence)
        tells = "" if least is None else f", tells differences from {least:.2g}"
        of = "" if least is None else f" on, of {known.largest:g}" if known.largest != 1 else " on"
        said = f", {known.file} is not assessable: {known.missing}" if known.missing else f"{tells}{of}"
        lines[f"{known.suite}: {known.items} items{said}"] = None
    return list(lines)


def scores_at_hand(store: Store, model: Subject) -> dict[str, Artifact]:
    """The newest scores of a model in the store, by suite."""
    found: dict[str, Artifact] = {}
    for manifest in store.manifests():
        inputs = manifest.spec["inputs"]
        if manifest.reference.stage == STAGE and inputs["model"] == model.digest and manifest.takedown is None:
            one = store.find(manifest.reference)
            if one and (inputs["named"] not in found or _age(one) < _age(found[inputs["named"]])):
                found[inputs["named"]] = one
    return found


def _write(one: Subject, model: Any, tokenizer: Any, suite: Suite, on_progress: Progress, writer: Writer) -> None:
    wanted: Mapping[str, Sequence[Wanted]] = {suite.name: wanted_of(suite)}
    nothing = Own((), (), 0, answers=False)

    def told(_: str, done: int, total: int) -> None:
        on_progress(f"{one.name}: {suite.name}", done, total)

    items, outputs = in_order(ask_models([(MODEL, model, tokenizer)], 1, nothing, [suite], wanted, told))
    items = items.filter(pc.equal(items["suite"], suite.name))
    questions = pa.table(
        {
            "id": [row.id for row in suite.rows],
            "prompt": [row.prompt for row in suite.rows],
            "references": pa.array([list(row.references) for row in suite.rows], pa.list_(pa.string())),
        }
    )
    for name, table in (("items", items), ("outputs", outputs), ("questions", questions)):
        pq.write_table(table, writer.file(f"{name}.parquet", len(table)), compression="zstd")
    measured = measured_suites([suite], {suite.name: len(suite.rows)})
    tree = [[metric, asdict(known)] for metric, known in measured.items()]
    writer.file("measured.json").write_text(canonical(tree), "utf-8")
    writer.stats.update(suite=suite.name, model=one.name, items=len(suite.rows))


def _age(artifact: Artifact) -> int:
    return -max(file.mtime_ns for file in artifact.manifest.files)
