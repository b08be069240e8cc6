"""The loss on the validation side while training goes on: on which rows, how often, and what it decides.

It runs the packed rows as the evaluation does, forward only. Without a wish of the user's it may cost 3 % of the
training, and a training too short to pay for two looks at enough tokens does without. The weights of the best look are
kept, and are the ones that training ends with.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from tuneloom.config import Train
from tuneloom.models.likelihood import RowLoss, row_losses
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step
from tuneloom.train.group import collected
from tuneloom.train.reports import ValidationReport

SHARE = 0.06
"""Validation tokens a trained token: a pass without gradient takes half of LoRA's two, a third of full tuning's
three, so this is at most 3 % of the time."""
MOST_LOOKS = 10
LEAST_TOKENS = 2048
"""Of a look: fewer tell models apart by chance."""


@dataclass(frozen=True)
class Validation:
    """Rows to look at, the task of each, and after how many steps each time; besides, after the last step."""

    rows: Sequence[TokenRow]
    tasks: Sequence[str]
    every: int

    @property
    def tokens(self) -> int:
        """Of one look."""
        return sum(map(len, self.rows))

    def due(self, step: int, steps: int) -> bool:
        """Whether to look after `step` of `steps`."""
        return step > 0 and (step % self.every == 0 or step == steps)


def plan_validation(
    rows: Sequence[TokenRow], tasks: Mapping[str, str], plan: Sequence[Step], settings: Train, seed: int
) -> Validation | None:
    """A sample of the validation side's `rows`, whose tasks stand in `tasks` by id, and how often to look at it.

    `validate_every: 50` looks at up to `validation_tokens` every 50 steps. Without it, 1,000 steps of 1,000 tokens pay
    for 60,000: one look at 30,000 and another at the end; of 5,000 tokens at hand, ten looks. None where there is
    nothing to look at, or training is too short to pay for it.
    """
    if settings.validate_every == 0 or not len(rows):
        return None
    if settings.validate_every:
        return _sample(rows, tasks, settings.validation_tokens, settings.validate_every, seed)
    pays_for = SHARE * sum(step.tokens for step in plan)
    most = min(settings.validation_tokens, int(pays_for / 2))
    if most < LEAST_TOKENS:
        return None
    chosen = _sample(rows, tasks, most, len(plan), seed)
    looks = min(MOST_LOOKS, int(pays_for / chosen.tokens), len(plan))
    return Validation(chosen.rows, chosen.tasks, -(-len(plan) // looks)) if looks >= 2 else None


def measure(model: Any, validation: Validation, step: int, budget: int, dtype: str) -> ValidationReport:
    """The mean loss of `validation`'s supervised tokens after `step` steps, over all and by task; takes no random
    number, and leaves the model in the mode that it was in."""
    start, device = time.perf_counter(), next(model.parameters()).device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
        losses = row_losses(model, validation.rows, budget)
    by_task: dict[str, list[RowLoss]] = defaultdict(list)
    for task, loss in zip(validation.tasks, losses, strict=True):
        by_task[task].append(loss)
    means = {task: _mean(by_task[task]) for task in sorted(by_task)}
    supervised = sum(loss.tokens for loss in losses)
    return ValidationReport(step, _mean(losses), means, supervised, time.perf_counter() - start)


@dataclass
class Selection:
    """What the looks so far decide: whose weights are kept, and whether to go on."""

    patience: int | None
    by: str
    reports: list[ValidationReport] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """Of the best look, on the CPU."""

    @property
    def best(self) -> ValidationReport | None:
        """The first of the lowest losses."""
        return min(self.reports, key=self._score, default=None)

    @property
    def over(self) -> bool:
        """Whether `patience` looks in a row have brought nothing better."""
        if self.patience is None or self.best is None:
            return False
        return len(self.reports) - 1 - self.reports.index(self.best) >= self.patience

    def add(self, report: ValidationReport, model: Any) -> None:
        """Takes a look in, and copies what trains in `model` where it is the best so far."""
        self.reports.append(report)
        if self.best is report:
            trained = ((name, p) for name, p in model.named_parameters() if p.requires_grad)
            self.weights = {name: collected(p.detach()).to("cpu", copy=True) for name, p in trained}

    @torch.no_grad()
    def take_best(self, model: Any) -> None:
        """Puts the best look's weights into `model`."""
        parameters = dict(model.named_parameters())
        for name, tensor in self.weights.items():
            parameters[name].copy_(tensor)

    def _score(self, report: ValidationReport) -> float:
        return report.loss if self.by == "overall" else sum(report.tasks.values()) / len(report.tasks)


def _sample(rows: Sequence[TokenRow], tasks: Mapping[str, str], most: int, every: int, seed: int) -> Validation:
    """Rows in a random order until the next would pass `most` tokens, at least one; then in the order of the shards."""
    chosen: list[int] = []
    tokens = 0
    for place in np.random.default_rng([seed, len(rows)]).permutation(len(rows)).tolist():
        if chosen and tokens + len(rows[place]) > most:
            break
        chosen.append(place)
        tokens += len(rows[place])
    picked = [rows[place] for place in sorted(chosen)]
    return Validation(picked, [tasks.get(row.id, "") for row in picked], every)


def _mean(losses: Sequence[RowLoss]) -> float:
    """Nats a supervised token."""
    return sum(loss.sum for loss in losses) / max(sum(loss.tokens for loss in losses), 1)
