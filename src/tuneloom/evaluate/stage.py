"""Stage evaluate: base, tuned and champion on the same held-out rows; items, samples and the gate's verdict."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.config import Evaluate, Gate
from tuneloom.errors import ConfigError
from tuneloom.evaluate import held_out
from tuneloom.evaluate.gate import decide
from tuneloom.evaluate.generation import Answer, generate_answers, score_answers
from tuneloom.evaluate.items import ITEMS, Item, held_out_items, items_table, samples_table
from tuneloom.evaluate.metrics import Direction, Metric, load_metrics
from tuneloom.evaluate.subjects import Champion, subjects
from tuneloom.models.resolve import ModelSource
from tuneloom.records import canonical

Progress = Callable[[str, int, int], None]


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
) -> None:
    """Scores every model on at most `loss_rows` and `generate_rows` test rows (the fewer are among the more).

    Writes items.parquet, samples.parquet and verdict.json; without any test row the verdict is inconclusive.
    Raises ConfigError for a metric that the gate names and nobody measures.
    """
    metrics = list(load_metrics().values()) if config.generate_rows else []
    directions: dict[str, Direction] = {held_out.METRIC: held_out.DIRECTION}
    directions.update((metric.name, metric.direction) for metric in metrics)
    _check_gate(gate, list(directions))
    chosen = held_out_items(rows, shards, max(config.loss_rows, config.generate_rows), seed)
    scored, asked = chosen[: config.loss_rows], chosen[: config.generate_rows]
    items, answers = [ITEMS.empty_table()], {}
    pace = _Pace(on_progress, (2 + (champion is not None)) * (len(scored) + len(asked)))
    for name, subject, tokenizer in subjects(model, tuned, champion) if chosen else ():
        losses = held_out.held_out_losses(subject, scored, pace.step(f"{name}: loss"))
        items.append(items_table(name, held_out.METRIC, scored, losses))
        if asked:
            found = generate_answers(subject, tokenizer, asked, config.max_new_tokens, pace.step(f"{name}: answers"))
            items += [items_table(name, m.name, asked, score_answers(m, asked, found)) for m in metrics]
            answers[name] = found
    _write(writer, pa.concat_tables(items), asked, answers, gate, directions, metrics, seed)


def _check_gate(gate: Gate, known: Sequence[str]) -> None:
    for name in gate.better:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"the gate asks for the metric {name!r}, which is not measured",
                where="config key `release.gate.better`",
                remedy=f"Did you mean `{close[0]}`?" if close else f"Measured: {', '.join(known)}.",
            )


def _write(
    writer: Writer,
    items: pa.Table,
    asked: Sequence[Item],
    answers: Mapping[str, Sequence[Answer]],
    gate: Gate,
    directions: Mapping[str, Direction],
    metrics: Sequence[Metric],
    seed: int,
) -> None:
    ordered = items.sort_by([("metric", "ascending"), ("model", "ascending"), ("id", "ascending")]).combine_chunks()
    verdict = decide(ordered, gate, directions, [metric.name for metric in metrics], seed)
    samples = samples_table(asked, {name: [a.text for a in said] for name, said in answers.items()})
    pq.write_table(ordered, writer.file("items.parquet", len(ordered)), compression="zstd")
    pq.write_table(samples, writer.file("samples.parquet", len(samples)), compression="zstd")
    writer.file("verdict.json").write_text(canonical(verdict), "utf-8")
    writer.stats.update(_stats(verdict, items, answers))


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


class _Pace:
    """Turns "so many rows of this step" into "so many of all"."""

    def __init__(self, on_progress: Progress, total: int) -> None:
        self._on_progress, self._total, self._before, self._here = on_progress, total, 0, 0

    def step(self, what: str) -> Callable[[int], None]:
        self._before += self._here
        self._here = 0

        def on_rows(done: int) -> None:
            self._here = done
            self._on_progress(what, self._before + done, self._total)

        return on_rows
