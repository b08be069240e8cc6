"""The training loop: fixed steps of packed rows (step.py), checkpoints between them, SIGTERM, reports.

A step's loss is the sum over its micro-batches divided by the supervised tokens of the whole step, so the micro-batch
budget changes memory and speed but not the result. It runs in bfloat16 autocast only where the machine wins by it.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.attention import attention_of
from tuneloom.models.packed import check_apart
from tuneloom.models.seq2seq import reads_and_writes
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step
from tuneloom.train.checkpoint import (
    Checkpoint,
    Checkpoints,
    preemption,
    random_states,
    set_random_states,
    set_trained_state,
    trained_state,
)
from tuneloom.train.choices import Choices, apply, is_out_of_memory, plain_choices, with_less_memory
from tuneloom.train.group import Alone, whole
from tuneloom.train.memory import memory_bytes, peak_rss_bytes
from tuneloom.train.noise import noisy_embeddings
from tuneloom.train.reports import StepReport, TrainReport, ValidationReport
from tuneloom.train.schedule import learning_rate
from tuneloom.train.step import backward, optimiser, padded_tokens
from tuneloom.train.validation import Selection, Validation, measure
from tuneloom.train.watch import GradientCheck, check_numbers

BEST = "best."
"""How the names of the best look's weights begin in a checkpoint."""


def train(
    model: Any,
    rows: Sequence[TokenRow],
    plan: Sequence[Step],
    settings: Train,
    seed: int,
    dtype: str = "float32",
    on_step: Callable[[StepReport], None] = lambda report: None,
    checkpoints: Checkpoints | None = None,
    resumed: Checkpoint | None = None,
    say: Callable[[str], None] = lambda line: None,
    choices: Choices | None = None,
    validation: Validation | None = None,
    on_validation: Callable[[ValidationReport], None] = lambda report: None,
    group: Alone | None = None,
) -> TrainReport:
    """Trains what `adapters.attach` has freed in `model`, in place, and leaves it in evaluation mode.

    `plan` (batches.plan_steps) says which of the rows make which step; `choices` how they are computed, without them
    plainly in `dtype` ("float32" or "bfloat16" autocast; weights keep theirs). With `checkpoints` it is saved now and
    then, and on SIGTERM before that does what it would have done; from `resumed` it goes on, what was before reported
    again. All processes of a `group` call this alike, and the first saves, at the end too, for the model lies in parts.
    With `validation` it ends with the weights of the best look, early where `settings.patience` says so.
    Raises TrainingError with the rows' ids for a loss or a gradient that is no number or a loss that runs away,
    for rows that no memory suffices for, and for a model that cannot be packed or does not learn.
    """
    began = time.perf_counter()
    choices = (resumed.choices if resumed else choices) or plain_choices(settings, dtype)
    model.eval()
    packed = not reads_and_writes(model)
    if packed:
        check_apart(model, shortest(rows, plan))
    loop = _Loop(model, settings, choices, say, group or Alone())
    model.train()
    attention = attention_of(model, choices.attention) if packed else contextlib.nullcontext()
    noise = noisy_embeddings(model, settings.neftune)
    with torch.random.fork_rng(), attention, noise, preemption() as preempted:
        torch.manual_seed(seed + loop.group.rank)
        if resumed:
            loop.set_state(resumed)
        for report in loop.reports:
            on_step(report)
        for look in loop.selection.reports:
            on_validation(look)
        while not (ended := loop.ended(plan, validation, on_validation)):
            number = len(loop.reports)
            batch = [rows[place] for place in plan[number].rows]
            loop.step(plan[number], batch, learning_rate(number, len(plan), settings), len(plan))
            on_step(loop.reports[-1])
            last = number + 1 == len(plan)  # which is saved only for whoever must end before the model is written
            due = checkpoints is not None and not loop.group.rank and checkpoints.due() and not last
            stop, due = loop.group.agreed(preempted.is_set(), due)
            if checkpoints and (stop or due):
                _save(checkpoints, number + 1, loop, say, needed=stop)
            if stop:
                ended = last and validation is None
                break
    if not ended:  # the former handler of SIGTERM let the process live
        raise TrainingError(
            f"stopped by SIGTERM after step {len(loop.reports)} of {len(plan)}",
            where="train",
            remedy="Run again: training goes on from its checkpoint.",
        )
    model.eval()
    if checkpoints and loop.group.count > 1:
        _save(checkpoints, len(loop.reports), loop, say, needed=True)
    return loop.report(time.perf_counter() - began)


def _save(checkpoints: Checkpoints, step: int, loop: "_Loop", say: Callable[[str], None], needed: bool) -> None:
    """Saves; a disk that is full meanwhile ends no training that could go on."""
    checkpoints.choices = loop.choices
    counters, tensors = loop.state()
    if loop.group.rank:
        return
    try:
        checkpoints.save(step, counters, tensors)
    except OSError as error:
        if needed:
            raise
        checkpoints.put_off()
        say(f"  no checkpoint after step {step}: {error}")


class _Loop:
    """A training under way: the model, its optimiser, what has been reported, and what the validation side chose."""

    def __init__(self, model: Any, settings: Train, choices: Choices, say: Callable[[str], None], group: Alone) -> None:
        apply(model, choices)
        group.spread(model)
        self.group = group
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.device = self.parameters[0].device.type
        self.reports: list[StepReport] = []
        self.selection = Selection(settings.patience, settings.validation_by)
        self.choices = choices
        self.first_micro_batch: float | None = None
        self._model, self._settings, self._say = model, settings, say
        self._optimiser = optimiser(model, settings)
        self._gradients = GradientCheck.of(model)

    def ended(
        self, plan: Sequence[Step], validation: Validation | None, on_validation: Callable[[ValidationReport], None]
    ) -> bool:
        """Whether all is trained, or the validation side says so, at which it looks first where it is time to."""
        done, seen = len(self.reports), self.selection.reports
        if validation and validation.due(done, len(plan)) and not (seen and seen[-1].step == done):
            budget, dtype = self.choices.micro_batch_tokens, self.choices.dtype
            look = self.group.first(self.group.run(measure, validation, done, budget, dtype))
            self.selection.add(look, self._model)
            on_validation(seen[-1])
        return done == len(plan) or self.selection.over

    def step(self, step: Step, batch: Sequence[TokenRow], rate: float, steps: int) -> None:
        """One optimiser step of `steps`, over the rows of `batch`."""
        start, number = time.perf_counter(), len(self.reports)
        loss = self._backward(step, batch)
        self._gradients.look()
        norm = float(whole(torch.nn.utils.clip_grad_norm_(self.parameters, self._settings.max_grad_norm)))
        check_numbers(number, loss, norm, [report.loss for report in self.reports], batch)
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["rate_factor"]
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        padding = padded_tokens(self._model, batch, self.choices.micro_batch_tokens)
        seconds, memory = time.perf_counter() - start, memory_bytes(self.device)
        speed = step.tokens / max(seconds, 1e-9)
        counts = step.tokens, step.supervised, seconds, speed, padding, memory
        self.reports.append(StepReport(number + 1, steps, loss, rate, norm, *counts))

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Counters and tensors for a checkpoint."""
        watch = {"steps": self._gradients.steps, "missing": list(self._gradients.missing)}
        counters = {
            "reports": [asdict(report) for report in self.reports],
            "validations": [asdict(report) for report in self.selection.reports],
            "gradients": watch,
        }
        best = {f"{BEST}{name}": tensor for name, tensor in self.selection.weights.items()}
        return counters, trained_state(self._model, self._optimiser) | best | random_states(self.group, self.device)

    def set_state(self, checkpoint: Checkpoint) -> None:
        """Takes up where the checkpoint was made."""
        self.reports = [StepReport(**report) for report in checkpoint.counters["reports"]]
        self.selection.reports = [ValidationReport(**report) for report in checkpoint.counters["validations"]]
        tensors = checkpoint.tensors.items()
        self.selection.weights = {n.removeprefix(BEST): tensor for n, tensor in tensors if n.startswith(BEST)}
        self._gradients.go_on(**checkpoint.counters["gradients"])
        set_trained_state(self._model, self._optimiser, checkpoint.tensors)
        set_random_states(checkpoint.tensors, self.group, self.device)

    def report(self, seconds: float) -> TrainReport:
        """The whole, after the best weights are put in where the validation side chose among several."""
        looks, best = self.selection.reports, self.selection.best
        if self.group.count == 1:  # of several the model lies in parts; who started them takes the weights
            self.selection.take_best(self._model)
        chosen = best.step if best and len(looks) > 1 else None
        return TrainReport(
            tuple(self.reports), self.device, self.choices.dtype, self.choices.threads, seconds, peak_rss_bytes(),
            tuple(looks), chosen, self.first_micro_batch, self.choices,
        )  # fmt: skip

    def _backward(self, step: Step, batch: Sequence[TokenRow]) -> float:
        """The step's loss, its gradients made; where memory runs out, anew with less at a time, from then on."""
        before = random_states(self.group, self.device)
        while True:
            try:
                return backward(
                    self.group, batch, step, self.choices.micro_batch_tokens, self.choices.dtype, self._note
                )
            except (RuntimeError, MemoryError) as error:
                if self.group.count > 1 or not is_out_of_memory(error):  # the others know nothing of it
                    raise
            self._optimiser.zero_grad(set_to_none=True)  # here the error is gone, and with it what it held
            if self.device == "cuda":
                torch.cuda.empty_cache()
            self.choices = with_less_memory(self.choices, batch)
            set_random_states(before, self.group, self.device)
            apply(
                self._model, Choices(self.choices.dtype, self.choices.threads, checkpointing=self.choices.checkpointing)
            )
            now = ", with gradient checkpointing" if self.choices.checkpointing else ""
            self._say(f"  memory ran out: {self.choices.micro_batch_tokens} tokens at a time from here on{now}")

    def _note(self) -> None:
        self.first_micro_batch = self.first_micro_batch or time.perf_counter()


def shortest(rows: Sequence[TokenRow], plan: Sequence[Step], count: int = 3, most: int = 64) -> list[TokenRow]:
    """The `count` shortest of the rows that train first, cut to `most` tokens: enough to prove them kept apart."""
    first = list(islice(dict.fromkeys(place for step in plan for place in step.rows), 64))
    chosen = sorted((rows[place] for place in first), key=len)[:count]
    return [TokenRow(row.id, row.ids[:most], row.loss_mask[:most]) for row in chosen]
