"""Stage evaluate: base, tuned and champion on the same held-out rows and suites; items, outputs, the gate's verdict.

plan.json        what is measured and asked, fixed before any model is
items.parquet    a score a row              outputs.parquet   what was said to which tokens
verdict.json     the verdict, which `judge` makes again from these three, bit for bit; verdict.md for people
samples.parquet  answers side by side       breakdown.json    scores by task, category, language and label
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.config import Evaluate, Gate
from tuneloom.evaluate import held_out
from tuneloom.evaluate.asking import WATCHED, Own, Progress, Said, ask_models, in_order
from tuneloom.evaluate.breakdown import breakdown
from tuneloom.evaluate.conditions import asked_for
from tuneloom.evaluate.data_facts import data_facts
from tuneloom.evaluate.document import verdict_page
from tuneloom.evaluate.gate import decide
from tuneloom.evaluate.gate_plan import (
    PLAN,
    GatePlan,
    ItemSet,
    Measured,
    check_selection,
    count_uses,
    item_set,
    plan_from_json,
)
from tuneloom.evaluate.generation import Answer
from tuneloom.evaluate.items import HELD_OUT, Item, held_out_items, samples_table
from tuneloom.evaluate.measured import check_known, measured_of, measured_suites
from tuneloom.evaluate.outputs import tally
from tuneloom.evaluate.questions import Wanted, wanted_of
from tuneloom.evaluate.subjects import Champion, subjects
from tuneloom.evaluate.suite_samples import suite_samples
from tuneloom.evaluate.unseen import unseen_questions
from tuneloom.models.resolve import ModelSource
from tuneloom.records import canonical
from tuneloom.suites import Suite


@dataclass(frozen=True)
class Background:
    """What the gate may know beside the candidate: its chain of artifacts and what is wrong with it, the champion's
    chain where the store has it whole, the evaluations before this one, and where a line for people goes."""

    lineage: Sequence[Artifact] = ()
    breach: str | None = None
    champion_lineage: Sequence[Artifact] | None = None
    earlier: Sequence[Artifact] = ()
    say: Callable[[str], None] = lambda line: None


def evaluate(
    writer: Writer,
    rows: Artifact,
    shards: Artifact,
    tuned: Artifact,
    model: ModelSource,
    champion: Champion | None,
    config: Evaluate,
    gate: Gate,
    seed: int,
    on_progress: Progress,
    suites: Sequence[Suite] = (),
    background: Background = Background(),
) -> None:
    """Scores every model on at most `loss_rows` and `generate_rows` test rows (the fewer are among the more), and on
    the suites; without any test row the verdict is inconclusive.

    Raises ConfigError for a metric that the gate names and nobody measures, or a suite names and nobody knows.
    """
    chosen = held_out_items(rows, shards, max(config.loss_rows, config.generate_rows), seed)
    own = Own(
        chosen[: config.loss_rows], chosen[: config.generate_rows], config.max_new_tokens, config.generate_rows > 0
    )
    wanted = {
        s.name: unseen_questions(rows, s.shots, seed) if s.kind == "held_out_tasks" else wanted_of(s) for s in suites
    }
    ids = {HELD_OUT: [item.id for item in chosen]}
    ids |= {name: [one.id for one in questions] for name, questions in wanted.items()}
    sets = {name: item_set(listed) for name, listed in ids.items()}
    facts = data_facts(rows, suites, background.lineage, background.breach, background.champion_lineage)
    uses = count_uses(ids, tuned.reference.key, background.earlier)
    watched = WATCHED if own.answers else ()
    plan = GatePlan(gate, _measured(own, suites, sets), watched, sets, facts, uses, seed)
    _check_gate(plan)
    check_selection(tuned.stats if tuned.files("stats.json") else {}, sets)
    writer.file(PLAN).write_text(plan.to_json(), "utf-8")
    for line in plan.lines():
        background.say(line)
    said = Said()
    if chosen or any(wanted.values()):
        said = ask_models(
            subjects(model, tuned, champion), 2 + (champion is not None), own, suites, wanted, on_progress
        )
    _write(writer, said, plan, suites, own.asked, wanted)


def judge(items: pa.Table, outputs: pa.Table, plan: str) -> dict[str, Any]:
    """The verdict from what an evaluation stored: items.parquet, outputs.parquet and the text of plan.json."""
    return decide(items, tally(outputs), plan_from_json(plan))


def _measured(own: Own, suites: Sequence[Suite], sets: Mapping[str, ItemSet]) -> dict[str, Measured]:
    """Every metric of the run by its full name; `sets` are the items of each suite."""
    loss = Measured(held_out.DIRECTION, "mean", None, held_out.METRIC, HELD_OUT, len(own.scored))
    answers = measured_of(WATCHED, HELD_OUT, len(own.asked)) if own.answers else {}
    counts = {suite.name: sets[suite.name].items for suite in suites}
    return {held_out.METRIC: loss, **answers, **measured_suites(suites, counts)}


def _check_gate(plan: GatePlan) -> None:
    for name, key in asked_for(plan).items():
        check_known(name, list(plan.metrics), f"config key `release.gate.{key}`")


def _write(
    writer: Writer,
    said: Said,
    plan: GatePlan,
    suites: Sequence[Suite],
    asked: Sequence[Item],
    wanted: Mapping[str, Sequence[Wanted]],
) -> None:
    ordered, outputs = in_order(said)
    verdict = judge(ordered, outputs, plan.to_json())
    own = samples_table(asked, {name: [a.text for a in found] for name, found in said.answers.items()})
    samples = pa.concat_tables([own, *(suite_samples(suite, wanted[suite.name], outputs) for suite in suites)])
    for name, table in (("items", ordered), ("outputs", outputs), ("samples", samples)):
        pq.write_table(table, writer.file(f"{name}.parquet", len(table)), compression="zstd")
    writer.file("verdict.json").write_text(canonical(verdict), "utf-8")
    writer.file("verdict.md").write_text(verdict_page(verdict), "utf-8")
    parts = breakdown(ordered, verdict["baseline"], plan, {suite.name: suite.labels for suite in suites})
    writer.file("breakdown.json").write_text(canonical(parts), "utf-8")
    writer.stats.update(_stats(verdict, ordered, said.answers))


def _stats(verdict: Mapping[str, Any], items: pa.Table, answers: Mapping[str, Sequence[Answer]]) -> dict[str, Any]:
    """The verdict's heart, and how many answers the token limit cut: they are scored as they are, and told."""
    return {
        "verdict": verdict["verdict"],
        "reason": verdict["reason"],
        "metrics": verdict["metrics"],
        "items": len(items),
        "cut_answers": {name: sum(answer.cut for answer in said) for name, said in sorted(answers.items())},
        "answers": {name: len(said) for name, said in sorted(answers.items())},
    }
