"""One training as any process can take it up: alone, or as one rank of several (ranks.py)."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuneloom.artifacts import Artifact
from tuneloom.config import Train
from tuneloom.models.base_chat import new_tokens
from tuneloom.models.four_bit import load_four_bit
from tuneloom.models.load import load_model
from tuneloom.render.shards import read_rows
from tuneloom.train.adapters import attach
from tuneloom.train.batches import Step
from tuneloom.train.checkpoint import Checkpoint, Checkpoints, Origin
from tuneloom.train.choices import Choices
from tuneloom.train.group import Alone
from tuneloom.train.methods import factors
from tuneloom.train.reports import StepReport, TrainReport, ValidationReport
from tuneloom.train.trainer import train
from tuneloom.train.validation import Validation


@dataclass(frozen=True)
class Job:
    """What to train: the training rows of `shards` in the steps of `plan`, on the model in the folder `base`.

    `choices` is what the machine chose; checkpoints lie in `resume`; `continued` is the folder of an adapter to go on
    with.
    """

    shards: Artifact
    plan: Sequence[Step]
    config: Train
    base: Path
    seed: int
    device: str
    choices: Choices
    validation: Validation | None
    resume: Path
    continued: Path | None = None


@dataclass(frozen=True)
class Tell:
    """Who is told of a training: lines for people, steps, looks at the validation side, files of checkpoints."""

    say: Callable[[str], None]
    step: Callable[[StepReport], None]
    look: Callable[[ValidationReport], None]
    saved: Callable[[Path], None]


@dataclass(frozen=True)
class Trained:
    """The trained model, how it went, and how an adapter that takes parts of the base began (`methods.factors`)."""

    model: Any
    report: TrainReport
    begun: dict[str, torch.Tensor] | None = None


def trainee_of(job: Job, device: str) -> Any:
    """The model with what trains in it freed or attached, on `device`."""
    load = load_four_bit if job.config.four_bit else load_model
    return attach(load(job.base, device=device), job.config, job.seed, new_tokens(job.base), job.continued)


def train_here(
    job: Job, tell: Tell, resumed: Checkpoint | None, group: Alone | None = None, device: str | None = None
) -> Trained:
    """Trains in this process, from `resumed` on if there is such; the model is loaded onto `device`, or the job's."""
    trainee = trainee_of(job, device or job.device)
    begun = factors(trainee, job.config)
    checkpoints = Checkpoints(job.resume, Origin.here(job.device), job.choices, on_saved=tell.saved)
    with _threads(job.choices.threads):
        report = train(
            trainee, read_rows(job.shards, "train"), job.plan, job.config, job.seed, job.choices.dtype, tell.step,
            checkpoints, resumed, tell.say, job.choices, job.validation, tell.look, group,
        )  # fmt: skip
    return Trained(trainee, report, begun)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Computes with `count` threads: sums over another number of them may round otherwise."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)
