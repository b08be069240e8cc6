"""The train stage: shards in, an adapter (or a whole model) and its loss curve out.

It says aloud what part of the data `train.max_tokens` leaves it, and which number format the machine chose.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Train
from tuneloom.errors import NoUsableData
from tuneloom.models.base_chat import new_tokens
from tuneloom.models.generate import saved_stop_ids
from tuneloom.models.load import load_tokenizer, model_folder
from tuneloom.models.probe import Machine, probe
from tuneloom.models.resolve import ModelSource
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.render.tokenizer import tokenizer_digest
from tuneloom.train.adapters import count_trainable, save_trained
from tuneloom.train.batches import plan_steps
from tuneloom.train.checkpoint import Checkpoint, newest
from tuneloom.train.choices import Chosen, choose
from tuneloom.train.describe import method_told
from tuneloom.train.job import Job, Tell, train_here
from tuneloom.train.memory import Shape, flops, read_shape
from tuneloom.train.preflight import check_rows, shown
from tuneloom.train.ranks import free_share, rate_of, share_of, train_on_ranks
from tuneloom.train.reports import StepReport, TrainReport, ValidationReport
from tuneloom.train.validation import Validation, plan_validation


@dataclass(frozen=True)
class Listener:
    """Who is told of a training: lines for people, each step's numbers, each look at the validation side, each file
    of a checkpoint; `began` is when the work began (time.perf_counter), before anything was imported."""

    say: Callable[[str], None]
    on_step: Callable[[Mapping[str, Any]], None] = lambda step: None
    on_validation: Callable[[Mapping[str, Any]], None] = lambda look: None
    on_checkpoint: Callable[[Path], None] = lambda path: None
    began: float = field(default_factory=time.perf_counter)


def fine_tune(
    writer: Writer,
    shards: Artifact,
    mixture: Artifact,
    config: Train,
    model: ModelSource,
    seed: int,
    told: Listener,
    continued: Path | None = None,
) -> None:
    """Trains on the packed training rows and writes `adapter/` (or `model/`), `steps.jsonl`, `validation.jsonl` and
    stats. `mixture` says which task a validation row belongs to; `continued` is the folder of an adapter to go on with.

    A step's numbers have `tokens_so_far` of `tokens_planned`, and its `mfu` against the probed rate. Raises
    NoUsableData where there is nothing to train on, TrainingError where the training fails.
    """
    rows, packs = read_rows(shards, "train"), read_packs(shards)
    if not len(rows):
        raise NoUsableData(
            "no training row is left", where="train", remedy="See `tuneloom show quality` and `show mixture` for why."
        )
    folder = model_folder(model)
    rows.check_made_with(tokenizer_digest(folder))
    machine, shape = share_of(probe(), config.processes), read_shape(folder)
    plan = plan_steps(rows, packs, config.tokens_per_step, config.epochs, config.max_tokens, seed)
    amount = Amount(sum(step.tokens for step in plan), int(sum(rows.lengths[pack].sum() for pack in packs)))
    resumed = newest(writer.resume, machine.device, told.say)
    longest = max(len(rows[place]) for step in plan for place in step.rows)
    chosen = choose(config, machine, shape, longest, amount.planned, free_share(machine.device, config.processes))
    choices = resumed.choices if resumed else chosen.choices
    validation = plan_validation(read_rows(shards, "validation"), _tasks(mixture), plan, config, seed)
    for line in (_aloud(config, amount, choices.dtype, machine), *_further(chosen, resumed, validation)):
        told.say(line)
    tokenizer = load_tokenizer(folder)
    for line in check_rows(shards, tokenizer, saved_stop_ids(folder, tokenizer)):
        told.say(line)
    told.say(shown(rows[plan[0].rows[0]], tokenizer))
    rate = rate_of(machine, choices.dtype, config.processes)
    curve = Curve(amount.planned, shape, config.method, rate, told)
    job = Job(shards, plan, config, folder, seed, machine.device, choices, validation, writer.resume, continued)
    tell = Tell(told.say, curve.step, curve.look, told.on_checkpoint)
    trained = train_on_ranks(job, tell) if config.processes > 1 else train_here(job, tell, resumed)
    kind = "model" if config.method == "full" else "adapter"
    name = model.path.name if model.kind == "folder" and model.path else model.name
    save_trained(trained.model, writer.folder / kind, name, trained.begun)
    if new_tokens(folder):
        tokenizer.save_pretrained(writer.folder / kind)  # the base's own lacks the new tokens
    _write_files(writer, kind, curve)
    trainable = count_trainable(trained.model).trained
    writer.stats.update(_stats(trained.report, trainable, amount, model, chosen, config, told.began))


@dataclass(frozen=True)
class Amount:
    """Tokens that are trained on, over all epochs, and that there are."""

    planned: int
    available: int


@dataclass
class Curve:
    """The numbers of steps and looks as they are told and written; `rate` is the probed one, of all ranks, in
    GFLOP/s."""

    planned: int
    shape: Shape | None
    method: str
    rate: float
    told: Listener
    steps: list[dict[str, Any]] = field(default_factory=list)
    looks: list[dict[str, Any]] = field(default_factory=list)

    def step(self, step: StepReport) -> None:
        """Takes a step in."""
        so_far = (self.steps[-1]["tokens_so_far"] if self.steps else 0) + step.tokens
        numbers = {"mfu": self._mfu(step), "tokens_so_far": so_far, "tokens_planned": self.planned}
        self.steps.append({**asdict(step), **numbers})
        self.told.on_step(self.steps[-1])

    def look(self, look: ValidationReport) -> None:
        """Takes a look at the validation side in."""
        self.looks.append(asdict(look))
        self.told.on_validation(self.looks[-1])

    def _mfu(self, step: StepReport) -> float | None:
        """Products that a step needs, by what the probed rate could have made in its time; None for a model whose
        sizes nobody knows."""
        if self.shape is None:
            return None
        needed = flops(self.shape, self.method, step.tokens, step.supervised_tokens)
        return needed / (step.seconds * self.rate * 1e9) if step.seconds else None


def _tasks(mixture: Artifact) -> dict[str, str]:
    """The task of every validation row by id; its source's name where it has none."""
    found: dict[str, str] = {}
    for part in mixture.tables(["id", "side", "task", "origin"]):
        for row in part.filter(pc.equal(part["side"], "validation")).to_pylist():
            found[row["id"]] = row["task"] or row["origin"]["source"]
    return found


def _aloud(config: Train, amount: Amount, dtype: str, machine: Machine) -> str:
    """One line: how much of the data is used and why, and how it is computed."""
    part = f"{amount.planned:,} of {amount.available:,} tokens"
    limit = " (train.max_tokens)" if config.max_tokens and amount.planned < amount.available * config.epochs else ""
    place = "the CPU" if machine.device == "cpu" else machine.device
    return f"  training on {part}{limit}, {config.method}, computing in {dtype} on {place}: {machine.reason}"


def _further(chosen: Chosen, resumed: Checkpoint | None, validation: Validation | None) -> Iterator[str]:
    """What else was chosen, where training begins, and when it looks at the validation side."""
    if not resumed:
        yield f"  {chosen.reasons[1]}"
    if validation:
        yield f"  validation: {len(validation.rows)} rows, {validation.tokens:,} tokens, every {validation.every} steps"


def _write_files(writer: Writer, kind: str, curve: Curve) -> None:
    """Registers what PEFT saved, and writes the curves, a JSON object a step or look."""
    for path in sorted((writer.folder / kind).rglob("*")):
        if path.is_file():
            writer.file(path.relative_to(writer.folder).as_posix())
    for name, lines in (("steps", curve.steps), ("validation", curve.looks)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        writer.file(f"{name}.jsonl").write_text(text, "utf-8")


def _stats(
    report: TrainReport, trained: int, amount: Amount, model: ModelSource, chosen: Chosen, config: Train, began: float
) -> dict[str, Any]:
    first = report.first_micro_batch
    return {
        "method": method_told(config, config.continue_from),
        "model": model.name,
        "model_digest": model.digest,
        "dtype": report.dtype,
        "device": report.device,
        "threads": report.threads,
        "choices": asdict(report.choices) if report.choices else None,
        "trained_parameters": trained,
        "steps": len(report.steps),
        "tokens": report.tokens,
        "tokens_available": amount.available,
        "supervised_tokens": report.supervised_tokens,
        "tokens_per_second": round(report.tokens_per_second, 1),
        "seconds_to_first_micro_batch": round(first - began, 2) if first else None,
        "peak_rss_bytes": report.peak_rss_bytes,
        "memory_estimate_bytes": chosen.need.peak if chosen.need else None,
        "first_loss": report.steps[0].loss,
        "last_loss": report.steps[-1].loss,
        "validation_losses": {str(look.step): look.loss for look in report.validations},
        "chosen_step": report.chosen_step,
        "chosen_on": None if report.chosen_step is None else "validation",
    }
