"""Measures fine-tuning against TRL on the same rows: wall time, CPU, peak memory, and that the losses are the same.

python -m benchmarks.train TRL [float32|bfloat16]    TRL is a Python that has trl beside this environment's packages

Every optimiser step is over all of the same real rows (TUNELOOM_REALDATA), so that its loss depends on no packing, and
all begin with the same LoRA weights. TRL runs packed with gradient checkpointing off, which is its best on a CPU, and
padded in batches of four. Each run is a process of its own, in turn with the others; loading, tokenising and packing
are done before the clock starts. Ours proves its rows apart inside it.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from os import environ
from pathlib import Path
from typing import Any

from benchmarks.pipeline import processor

ROUNDS = 2
STEPS = 3
ROWS = 12
TOKENS = (1900, 2030)  # of a step: two of TRL's packs of 1,024, nearly full
LENGTH = 1024
MODEL = "smollm2-135m-instruct"
OURS, PACKED, PADDED = "tuneloom", "TRL packed", "TRL padded"


def main(trl: str, dtype: str = "float32") -> None:
    """Prints a table for RESULTS.md."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "rows.json").write_text(json.dumps(real_rows()))
        runs: dict[str, list[dict[str, Any]]] = {OURS: [], PACKED: [], PADDED: []}
        for _ in range(ROUNDS):
            for who, found in runs.items():
                found.append(alone(who, place, dtype, sys.executable if who == OURS else trl))
    names = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft"))
    first = runs[OURS][0]
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}; {names}, trl {runs[PACKED][0]['trl']}; {dtype}; ", end="")
    print(
        f"{STEPS} steps of {ROWS} rows, {first['tokens']:,} tokens, {first['supervised']:,} of them supervised; ",
        end="",
    )
    print(f"best of {ROUNDS}\n")
    print(
        "| | wall s | tokens/s | ratio | CPU s | ratio | peak MiB | ours of it | losses |\n"
        + "|---|"
        + "---:|" * 7
        + "---|"
    )
    for who, found in runs.items():
        wall, cpu, peak = (min(run[name] for run in found) for name in ("wall", "cpu", "peak"))
        ours = {name: min(run[name] for run in runs[OURS]) for name in ("wall", "cpu", "peak")}
        apart = max(abs(a - b) for a, b in zip(found[0]["losses"], first["losses"], strict=True))
        cells = [f"{wall:.1f}", f"{first['tokens'] / wall:.0f}", f"{wall / ours['wall']:.2f}", f"{cpu:.1f}"]
        cells += [f"{cpu / ours['cpu']:.2f}", f"{peak:,.0f}", f"{ours['peak'] / peak:.0%}"]
        print(f"| {who} | {' | '.join(cells)} | {'the same' if apart < 1e-3 else f'DIFFER by {apart:.2g}'} |")
    rate = statistics.median(run["gflops"] for run in runs[OURS])
    print(
        f"\nlosses {', '.join(f'{loss:.4f}' for loss in first['losses'])}; the least work that LoRA needs (four ",
        end="",
    )
    print(f"operations a weight and token) at {first['floor'] / ours['wall']:.0f} GFLOP/s, ", end="")
    print(f"{first['floor'] / ours['wall'] / rate:.0%} of the {rate:.0f} that a matrix product reaches")


def alone(who: str, place: str, dtype: str, python: str) -> dict[str, Any]:
    """What a new process measured."""
    line = [python, "-m", "benchmarks.train", "--measure", who, place, dtype]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def real_rows() -> list[dict[str, Any]]:
    """The first twelve Alpaca rows in a row that fill two packs: ids and loss mask, in the model's own template."""
    from transformers import AutoTokenizer

    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model

    tokenizer = AutoTokenizer.from_pretrained(str(model_folder(resolve_model(MODEL))))
    file = Path(environ["TUNELOOM_REALDATA"]) / "alpaca" / "alpaca_en_demo.json"
    rows: list[dict[str, Any]] = []
    for told in json.loads(file.read_text("utf-8")):
        question = {"role": "user", "content": "\n".join(filter(None, (told["instruction"], told["input"])))}
        prompt = tokenizer.apply_chat_template([question], tokenize=False, add_generation_prompt=True)
        given, answer = (
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, f"{told['output']}<|im_end|>")
        )
        rows.append({"ids": given + answer, "mask": [0] * len(given) + [1] * len(answer)})
        last = rows[-ROWS:]
        if len(last) == ROWS and TOKENS[0] <= sum(len(row["ids"]) for row in last) <= TOKENS[1]:
            return last
    raise SystemExit(f"no {ROWS} rows of {TOKENS[0]} to {TOKENS[1]} tokens in {file}")


def ours(rows: list[dict[str, Any]], dtype: str, place: Path) -> dict[str, Any]:
    """Our own loop, over the same rows in each step."""
    import numpy as np

    from tuneloom.models.probe import probe
    from tuneloom.models.token_row import TokenRow
    from tuneloom.train.batches import Step
    from tuneloom.train.trainer import train

    held = [
        TokenRow(str(n), np.array(row["ids"], np.int32), np.array(row["mask"], np.uint8)) for n, row in enumerate(rows)
    ]
    tokens, supervised = sum(map(len, held)), sum(row.supervised for row in held)
    plan = [Step(tuple(range(len(held))), tokens, supervised)] * STEPS
    model = trainee()
    report, used = timed(lambda: train(model, held, plan, settings(), 0, dtype))
    weights = sum(p.numel() for name, p in model.named_parameters() if not p.requires_grad and p.dim() > 1)
    head = model.get_output_embeddings().weight.numel()  # tied to the embeddings, which cost nothing
    counts = {"tokens": STEPS * tokens, "supervised": STEPS * supervised}
    floor = 4e-9 * STEPS * ((weights - head) * tokens + head * supervised)
    rate = getattr(probe(), f"gflops_{dtype}")
    return {**used, **counts, "floor": floor, "gflops": rate, "losses": [step.loss for step in report.steps]}


def trl(rows: list[dict[str, Any]], dtype: str, place: Path, packed: bool) -> dict[str, Any]:
    """SFTTrainer, every step over all rows: as many packs, or batches of four, as that takes."""
    import datasets
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model

    labels = [[i if m else -100 for i, m in zip(row["ids"], row["mask"], strict=True)] for row in rows]
    data = datasets.Dataset.from_dict({"input_ids": [row["ids"] for row in rows], "labels": labels})
    ours = settings()
    options = {
        "output_dir": str(place),
        "report_to": [],
        "use_cpu": True,
        "bf16": dtype == "bfloat16",
        "packing": packed,
        "max_length": LENGTH,
        "gradient_checkpointing": False,
        "per_device_train_batch_size": 1 if packed else 4,
        "learning_rate": ours.learning_rate,
        "lr_scheduler_type": "constant",
        "max_grad_norm": ours.max_grad_norm,
        "max_steps": STEPS,
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    tokenizer = AutoTokenizer.from_pretrained(str(model_folder(resolve_model(MODEL))))

    def trainer(accumulate: int) -> Any:
        config = SFTConfig(gradient_accumulation_steps=accumulate, **options)
        return SFTTrainer(model=trainee(), args=config, train_dataset=data, processing_class=tokenizer)

    batches = 2 if packed else len(rows) // 4
    made = trainer(batches)
    if packed and len(made.train_dataset) != batches:
        raise SystemExit(f"TRL made {len(made.train_dataset)} packs, not {batches}")
    _, used = timed(made.train)
    return {
        **used,
        "trl": version("trl"),
        "losses": [line["loss"] for line in made.state.log_history if "loss" in line],
    }


def settings() -> Any:
    """LoRA of rank 8 on every linear layer, no dropout, AdamW at a constant rate."""
    from tuneloom.config import Train

    return Train(learning_rate=5e-4, schedule="constant", warmup=0.0)


def trainee() -> Any:
    """The model with its adapter, from the same first weights for all; plain transformers and PEFT."""
    from tuneloom.models.load import load_model, model_folder
    from tuneloom.models.resolve import resolve_model
    from tuneloom.train.adapters import attach

    return attach(load_model(model_folder(resolve_model(MODEL)), attention="sdpa"), settings(), 0)


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `work` gives; its wall time and CPU in seconds, and the process's peak memory in MiB."""
    before, start = time.process_time(), time.perf_counter()
    made = work()
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return made, {"wall": wall, "cpu": cpu, "peak": peak}


def measure(who: str, place: Path, dtype: str) -> dict[str, Any]:
    """One run in this process."""
    rows = json.loads((place / "rows.json").read_text())
    return ours(rows, dtype, place) if who == OURS else trl(rows, dtype, place, packed=who == PACKED)


if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "--measure":
        print(json.dumps(measure(given[0], Path(given[1]), given[2])))
    else:
        main(command, *given)
