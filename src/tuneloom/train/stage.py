"""The train stage: shards in, an adapter (or a whole model) and its loss curve out.

It says aloud what part of the data `train.max_tokens` leaves it, and which number format the machine chose.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Train
from tuneloom.errors import NoUsableData
from tuneloom.models.base_chat import new_tokens
from tuneloom.models.load import load_model, load_tokenizer, model_folder
from tuneloom.models.probe import Machine, choose_dtype, probe
from tuneloom.models.resolve import ModelSource
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.render.tokenizer import tokenizer_digest
from tuneloom.train.adapters import attach, count_trainable, save_trained
from tuneloom.train.batches import plan_steps
from tuneloom.train.checkpoint import Checkpoints, Choices, Origin, newest
from tuneloom.train.reports import StepReport, TrainReport
from tuneloom.train.trainer import train


def fine_tune(
    writer: Writer,
    shards: Artifact,
    config: Train,
    model: ModelSource,
    seed: int,
    on_step: Callable[[Mapping[str, Any]], None],
    say: Callable[[str], None],
) -> None:
    """Trains on the packed training rows and writes `adapter/` (or `model/`), `steps.jsonl` and stats.

    `on_step` gets each step's numbers with `tokens_so_far` of `tokens_planned`. Raises NoUsableData where there is
    nothing to train on, TrainingError where the training fails.
    """
    rows, packs = read_rows(shards, "train"), read_packs(shards)
    if not len(rows):
        raise NoUsableData(
            "no training row is left", where="train", remedy="See `tuneloom show quality` and `show mixture` for why."
        )
    rows.check_made_with(tokenizer_digest(model_folder(model)))
    machine = probe()
    resumed = newest(writer.resume, machine.device, say)
    choices = resumed.choices if resumed else Choices(choose_dtype(config.dtype, machine), torch.get_num_threads())
    dtype = choices.dtype
    plan = plan_steps(rows, packs, config.tokens_per_step, config.epochs, config.max_tokens, seed)
    planned = sum(step.tokens for step in plan)
    everything = int(sum(rows.lengths[pack].sum() for pack in packs))
    say(_aloud(config, planned, everything, dtype, machine))
    folder = model_folder(model)
    trainee = attach(load_model(folder, device=machine.device), config, seed, new_tokens(folder))
    lines: list[dict[str, Any]] = []

    def note(step: StepReport) -> None:
        so_far = (lines[-1]["tokens_so_far"] if lines else 0) + step.tokens
        lines.append({**asdict(step), "tokens_so_far": so_far, "tokens_planned": planned})
        on_step(lines[-1])

    checkpoints = Checkpoints(writer.resume, Origin.here(machine.device), choices)
    with _threads(choices.threads):
        report = train(trainee, rows, plan, config, seed, dtype, note, checkpoints, resumed, say)
    kind = "adapter" if config.method == "lora" else "model"
    save_trained(
        trainee, writer.folder / kind, model.path.name if model.kind == "folder" and model.path else model.name
    )
    if new_tokens(folder):
        load_tokenizer(folder).save_pretrained(writer.folder / kind)  # the base's own lacks the new tokens
    _write_files(writer, kind, lines)
    writer.stats.update(_stats(report, count_trainable(trainee).trained, everything, model))


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Computes with `count` threads: sums over another number of them may round otherwise."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _aloud(config: Train, planned: int, everything: int, dtype: str, machine: Machine) -> str:
    """One line: how much of the data is used and why, and how it is computed."""
    part = f"{planned:,} of {everything:,} tokens"
    limit = " (train.max_tokens)" if config.max_tokens and planned < everything * config.epochs else ""
    place = "the CPU" if machine.device == "cpu" else machine.device
    return f"  training on {part}{limit}, {config.method}, computing in {dtype} on {place}: {machine.reason}"


def _write_files(writer: Writer, kind: str, lines: list[dict[str, Any]]) -> None:
    """Registers what PEFT saved, and writes the curve, a JSON object a step."""
    for path in sorted((writer.folder / kind).rglob("*")):
        if path.is_file():
            writer.file(path.relative_to(writer.folder).as_posix())
    text = "".join(json.dumps(line) + "\n" for line in lines)
    writer.file("steps.jsonl").write_text(text, "utf-8")


def _stats(report: TrainReport, trained: int, everything: int, model: ModelSource) -> dict[str, Any]:
    return {
        "model": model.name,
        "model_digest": model.digest,
        "dtype": report.dtype,
        "device": report.device,
        "threads": report.threads,
        "trained_parameters": trained,
        "steps": len(report.steps),
        "tokens": report.tokens,
        "tokens_available": everything,
        "supervised_tokens": report.supervised_tokens,
        "tokens_per_second": round(report.tokens_per_second, 1),
        "peak_rss_bytes": report.peak_rss_bytes,
        "first_loss": report.steps[0].loss,
        "last_loss": report.steps[-1].loss,
        "chosen_on": None,  # the last step's weights: no side and no suite chose among checkpoints
    }
