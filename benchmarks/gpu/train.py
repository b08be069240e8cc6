"""Measures fine-tuning on one GPU against TRL with Liger's kernels and the best attention there; nothing is downloaded.

python -m benchmarks.gpu.train TRL [1b|8b|tiny]    TRL is a Python that has trl, liger-kernel and, where the GPU can,
                                                   flash-attn beside this environment's packages

The models are Llamas of random weights, the rows random tokens with the lengths of Alpaca's. LoRA, bfloat16, packed;
TRL with gradient checkpointing off and on, for it needs it where memory is short. Every step is over the same rows, in
processes that take turns. `tiny` proves on any machine that the script runs.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

ROUNDS, STEPS, STEP_TOKENS, LENGTH = 3, 8, 65_536, 2048
VOCABULARY = 128_256
SIZES = {
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32},
    "8b": {"hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 8},
}
OURS, PEER, CHECKPOINTED = "tuneloom", "TRL", "TRL, checkpointing"


def main(trl: str, size: str = "1b") -> None:
    """Prints a table for RESULTS.md."""
    runs: dict[str, list[dict[str, Any]]] = {OURS: [], PEER: [], CHECKPOINTED: []}
    for _ in range(ROUNDS):
        for who, found in runs.items():
            found.append(alone(who, size, sys.executable if who == OURS else trl))
    print(f"{time.strftime('%Y-%m-%d')}, {runs[OURS][0]['device']}, {size}; best of {ROUNDS}\n")
    print("| | wall s | tokens/s | ratio | peak GiB | first loss | attention |\n|---|---:|---:|---:|---:|---:|---|")
    wall = min(run.get("wall", float("inf")) for run in runs[OURS])
    for who, found in runs.items():
        if "failed" in found[0]:
            print(f"| {who} | {found[0]['failed']} |")
            continue
        best = min(found, key=lambda run: run["wall"])
        cells = [f"{best['wall']:.2f}", f"{best['tokens'] / best['wall']:,.0f}", f"{best['wall'] / wall:.2f}"]
        print(f"| {who} | {' | '.join(cells)} | {best['peak']:.1f} | {best['loss']:.4f} | {best['attention']} |")


def alone(who: str, size: str, python: str) -> dict[str, Any]:
    """What a new process measured, or why it could not: memory may not suffice without checkpointing."""
    line = [python, "-m", "benchmarks.gpu.train", "--measure", who, size]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def token_rows(size: str) -> list[tuple[list[int], list[int]]]:
    """Ids and loss masks of one step: lognormal lengths, median 150 tokens, the last 70 % of each supervised."""
    random = np.random.default_rng(0)
    rows: list[tuple[list[int], list[int]]] = []
    left = 2048 if size == "tiny" else STEP_TOKENS
    while left > 0:
        length = int(min(max(random.lognormal(np.log(150), 0.8), 16), LENGTH, max(left, 16)))
        rows.append((random.integers(3, VOCABULARY, length).tolist(), [int(n >= 0.3 * length) for n in range(length)]))
        left -= length
    return rows


def trainee(size: str, attention: str) -> Any:
    """A Llama of random bfloat16 weights on the GPU if there is one, with a float32 adapter on every linear layer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tuneloom.config import Train
    from tuneloom.models.attention import register_segment_attention
    from tuneloom.train.adapters import attach

    register_segment_attention()
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        tie_word_embeddings=size != "8b",
        attn_implementation=attention,
        **SIZES[size],
    )
    torch.manual_seed(0)
    with torch.device(device()):
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16)
        try:
            model = LlamaForCausalLM(config)
        finally:
            torch.set_default_dtype(before)
    return attach(model, Train(), 0)


def device() -> str:
    """`cuda`, or `cpu` for a trial."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def ours(size: str) -> dict[str, Any]:
    """Our own loop, with what it would choose on a GPU."""
    import torch

    from tuneloom.config import Train
    from tuneloom.models.probe import probe
    from tuneloom.models.token_row import TokenRow
    from tuneloom.train.batches import Step
    from tuneloom.train.choices import ON_A_GPU, Choices, attention_path
    from tuneloom.train.trainer import train

    rows = [
        TokenRow(str(n), np.array(ids, np.int32), np.array(mask, np.uint8))
        for n, (ids, mask) in enumerate(token_rows(size))
    ]
    tokens = sum(map(len, rows))
    plan = [Step(tuple(range(len(rows))), tokens, sum(int(row.loss_mask[1:].sum()) for row in rows))] * STEPS
    liger = device() == "cuda" and importlib.util.find_spec("liger_kernel") is not None
    attention, _ = attention_path(probe(), "bfloat16")
    choices = Choices("bfloat16", torch.get_num_threads(), ON_A_GPU, attention=attention, liger=liger)
    settings = Train(learning_rate=2e-4, schedule="constant", warmup=0.0)
    report = train(trainee(size, "sdpa"), rows, plan, settings, 0, "bfloat16", choices=choices)
    timed = report.steps[1:]  # the first compiles kernels and fills torch's cache
    wall = sum(step.seconds for step in timed)
    return told(wall, tokens * len(timed), report.steps[0].loss, choices.attention)


def peer(size: str, checkpointing: bool) -> dict[str, Any]:
    """SFTTrainer: packed by best fit, Liger's fused loss and kernels, FlashAttention where it is installed."""
    import datasets
    import torch
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    rows = token_rows(size)
    labels = [[i if m else -100 for i, m in zip(ids, mask, strict=True)] for ids, mask in rows]
    data = datasets.Dataset.from_dict({"input_ids": [ids for ids, _ in rows], "labels": labels})
    on_gpu = device() == "cuda"
    attention = "flash_attention_2" if importlib.util.find_spec("flash_attn") else "sdpa"
    batch = 8 if on_gpu else 1
    packs = -(-sum(len(ids) for ids, _ in rows) // LENGTH)
    seconds: list[float] = []

    class Clock(TrainerCallback):
        """The moment of each step's end."""

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if on_gpu:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as place:
        config = SFTConfig(
            output_dir=place, report_to=[], bf16=True, use_cpu=not on_gpu, packing=True, max_length=LENGTH,
            gradient_checkpointing=checkpointing, use_liger_kernel=on_gpu, per_device_train_batch_size=batch,
            gradient_accumulation_steps=-(-packs // batch), learning_rate=2e-4, lr_scheduler_type="constant",
            max_steps=STEPS, logging_steps=1, save_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        from tokenizers import Tokenizer, models

        nothing = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "</s>": 1}, "a")), eos_token="</s>", pad_token="</s>"
        )
        trainer = SFTTrainer(
            model=trainee(size, attention), args=config, train_dataset=data, processing_class=nothing,
            callbacks=[Clock()],
        )  # fmt: skip
        trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    tokens = sum(len(ids) for ids, _ in rows) * (len(seconds) - 1)
    return told(seconds[-1] - seconds[0], tokens, losses[0], attention)


def told(wall: float, tokens: int, loss: float, attention: str) -> dict[str, Any]:
    """A run's numbers; peak memory of torch on the GPU in GiB."""
    import torch

    on_gpu = device() == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else float("nan")
    name = torch.cuda.get_device_name() if on_gpu else "no GPU: a trial"
    return {"wall": wall, "tokens": tokens, "loss": loss, "attention": attention, "peak": peak, "device": name}


if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "--measure":
        who, size = given
        print(json.dumps(ours(size) if who == OURS else peer(size, who == CHECKPOINTED)))
    else:
        main(command, *given)
