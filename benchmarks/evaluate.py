"""Measures ranking and generation against lm-evaluation-harness on the same items, with SmolLM2-135M-Instruct, float32.

python -m benchmarks.evaluate PEER [ROUNDS] [SCALE]    PEER is a Python with benchmarks/evaluate_peers.txt and torch;
                                                       SCALE 0.25 takes a quarter of the items (TUNELOOM_REALDATA)

    rank 0   SciQ and Cosmos-QA questions with four choices each, ranked by the log-likelihood after the question
    rank 5   the same after the same five solved questions
    write    chat prompts, answered greedily with at most 64 tokens

Each measurement is a process of its own, in turn with the harness's (batches of 8); the model is loaded before the
clock starts, tokenising is inside it. Log-likelihoods and texts are compared item by item.
"""

import itertools
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 2
SIZES = {"rank 0": 48, "rank 5": 8, "write": 32}
TOKENS = 64
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def main(peer: str, rounds: int = ROUNDS, scale: float = 1.0) -> None:
    """Prints a table for RESULTS.md."""
    from benchmarks.pipeline import processor
    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model

    folder = str(model_folder(resolve_model("smollm2-135m-instruct")))
    root = str(Path(__file__).parents[1])  # PEER does not know this project
    env = {
        **os.environ,
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
        "HF_HUB_OFFLINE": "1",
    }
    pythons = {"ours": sys.executable, "lm-eval": peer}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as place:
        items = Path(place) / "items.json"
        items.write_text(json.dumps(asked(scale)), "utf-8")
        for _, task, who in itertools.product(range(rounds), SIZES, pythons):
            line = [pythons[who], "-m", "benchmarks.evaluate", "--measure", who, task, folder, str(items)]
            done = subprocess.run(line, capture_output=True, text=True, env=env)
            if done.returncode:
                raise SystemExit(f"{who}, {task}: {done.stderr.strip()[-800:]}")
            found.setdefault((task, who), []).append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}; median of {rounds}\n")
    print("| | items | | CPU s | wall s | peak MiB | CPU ratio | wall ratio | memory | equal |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---|")
    for task, who in itertools.product(SIZES, pythons):
        mine, theirs = (middle(found[task, one]) for one in (who, "lm-eval"))
        line = f"| {task} | {mine['items']} | {who} | {mine['cpu']:.1f} | {mine['wall']:.1f} | {mine['mib']:.0f} |"
        if who == "ours":
            ratios = [theirs[name] / mine[name] for name in ("cpu", "wall")]
            same = equality(found[task, "ours"][0]["said"], found[task, "lm-eval"][0]["said"])
            line += f" {ratios[0]:.1f} | {ratios[1]:.1f} | {mine['mib'] / theirs['mib']:.0%} | {same} |"
        print(line)


def middle(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each number."""
    names = ("cpu", "wall", "mib", "items")
    return {name: statistics.median(one[name] for one in measured) for name in names}


def equality(ours: list[Any], theirs: list[Any]) -> str:
    """How far log-likelihoods are apart, or how many texts are the same."""
    if isinstance(ours[0], str):
        return f"{sum(a == b for a, b in zip(ours, theirs, strict=True))} of {len(ours)} texts"
    pairs = [pair for a, b in zip(ours, theirs, strict=True) for pair in zip(a, b, strict=True)]
    return f"within {max(abs(a - b) for a, b in pairs):.1e} nats"


def asked(scale: float) -> dict[str, list[Any]]:
    """Items by task: (context, choices), or a user's message."""

    def rows(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (real() / name).read_text("utf-8").split("\n") if line]

    questions = [one for row in rows("t0/sciq_Multiple_Choice.jsonl") if (one := question(row))]
    more = rows("t0/cosmos_qa_context_description_question_answer_text.jsonl")
    questions = [one for pair in zip(questions, filter(None, map(question, more)), strict=False) for one in pair]
    shown = "".join(f"{context} {answer}\n\n" for context, _, answer in questions[:5])
    number = {task: max(2, round(size * scale)) for task, size in SIZES.items()}
    messages = [row["instruction"] + (f"\n{row['input']}" if row["input"] else "") for row in alpaca()]
    return {
        "rank 0": [(context, choices) for context, choices, _ in questions[5 : 5 + number["rank 0"]]],
        "rank 5": [(shown + context, choices) for context, choices, _ in questions[5 : 5 + number["rank 5"]]],
        "write": [message for message in messages if len(message) < 400][: number["write"]],
    }


def real() -> Path:
    """The folder of real public data."""
    return Path(os.environ["TUNELOOM_REALDATA"])


def alpaca() -> list[dict[str, Any]]:
    """The rows of the first Alpaca file."""
    return json.loads(next(iter(sorted((real() / "alpaca").glob("*.json")))).read_text("utf-8"))


def question(row: dict[str, Any]) -> tuple[str, list[str], str] | None:
    """A T0 row with four listed choices: its text, the choices with a space before, and the right one.

    `Q: ...\\n- a\\n\\n- b ...` -> four choices; None where they are not four.
    """
    choices = [" " + found.strip() for found in re.findall(r"^ ?- (.+)$", row["prompt"], re.MULTILINE)]
    answer = row["completion"].removesuffix("<|endoftext|>").strip()
    return (row["prompt"].rstrip(), choices, answer) if len(set(choices)) == 4 else None


def ours(task: str, folder: str) -> Any:
    """A function of the items: log-likelihoods, or texts."""
    import numpy as np

    from tuneloom.models.asks import replies
    from tuneloom.models.generate import default_stop_ids, generate_greedy, unscored
    from tuneloom.models.load import load_model, load_tokenizer
    from tuneloom.models.spots import Ask
    from tuneloom.models.token_row import TokenRow

    model, tokenizer = load_model(Path(folder)), load_tokenizer(Path(folder))

    def write(messages: list[str]) -> list[str]:
        prompts = [tokenizer.encode(text, add_special_tokens=False) for text in chats(tokenizer, messages)]
        found = generate_greedy(model, tokenizer, prompts, TOKENS, stop_ids=default_stop_ids(model, tokenizer))
        return [tokenizer.decode(ids, skip_special_tokens=True) for ids in found]

    def rank(items: list[Any]) -> list[list[float]]:
        asks = []
        for context, choices in items:
            before = tokenizer.encode(context)
            whole = [tokenizer.encode(context + choice) for choice in choices]
            if any(ids[: len(before)] != before for ids in whole):
                raise ValueError(f"the context's tokens are no prefix: {context[-40:]!r}")
            rows = [np.array(ids[len(before) :], np.int32) for ids in whole]
            answers = tuple(TokenRow("choice", ids, np.ones(len(ids), np.uint8)) for ids in rows)
            asks.append(Ask(unscored("context", before), answers))
        return [reply.sums for reply in replies(model, asks)]

    return write if task == "write" else rank


def lm_eval(task: str, folder: str) -> Any:
    """The same by the harness."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=8)

    def write(messages: list[str]) -> list[str]:
        how = {"until": ["<|im_end|>"], "max_gen_toks": TOKENS, "do_sample": False}
        texts = chats(model.tokenizer, messages)
        asks = [Instance("generate_until", {}, (text, how), n) for n, text in enumerate(texts)]
        return model.generate_until(asks, disable_tqdm=True)

    def rank(items: list[Any]) -> list[list[float]]:
        pairs = [(context, choice) for context, choices in items for choice in choices]
        asks = [Instance("loglikelihood", {}, pair, n) for n, pair in enumerate(pairs)]
        values = iter([value for value, _ in model.loglikelihood(asks, disable_tqdm=True)])
        return [[next(values) for _ in choices] for _, choices in items]

    return write if task == "write" else rank


def chats(tokenizer: Any, messages: list[str]) -> list[str]:
    """Each message after one system message, in the model's template, as text."""
    talks = [[{"role": "system", "content": SYSTEM}, {"role": "user", "content": message}] for message in messages]
    return [tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True) for talk in talks]


def measure(who: str, task: str, folder: str, file: str) -> None:
    """Prints what was said and what it cost, as JSON."""
    items = json.loads(Path(file).read_text("utf-8"))[task]
    work = {"ours": ours, "lm-eval": lm_eval}[who](task, folder)
    wall, cpu = time.perf_counter(), time.process_time()
    said = work(items)
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**cost, "mib": mib, "items": len(items), "said": said}))


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1], *map(int, sys.argv[2:3]), *map(float, sys.argv[3:4]))
