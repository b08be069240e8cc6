"""The training loop: fixed steps of packed rows, one loss over all supervised tokens of a step, AdamW.

A step's loss is the sum over its micro-batches divided by the supervised tokens of the whole step, so the micro-batch
budget changes memory and speed but not the result. It runs in bfloat16 autocast only where the machine wins by it.
"""

import contextlib
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.attention import SEGMENT, attention_of
from tuneloom.models.loss import packed_loss
from tuneloom.models.packed import check_apart, micro_batches
from tuneloom.models.seq2seq import reads_and_writes, summed_loss
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

WINDOW = 5  # steps over whose mean a loss that runs away is judged
RUNAWAY = 4.0  # nats; below that a single step's first loss may just have been low


@dataclass(frozen=True)
class StepReport:
    """One optimiser step: `loss` in nats a supervised token, before the step; `grad_norm` before clipping."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    supervised_tokens: int
    seconds: float
    tokens_per_second: float


@dataclass(frozen=True)
class TrainReport:
    """A whole training: `steps` in order, what it computed in, the process's peak memory."""

    steps: tuple[StepReport, ...]
    device: str
    dtype: str
    threads: int
    seconds: float
    peak_rss_bytes: int

    @property
    def tokens(self) -> int:
        """All tokens trained on, prompts included."""
        return sum(step.tokens for step in self.steps)

    @property
    def supervised_tokens(self) -> int:
        """Tokens that counted in the loss."""
        return sum(step.supervised_tokens for step in self.steps)

    @property
    def tokens_per_second(self) -> float:
        """All tokens by the wall time of the steps."""
        return self.tokens / max(sum(step.seconds for step in self.steps), 1e-9)


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
        self._optimiser = _optimiser(self.parameters, settings)
        self._gradients = GradientCheck.of(model)

    def step(self, step: Step, batch: Sequence[TokenRow], rate: float, steps: int) -> None:
        """One optimiser step of `steps`, over the rows of `batch`."""
        start, number = time.perf_counter(), len(self.reports)
        loss = _backward(self._model, batch, step, self._settings.micro_batch_tokens, self._dtype)
        self._gradients.look()
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self._settings.max_grad_norm))
        _check_numbers(number, loss, norm, [report.loss for report in self.reports], batch)
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


def learning_rate(step: int, steps: int, settings: Train) -> float:
    """Rate of step 0, 1, ..., steps - 1: a linear rise over the warm-up, never 0 at first, then the schedule.

    learning_rate 1e-3, warmup 0.2, cosine, 10 steps -> 5e-4, 1e-3, 9.7e-4, ..., 3.0e-5.
    """
    rising = math.ceil(settings.warmup * steps)
    if step < rising:
        return settings.learning_rate * (step + 1) / rising
    at_peak = min(rising, 1)  # the last warm-up step has the full rate already
    done = (step - rising + at_peak) / (steps - rising + at_peak)
    factor = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[settings.schedule]
    return settings.learning_rate * factor


def shortest(rows: Sequence[TokenRow], plan: Sequence[Step], count: int = 3, most: int = 64) -> list[TokenRow]:
    """The `count` shortest of the rows that train first, cut to `most` tokens: enough to prove them kept apart."""
    first = list(islice(dict.fromkeys(place for step in plan for place in step.rows), 64))
    chosen = sorted((rows[place] for place in first), key=len)[:count]
    return [TokenRow(row.id, row.ids[:most], row.loss_mask[:most]) for row in chosen]


def peak_rss_bytes() -> int:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _optimiser(parameters: Sequence[torch.nn.Parameter], settings: Train) -> torch.optim.AdamW:
    """AdamW; norms and biases (one dimension) do not decay."""
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.learning_rate, fused=fused)


def _backward(model: Any, batch: Sequence[TokenRow], step: Step, budget: int, dtype: str) -> float:
    """Adds the gradients of the step's mean loss, micro-batch by micro-batch; returns that loss."""
    total = 0.0
    device = next(model.parameters()).device.type
    for part in micro_batches(batch, budget):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            if reads_and_writes(model):
                loss, _ = summed_loss(model, part)
            else:
                loss, _ = packed_loss(model, part, getattr(torch, dtype))
        value = loss.item()
        if not math.isfinite(value):
            raise _stopped(f"the loss is {value}", part)
        (loss / step.supervised).backward()
        total += value
    return total / step.supervised


def _check_numbers(step: int, loss: float, norm: float, before: Sequence[float], batch: Sequence[TokenRow]) -> None:
    if not math.isfinite(norm):
        raise _stopped(f"the gradient's norm is {norm} in step {step + 1}", batch)
    recent = [*before, loss][-WINDOW:]
    mean = sum(recent) / WINDOW
    if len(recent) == WINDOW and mean > max(2 * before[0] + 1, RUNAWAY):
        raise _stopped(f"the loss ran away: {before[0]:.2f} at first, {mean:.2f} by step {step + 1}", batch)


def _stopped(what: str, rows: Sequence[TokenRow]) -> TrainingError:
    listed = ", ".join(row.id for row in rows[:20]) + (f" and {len(rows) - 20} more" if len(rows) > 20 else "")
    return TrainingError(
        what,
        where=f"rows {listed}",
        remedy="Lower train.learning_rate, look at these rows (tuneloom trace), or set train.dtype: float32.",
    )


def _report(number: int, steps: int, loss: float, rate: float, norm: float, step: Step, seconds: float) -> StepReport:
    speed = step.tokens / max(seconds, 1e-9)
    return StepReport(number + 1, steps, loss, rate, norm, step.tokens, step.supervised, seconds, speed)
