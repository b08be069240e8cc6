"""A whole chain of artifacts, from ingestion to scores, made up in a real store: what release and report read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Gate
from tuneloom.evaluate.breakdown import breakdown
from tuneloom.evaluate.gate_plan import PLAN, DataFacts, GatePlan, ItemSet, Measured
from tuneloom.evaluate.items import ITEMS
from tuneloom.evaluate.outputs import OUTPUTS
from tuneloom.records import Conversation, Message, Origin, Reject, to_table

PROMPTS = [
    (
        "translation",
        "Translate into Chinese: Where is the library?",
        "图书馆在哪里？",
        "Where is the library?",
        "图书馆在哪里？",
    ),
    (
        "summary",
        "Summarise: The board met on Monday and ...",
        "The board met.",
        "I am an AI.",
        "The board met on Monday.",
    ),
    ("qa", "What is the capital of France?", "Paris", "The capital of France is Paris.", "Paris"),
    ("classification", "Positive or negative: a dull film.", "negative", "Positive.", "negative"),
    ("code", "def add(a, b):  # finish it", "return a + b", "def add(a, b):\n    pass", "return a + b"),
]
REASONS = {
    "ingest": ("no answer", "unreadable JSON", "no answer"),
    "dedup": ("near duplicate", "near duplicate", "exact duplicate"),
    "quality": ("refusal", "repeated lines"),
}
DATA = ("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render")


def make_chain(
    folder: Path,
    adapter: Path | None = None,
    verdict: str = "promote",
    champion: str | None = None,
    prompts: list[tuple[str, str, str, str, str]] = PROMPTS,
    rows: int = 40,
    tag: str = "",
    history: int = 60,
    baseline: str | None = None,
) -> dict[str, Artifact]:
    """Artifacts by stage; `adapter` is a PEFT folder, `tag` makes another chain in the same store, `baseline`
    says what the verdict was made against (by default the champion, or the base where there is none)."""
    store, chain = Store(folder), {}
    kept = [_row(number, tag) for number in range(rows)]
    parent: Artifact | None = None
    for stage in DATA:
        lost = {"ingest": rows // 20, "dedup": rows // 8, "quality": rows // 30, "render": rows // 10}.get(stage, 0)
        spec = Spec(stage, "code", config={"tag": tag, "threshold": 0.8}, parents=(parent.reference,) if parent else ())
        parent = store.ensure(spec, _data_stage(stage, kept[: len(kept) - lost], kept[len(kept) - lost :]))
        kept = kept[: len(kept) - lost]
        chain[stage] = parent
    chain["train"] = store.ensure(
        Spec("train", "code", config={"rank": 8, "tag": tag}, parents=(chain["render"].reference,)),
        lambda writer: _train(writer, adapter, history),
    )
    parents = tuple(chain[stage].reference for stage in ("mixture", "render", "train"))
    chain["evaluate"] = store.ensure(
        Spec("evaluate", "code", config={"verdict": verdict}, inputs={"champion": champion}, parents=parents),
        lambda writer: _evaluate(writer, verdict, prompts, baseline or ("champion" if champion else "base"), champion),
    )
    return chain


def lineage_of(folder: Path, chain: Mapping[str, Artifact]) -> list[Artifact]:
    """The chain as the store tells it."""
    return list(Store(folder).lineage(chain["evaluate"]))


def _row(number: int, tag: str) -> tuple[Origin, Conversation]:
    said = (Message("user", f"question {number} {tag}"), Message("assistant", f"answer {number}"))
    license_name = "Apache-2.0" if number % 3 else None
    return Origin("alpaca" if number % 2 else "sharegpt", "a.json", number + 1), Conversation(
        said, license=license_name
    )


def _data_stage(stage: str, kept: list, lost: list):
    def build(writer: Writer) -> None:
        table = to_table(kept)
        if stage in DATA[DATA.index("split") :]:
            sides = ["test" if number % 5 == 0 else "train" for number in range(len(kept))]
            table = table.append_column("side", pa.array(sides))
        if stage in ("mixture", "render"):
            repeats = [2 if number % 4 == 0 else 1 for number in range(len(kept))]
            table = table.append_column("repeat", pa.array(repeats, pa.int32()))
        writer.add(table)
        reasons = REASONS.get(stage, ("",))
        writer.reject(Reject(origin, reasons[number % len(reasons)]) for number, (origin, _) in enumerate(lost))
        writer.count(rows_in=len(kept) + len(lost))
        if stage == "render":
            writer.stats["template"] = "7e" * 16

    return build


def _train(writer: Writer, adapter: Path | None, history: int) -> None:
    if adapter:
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            writer.file(f"adapter/{name}").write_bytes((adapter / name).read_bytes())
    losses = [1.4 + 1.8 * 0.94**step + 0.12 * ((step * 37) % 11 - 5) / 5 for step in range(history)]
    steps = [{"step": step, "loss": loss, "learning_rate": 1e-3} for step, loss in enumerate(losses, 1)]
    writer.file("steps.jsonl").write_text("".join(f"{json.dumps(step)}\n" for step in steps), "utf-8")
    looks = [{"step": step, "loss": 1.5 + 1.6 * 0.95**step} for step in range(20, history + 1, 20)]
    writer.file("validation.jsonl").write_text("".join(f"{json.dumps(look)}\n" for look in looks), "utf-8")
    writer.stats.update(chosen_step=looks[-1]["step"] if looks else None)
    writer.stats.update(steps=history, tokens=25_104, dtype="float32", tokens_per_second=118.4)


def _evaluate(writer: Writer, verdict: str, prompts: list, baseline: str, champion: str | None = None) -> None:
    met = verdict == "promote"
    loss = _metric("lower", 1.92, 1.57 if met else 1.90, 0.11)
    metrics = {"chrf": _metric("higher", 31.2, 30.9, 2.2), "loss": loss, "rouge_l": _metric("higher", 0.21, 0.34, 0.09)}
    tree = {
        "verdict": verdict,
        "baseline": baseline,
        "reason": f"Against the {baseline}: loss is {loss['outcome']}.",
        "conditions": [
            {
                "kind": "gain",
                "metric": "loss",
                "estimate": loss["difference"],
                **loss,
                "needed": "better",
                "state": {"promote": "met", "refuse": "failed"}.get(verdict, "undecided"),
                "met": met,
            },
            {
                "kind": "watch",
                "state": "met",
                "metric": "rouge_l",
                "estimate": 0.13,
                **metrics["rouge_l"],
                "needed": "better in one metric and worse in none of chrf, rouge_l",
                "met": True,
            },
        ],
        "metrics": metrics,
        "n": 150,
        "rows_needed": None,
        "confidence": 0.95,
    }
    writer.file("verdict.json").write_text(json.dumps(tree), "utf-8")
    columns: dict[str, Any] = {
        "suite": ["held_out"] * len(prompts),
        "id": [f"{number:032x}" for number in range(len(prompts))],
        "task": [row[0] for row in prompts],
        "language": ["en"] * len(prompts),
        "prompt": [row[1] for row in prompts],
        "references": [[row[2]] for row in prompts],
        "base": [row[3] for row in prompts],
        "tuned": [row[4] for row in prompts],
        "champion": pa.array([row[3] for row in prompts]) if champion else pa.nulls(len(prompts), pa.string()),
    }
    pq.write_table(pa.table(columns), writer.file("samples.parquet"))
    _evidence(writer, prompts, baseline, ["base", "tuned", *(["champion"] if champion else [])])


def _evidence(writer: Writer, prompts: list, baseline: str, models: list[str]) -> None:
    """Plan, items, outputs and breakdown: chrf is 10 for the base, and 7 times the row's number for the tuned model."""
    n = len(prompts)
    measured = {name: Measured("higher", "mean", 100.0, name, "held_out", n) for name in ("chrf", "rouge_l")}
    measured = {"loss": Measured("lower", "mean", None, "loss", "held_out", n), **measured}
    sets = {"held_out": ItemSet(n, "d" * 32)}
    plan = GatePlan(Gate(), measured, ("chrf", "rouge_l"), sets, DataFacts(), {"held_out": 1}, seed=1)
    writer.file(PLAN).write_text(plan.to_json(), "utf-8")
    ids = [f"{number:032x}" for number in range(n)]
    items, outputs = [], []
    for model in models:
        for number, (row_id, row) in enumerate(zip(ids, prompts, strict=True)):
            about = {"id": row_id, "task": row[0], "language": "en", "suite": "held_out", "cluster": row_id}
            value = 7.0 * number if model == "tuned" else 10.0
            items += [{"model": model, "metric": metric, "value": value, **about} for metric in measured]
            state = "cut" if model == "tuned" and number == n - 1 else "answered"
            outputs.append({"suite": "held_out", "model": model, "id": row_id, "state": state, "failed": []})
    pq.write_table(pa.Table.from_pylist(items, schema=ITEMS), writer.file("items.parquet"))
    pq.write_table(pa.Table.from_pylist(outputs, schema=OUTPUTS), writer.file("outputs.parquet"))
    parts = breakdown(pa.Table.from_pylist(items, schema=ITEMS), baseline, plan, {})
    writer.file("breakdown.json").write_text(json.dumps(parts), "utf-8")


def _metric(direction: str, base: float, tuned: float, half: float) -> dict[str, Any]:
    low, high = tuned - base - half, tuned - base + half
    sure = low > 0 or high < 0
    return {
        "base": base,
        "tuned": tuned,
        "champion": None,
        "difference": tuned - base,
        "low": low,
        "high": high,
        "p": 0.0002 if sure else 0.31,
        "n": 150,
        "direction": direction,
        "outcome": ("better" if (high < 0) == (direction == "lower") else "worse") if sure else "undecided",
    }
