"""Measures the render stage against `datasets.map` and TRL's preparation of the same rows, and its memory.

python -m benchmarks.render speed [TRL]    seconds for 52,000 real rows (TUNELOOM_REALDATA), shards written; TRL is a
                                           Python that has trl beside this environment's packages
python -m benchmarks.render memory         peak memory with 52,000 and with 520,000 rows
python -m benchmarks.render packing [TRL]  fill and seconds at 2,048 tokens, 52,000 and 1,000,000 rows, and T0 alone

Each measurement is a process of its own, in turn with its peers'; imports are done and the peers' tokenizers open
before the clock starts. Ours opens its tokenizers, proves every mask, writes shards and packs inside it. The peers
render, tokenise and mask; TRL packs, too. Tokens are compared row by row.
"""

import hashlib
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.pipeline import processor

ROUNDS = 3
ROWS = 52_000
LENGTH = 2048
SOURCES = ("alpaca", "code", "gpteacher", "gsm8k", "messages", "natural_instructions", "sharegpt", "t0", "zh")
TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, "
    "trained by Hugging Face<|im_end|>\n' }}{% endif %}{% for message in messages %}{{ '<|im_start|>' + "
    "message['role'] + '\n' }}{% if message['role'] == 'assistant' %}{% generation %}"
    "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}{% else %}"
    "{{ message['content'] + '<|im_end|>' + '\n' }}{% endif %}{% endfor %}"
)
"""SmolLM2's own template with the tags by which transformers finds assistant tokens."""


def speed(trl: str = "") -> None:
    """Prints a table for RESULTS.md."""
    with tempfile.TemporaryDirectory() as place:
        prepare(Path(place))
        who = ["ours", "map 1", "map 2", *(["trl"] if trl else [])]
        found: dict[str, list[dict[str, Any]]] = {one: [] for one in who}
        for _, one in itertools.product(range(ROUNDS), who):
            found[one].append(alone(one, place, trl if one == "trl" else sys.executable))
    names = ("tokenizers", "fastokens", "transformers", "datasets", "pyarrow")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}; {versions}; median of {ROUNDS}, {ROWS:,} rows\n")
    print("| | seconds | of it opening | of it tokenising | CPU | rows/s | tokens/s | ratio | tokens |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    ours = middle(found["ours"], "seconds")
    for one, runs in found.items():
        seconds, same = middle(runs, "seconds"), runs[0]["digest"] == found["ours"][0]["digest"]
        cells = [f"{seconds:.2f}", *(f"{middle(runs, name):.2f}" for name in ("opening", "tokenising", "cpu"))]
        rates = [f"{ROWS / seconds:,.0f}", f"{runs[0]['tokens'] / seconds:,.0f}", f"{seconds / ours:.1f}"]
        print(f"| {one} | {' | '.join(cells + rates)} | {'identical' if same else 'DIFFER'} |")


def memory() -> None:
    """Prints peak memory for 52,000 rows and ten times as many."""
    for times in (1, 10):
        with tempfile.TemporaryDirectory() as place:
            prepare(Path(place), times)
            run = alone("ours", place, sys.executable)
            print(
                f"{ROWS * times:,} rows: {run['seconds']:.1f} s, peak {run['peak']:.0f} MiB, before {run['before']:.0f}"
            )


def packing(trl: str = "") -> None:
    """Prints fill and seconds of both packers on lengths drawn from the real rows'."""
    for name, sources in (("all", SOURCES), ("t0", ("t0",))):
        with tempfile.TemporaryDirectory() as place:
            prepare(Path(place), sources=sources)
            alone("ours", place, sys.executable)
            for one in ("pack ours", *(["pack trl"] if trl else [])):
                print(name, one, alone(one, place, trl if one == "pack trl" else sys.executable))


def middle(runs: list[dict[str, Any]], name: str) -> float:
    """The median of a measured value; nan where it was not measured."""
    return statistics.median(run.get(name, float("nan")) for run in runs)


def alone(who: str, place: str, python: str) -> dict[str, Any]:
    """What a new process measured."""
    line = [python, "-m", "benchmarks.render", "--measure", who, place]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def prepare(place: Path, times: int = 1, sources: Sequence[str] = SOURCES) -> None:
    """Writes the mixture artifact and, for the peers, its rows as messages; what the peers cannot say is left out."""
    from tuneloom.artifacts import Spec, Store

    table = real_rows(place, sources)
    copies = [table, *(renamed(table, n) for n in range(1, times))]
    whole = pa.concat_tables(copies).sort_by([("id", "ascending")])

    def build(writer: Any) -> None:
        writer.count(rows_in=len(whole))
        writer.add(whole)

    made = Store(place / "store").ensure(Spec("mixture", "benchmark"), build)
    (place / "mixture.txt").write_text(made.reference.key)
    said = [
        [{"role": m["role"], "content": m["content"]} for m in messages] for messages in whole["messages"].to_pylist()
    ]
    pq.write_table(pa.table({"id": whole["id"], "messages": said}), place / "peers.parquet")


def real_rows(place: Path, sources: Sequence[str]) -> pa.Table:
    """The first ROWS real rows by id, as the mixture stage leaves them, all of them for training."""
    from tuneloom.artifacts import Spec, Store
    from tuneloom.config import Source
    from tuneloom.ingest.block import Terms
    from tuneloom.ingest.discover import SourceFile
    from tuneloom.ingest.files import Job, ingest_files

    root = Path(os.environ["TUNELOOM_REALDATA"])
    files = sorted(path for name in sources for path in (root / name).rglob("*.json*") if path.stat().st_size)
    jobs = [
        Job(
            Spec("ingest", "b", inputs={"file": str(file)}),
            SourceFile(root.name, file.name, file),
            Source(name="b", path="."),
        )
        for file in files
    ]
    tables = [table for made in ingest_files(Store(place / "ingest"), jobs, Terms()) for table in made.tables()]
    whole = pa.concat_tables(tables).sort_by([("id", "ascending")])
    seen: set[str] = set()
    kept = []
    for i, row in enumerate(whole.select(["id", "tools", "messages"]).to_pylist()):
        talk = row["messages"]
        if row["id"] not in seen and not row["tools"] and all(map(plain, talk)) and not unfit(talk):
            seen.add(row["id"])
            kept.append(i)
    table = whole.take(kept[:ROWS])
    sides = pa.array(["train"] * len(table))
    return table.append_column("side", sides).append_column("repeat", pa.array([1] * len(table), pa.int32()))


def plain(message: dict[str, Any]) -> bool:
    """Whether the peers can say it: words alone, all answers learnt, nothing that they read as a special token."""
    more = (message["tool_calls"], message["tool_call_id"], message["name"], message["reasoning"])
    imitates = any(
        text in message["content"] for text in ("<|", "<repo", "<file", "<issue", "<gh_", "<jupyter", "<empty")
    )
    return not any(more) and message["weight"] != 0 and message["content"].strip() != "" and not imitates


def unfit(messages: list[dict[str, Any]]) -> bool:
    """Surely beyond the longest row, or without an answer: not every tool rejects the same rows there."""
    return sum(len(m["content"]) for m in messages) > 6000 or messages[-1]["role"] != "assistant"


def renamed(table: pa.Table, number: int) -> pa.Table:
    """A copy under other ids."""
    ids = [hashlib.blake2b(f"{number} {name}".encode(), digest_size=16).hexdigest() for name in table["id"].to_pylist()]
    return table.set_column(table.column_names.index("id"), "id", pa.array(ids))


def ours(place: Path) -> dict[str, Any]:
    """The whole stage, from the mixture's parts to the committed artifact."""
    import pandas
    import transformers
    import transformers.core_model_loading

    from tuneloom.artifacts import Reference, Spec, Store
    from tuneloom.config import Render
    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model
    from tuneloom.render import engine, stage, tokenizer
    from tuneloom.render.shards import read_rows

    pandas, transformers.AutoTokenizer, transformers.core_model_loading  # noqa: B018  imported on first use
    clock = {"opening": 0.0, "tokenising": 0.0}
    stage.load_row_tokenizer = timed(tokenizer.load_row_tokenizer, clock, "opening")  # type: ignore[assignment]
    engine.Engine.__init__ = timed(engine.Engine.__init__, clock, "opening")  # type: ignore[method-assign]
    engine.Engine.encode = timed(engine.Engine.encode, clock, "tokenising")  # type: ignore[method-assign]
    store, folder = Store(place / "store"), model_folder(resolve_model("smollm2-135m-instruct"))
    rows = store.find(Reference("mixture", (place / "mixture.txt").read_text()))
    spec = Spec("render", str(time.time_ns()), 0, parents=(rows.reference,))
    before, cpu, start = peak(), processor_time(), time.perf_counter()
    made = store.ensure(spec, lambda writer: stage.render(writer, rows, Render(max_length=LENGTH), folder, 0))
    seconds, cpu = time.perf_counter() - start, processor_time() - cpu
    found = {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak(),
        "before": before,
        "fill": made.stats["packs"]["fill"],
        **clock,
    }
    (place / "shards.txt").write_text(made.reference.key)
    return {**found, **said((row.id, row.ids.tolist(), row.loss_mask.tolist()) for row in read_rows(made, "train"))}


def timed(function: Callable[..., Any], clock: dict[str, float], name: str) -> Callable[..., Any]:
    """The function, its seconds added up in `clock`."""

    def measured(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            clock[name] += time.perf_counter() - start

    return measured


def mapped(place: Path, processes: int) -> dict[str, Any]:
    """What a careful user of transformers writes: template, tokens and assistant mask in a batched map."""
    from datasets import load_dataset

    tokenizer = peers_tokenizer()

    def tokens(batch: dict[str, list[Any]]) -> dict[str, Any]:
        made = tokenizer.apply_chat_template(
            batch["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        return {"input_ids": made["input_ids"], "mask": made["assistant_masks"]}

    rows = load_dataset("parquet", data_files=str(place / "peers.parquet"), split="train", cache_dir=str(place / "hf"))
    cpu, start = processor_time(), time.perf_counter()
    rows = rows.map(
        tokens,
        batched=True,
        num_proc=processes if processes > 1 else None,
        remove_columns=["messages"],
        new_fingerprint=str(time.time_ns()),
    )
    seconds, cpu = time.perf_counter() - start, processor_time() - cpu
    return {"seconds": seconds, "cpu": cpu, **said(zip(rows["id"], rows["input_ids"], rows["mask"], strict=True))}


def trl(place: Path) -> dict[str, Any]:
    """TRL's own preparation with packing, two processes."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    tokenizer = peers_tokenizer()
    rows = datasets.load_dataset(
        "parquet", data_files=str(place / "peers.parquet"), split="train", cache_dir=str(place / "hf")
    ).remove_columns("id")
    options = {"packing": True, "max_length": LENGTH, "dataset_num_proc": 2, "assistant_only_loss": True}
    config = SFTConfig(output_dir=str(place), report_to=[], use_cpu=True, bf16=False, **options)
    trainer = SimpleNamespace(_tokenizer=tokenizer, chat_template=TEMPLATE, completion_only_loss=False)
    cpu, start = processor_time(), time.perf_counter()
    packed = SFTTrainer._prepare_dataset(trainer, rows, tokenizer, config, True, None, "train")
    seconds, cpu = time.perf_counter() - start, processor_time() - cpu
    total = sum(map(len, packed["input_ids"]))
    return {"seconds": seconds, "cpu": cpu, "tokens": total, "digest": None, "fill": total / LENGTH / len(packed)}


def peers_tokenizer() -> Any:
    """The same tokenizer, with the tags that find assistant tokens."""
    from transformers import AutoTokenizer

    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model

    tokenizer = AutoTokenizer.from_pretrained(str(model_folder(resolve_model("smollm2-135m-instruct"))))
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def said(rows: Iterator[tuple[str, list[int], list[int]]]) -> dict[str, Any]:
    """How many tokens, and a digest of all ids and masks."""
    total, digest = 0, hashlib.blake2b(digest_size=8)
    for name, ids, mask in rows:
        total += len(ids)
        digest.update(json.dumps([name, ids, mask]).encode())
    return {"tokens": total, "digest": digest.hexdigest()}


def packers(place: Path, who: str) -> dict[str, Any]:
    """Fill and seconds of a packer on the real lengths and on a million drawn from them."""
    import numpy as np

    from tuneloom.artifacts import Reference, Store
    from tuneloom.render.pack import fill, pack
    from tuneloom.render.shards import read_rows

    shards = Store(place / "store").find(Reference("render", (place / "shards.txt").read_text()))
    real = read_rows(shards, "train").lengths
    found: dict[str, Any] = {}
    for lengths in (real, np.random.default_rng(0).choice(real, 1_000_000)):
        if who == "pack ours":
            start = time.perf_counter()
            packs = pack(lengths, LENGTH, 0)
            found[f"{len(lengths):,}"] = [round(time.perf_counter() - start, 2), fill(packs, lengths, LENGTH)]
        else:
            from datasets import Dataset
            from trl import pack_dataset

            bounds = pa.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))
            ids = pa.LargeListArray.from_arrays(bounds, pa.array(np.zeros(int(lengths.sum()), np.int8)))
            rows = Dataset(pa.table({"input_ids": ids}))
            start = time.perf_counter()
            packed = pack_dataset(rows, LENGTH, "bfd")
            found[f"{len(lengths):,}"] = [
                round(time.perf_counter() - start, 2),
                int(lengths.sum()) / LENGTH / len(packed),
            ]
    return found


def processor_time() -> float:
    """Seconds of this process and those it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak() -> float:
    """MiB of this process at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MEASURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "ours": ours,
    "map 1": lambda place: mapped(place, 1),
    "map 2": lambda place: mapped(place, 2),
    "trl": trl,
    "pack ours": lambda place: packers(place, "pack ours"),
    "pack trl": lambda place: packers(place, "pack trl"),
}

if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "--measure":
        print(json.dumps(MEASURES[given[0]](Path(given[1]))))
    else:
        {"speed": speed, "memory": memory, "packing": packing}[command](*given)
