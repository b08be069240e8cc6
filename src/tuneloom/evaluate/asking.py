"""All models asked all questions, one model after the other: the run's own held-out rows, then its suites."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tuneloom.evaluate import held_out
from tuneloom.evaluate.generation import Answer, score_answers
from tuneloom.evaluate.items import ITEMS, Item, items_table
from tuneloom.evaluate.metrics import Scored, load_metrics
from tuneloom.evaluate.missing import missing_metrics
from tuneloom.evaluate.outputs import OUTPUTS, held_out_outputs
from tuneloom.evaluate.questions import Wanted, as_input_and_target, ask, by_template
from tuneloom.evaluate.suite_scores import Asked, score_suite
from tuneloom.models.seq2seq import reads_and_writes
from tuneloom.render.tokenizer import row_tokenizer
from tuneloom.suites import Suite

Progress = Callable[[str, int, int], None]
WATCHED = ("chrf", "exact_match", "rouge_l")
"""The metrics of the run's own held-out answers."""


@dataclass(frozen=True)
class Own:
    """The run's own held-out rows: those whose loss is measured, and those that are answered; `answers` is whether any
    are to be, were there rows."""

    scored: Sequence[Item]
    asked: Sequence[Item]
    max_new_tokens: int
    answers: bool


@dataclass
class Said:
    """What came of it: scores (schema ITEMS), outputs (schema OUTPUTS), and answers to the run's own rows by model."""

    items: list[pa.Table] = field(default_factory=lambda: [ITEMS.empty_table()])
    outputs: list[pa.Table] = field(default_factory=lambda: [OUTPUTS.empty_table()])
    answers: dict[str, list[Answer]] = field(default_factory=dict)


def ask_models(
    models: Iterable[tuple[str, Any, Any]],
    count: int,
    own: Own,
    suites: Sequence[Suite],
    wanted: Mapping[str, Sequence[Wanted]],
    on_progress: Progress,
) -> Said:
    """Asks `count` models, each (name, model, tokenizer); they share a tokenizer and a template."""
    said, metrics = Said(), load_metrics(metric for suite in suites for metric in suite.own_metrics)
    prepared: list[Asked] | None = None
    pace = _Pace(on_progress)
    for name, model, tokenizer in models:
        if prepared is None:
            prepared = _prepare(suites, wanted, model, tokenizer)
            pace.total = count * (max(len(own.scored), len(own.asked)) + sum(one.steps for one in prepared))
        step = pace.step(f"{name}: held-out rows")
        losses, found = held_out.ask_held_out(model, tokenizer, own.scored, own.asked, own.max_new_tokens, step)
        said.items.append(items_table(name, held_out.METRIC, own.scored, map(Scored, losses)))
        if own.asked:
            said.items += [
                items_table(name, m, own.asked, score_answers(metrics[m], own.asked, found)) for m in WATCHED
            ]
            said.outputs.append(held_out_outputs(name, own.asked, found))
            said.answers[name] = found
        for one in prepared:
            scores, outputs = score_suite(name, model, tokenizer, one, metrics, pace.step(f"{name}: {one.suite.name}"))
            said.items.append(scores)
            said.outputs.append(outputs)
    return said


def in_order(said: Said) -> tuple[pa.Table, pa.Table]:
    """Scores and outputs as they are stored: the order of asking leaves no trace."""
    items, outputs = pa.concat_tables(said.items), pa.concat_tables(said.outputs)
    return (
        items.sort_by([(name, "ascending") for name in ("metric", "model", "id")]).combine_chunks(),
        outputs.sort_by([(name, "ascending") for name in ("suite", "model", "id")]).combine_chunks(),
    )


def _prepare(
    suites: Sequence[Suite], wanted: Mapping[str, Sequence[Wanted]], model: Any, tokenizer: Any
) -> list[Asked]:
    """The questions as tokens of every suite of which anything can be measured here."""
    if not suites:
        return []
    own = row_tokenizer(tokenizer.backend_tokenizer, tokenizer.chat_template or "", tokenizer.special_tokens_map)
    write = as_input_and_target(own) if reads_and_writes(model) else by_template(own)
    window = int(getattr(model.config, "max_position_embeddings", 1 << 30))
    assessed = [suite for suite in suites if set(suite.metrics) - missing_metrics(suite).keys()]
    return [Asked(suite, *ask(suite, wanted[suite.name], write, window)) for suite in assessed]


class _Pace:
    """Turns "so many rows of this step" into "so many of all"."""

    def __init__(self, on_progress: Progress) -> None:
        self._on_progress, self.total, self._before, self._here = on_progress, 0, 0, 0

    def step(self, what: str) -> Callable[[int], None]:
        self._before += self._here
        self._here = 0

        def on_rows(done: int) -> None:
            self._here = done
            self._on_progress(what, self._before + done, self.total)

        return on_rows
