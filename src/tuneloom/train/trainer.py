"""The training loop: fixed steps of packed rows (step.py), checkpoints between them, SIGTERM, reports.

A step's loss is the sum over its micro-batches divided by the supervised tokens of the whole step, so the micro-batch
budget changes memory and speed but not the result. It runs in bfloat16 autocast only where the machine wins by it.
"""

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.attention import SEGMENT, attention_of
from tuneloom.models.packed import check_apart
from tuneloom.models.seq2seq import reads_and_writes
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import GradientCheck
from tuneloom.train.batches import Step
from tuneloom.train.checkpoint import (
    Checkpoint,
    Checkpoints,
    preemption,
    random_state,
    set_random_state,
    set_trained_state,
    trained_state,
)
from tuneloom.train.reports import StepReport, TrainReport
from tuneloom.train.schedule import learning_rate
from tuneloom.train.step import backward, check_numbers, optimiser


def train(
    model: Any,
    rows: Sequence[TokenRow],
    plan: Sequence[Step],
    settings: Train,
    seed: int,
    dtype: str = "float32",
    on_step: Callable[[StepReport], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resumed: Checkpoint | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> TrainReport:
    """Trains what `adapters.attach` has freed in `model`, in place, and leaves it in evaluation mode.

    `plan` (batches.plan_steps) says which of the rows make which step; `dtype` is the number format of the
    computation ("float32" or "bfloat16" autocast; weights keep theirs). With `checkpoints` it is saved now and then,
    and on SIGTERM before that does what it would have done; from `resumed` it goes on, the steps before reported again.
    Raises TrainingError with the rows' ids for a loss or a gradient that is no number or a loss that runs away,
    and for a model that cannot be packed or does not learn.
    """
    began = time.perf_counter()
    model.eval()
    packed = not reads_and_writes(model)
    if packed:
        check_apart(model, shortest(rows, plan))
    loop, tell = _Loop(model, settings, dtype), on_step or (lambda step: None)
    model.train()
    attention = attention_of(model, SEGMENT) if packed else contextlib.nullcontext()
    with torch.random.fork_rng(), attention, preemption() as preempted:
        torch.manual_seed(seed)
        if resumed:
            loop.set_state(resumed)
        for report in loop.reports:
            tell(report)
        for number in range(len(loop.reports), len(plan)):
            step = plan[number]
            loop.step(step, [rows[place] for place in step.rows], learning_rate(number, len(plan), settings), len(plan))
            tell(loop.reports[-1])
            last = number + 1 == len(plan)  # which is saved only for whoever must end before the model is written
            if checkpoints and (preempted.is_set() or (checkpoints.due() and not last)):
                _save(checkpoints, number + 1, loop, say, needed=preempted.is_set())
            if preempted.is_set():
                break
    if len(loop.reports) < len(plan):  # the former handler of SIGTERM let the process live
        raise TrainingError(
            f"stopped by SIGTERM after step {len(loop.reports)} of {len(plan)}",
            where="train",
            remedy="Run again: training goes on from its checkpoint.",
        )
    model.eval()
    seconds = time.perf_counter() - began
    return TrainReport(tuple(loop.reports), loop.device, dtype, torch.get_num_threads(), seconds, peak_rss_bytes())


def _save(checkpoints: Checkpoints, step: int, loop: "_Loop", say: Callable[[str], None], needed: bool) -> None:
    """Saves; a disk that is full meanwhile ends no training that could go on."""
    try:
        checkpoints.save(step, *loop.state())
    except OSError as error:
        if needed:
            raise
        checkpoints.put_off()
        say(f"  no checkpoint after step {step}: {error}")


class _Loop:
    """A training under way: the model, its optimiser, and what has been reported."""

    def __init__(self, model: Any, settings: Train, dtype: str) -> None:
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.device = self.parameters[0].device.type
        self.reports: list[StepReport] = []
        self._model, self._settings, self._dtype = model, settings, dtype
        self._optimiser = optimiser(self.parameters, settings)
        self._gradients = GradientCheck.of(model)

    def step(self, step: Step, batch: Sequence[TokenRow], rate: float, steps: int) -> None:
        """One optimiser step of `steps`, over the rows of `batch`."""
        start, number = time.perf_counter(), len(self.reports)
        loss = backward(self._model, batch, step, self._settings.micro_batch_tokens, self._dtype)
        self._gradients.look()
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self._settings.max_grad_norm))
        check_numbers(number, loss, norm, [report.loss for report in self.reports], batch)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.reports.append(_report(number, steps, loss, rate, norm, step, time.perf_counter() - start))

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Counters and tensors for a checkpoint."""
        watch = {"steps": self._gradients.steps, "missing": list(self._gradients.missing)}
        counters = {"reports": [asdict(report) for report in self.reports], "gradients": watch}
        return counters, trained_state(self._model, self._optimiser) | random_state(self.device)

    def set_state(self, checkpoint: Checkpoint) -> None:
        """Takes up where the checkpoint was made."""
        self.reports = [StepReport(**report) for report in checkpoint.counters["reports"]]
        self._gradients.go_on(**checkpoint.counters["gradients"])
        set_trained_state(self._model, self._optimiser, checkpoint.tensors)
        set_random_state(checkpoint.tensors, self.device)


def shortest(rows: Sequence[TokenRow], plan: Sequence[Step], count: int = 3, most: int = 64) -> list[TokenRow]:
    """The `count` shortest of the rows that train first, cut to `most` tokens: enough to prove them kept apart."""
    first = list(islice(dict.fromkeys(place for step in plan for place in step.rows), 64))
    chosen = sorted((rows[place] for place in first), key=len)[:count]
    return [TokenRow(row.id, row.ids[:most], row.loss_mask[:most]) for row in chosen]


def peak_rss_bytes() -> int:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _report(number: int, steps: int, loss: float, rate: float, norm: float, step: Step, seconds: float) -> StepReport:
    speed = step.tokens / max(seconds, 1e-9)
    return StepReport(number + 1, steps, loss, rate, norm, step.tokens, step.supervised, seconds, speed)
