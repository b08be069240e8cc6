"""Measures the quality signals against data-juicer's operators and `datasets.map`, on 52,000 real rows.

python -m benchmarks.quality      needs TUNELOOM_REALDATA; PEER_PYTHON names a Python that has py-data-juicer and
                                  aiohttp, in an environment of its own; without it that row is left out

Ours: from conversations in Arrow to all signals of prompt and answer, the task's verb and the verdicts of the profile
`standard`; and, for a comparison of like with like, the two compiled passes over the answers alone. The peers get the
answers as plain texts: data-juicer's filters that measure what we measure (their statistics, nothing filtered), and
`datasets.map` with the signals in plain Python. Each measurement is a process of its own, in turn with its peers';
imports and compilation are done before the clock starts. Ratios are of CPU seconds, which other work does not change.
"""

import json
import os
import re
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.pipeline import processor

ROUNDS = 3
ROWS = 52_000
EIGHT = (
    "alphanumeric_filter", "average_line_length_filter", "character_repetition_filter", "maximum_line_length_filter",
    "special_characters_filter", "text_length_filter", "word_repetition_filter", "words_num_filter",
)  # fmt: skip
OURS = ("ours, counts of answers", "ours")
SIGNALS = {"ours": 65, "ours, counts of answers": 37, "datasets, 2 processes": 34, "data-juicer, 2 processes": 8}
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
LINK, TAG = re.compile(r"(?:https?://|www\.)\S+"), re.compile(r"</?[A-Za-z!][^<>]{0,200}>")
FOLDERS = (
    ("alpaca/alpaca_en_demo.json", "en"), ("zh/alpaca_zh_demo.json", "zh"), ("code/code_alpaca_2k.json", "en"),
    ("gpteacher/roleplay.json", "en"), ("gsm8k/train.jsonl", "en"), ("t0/*.jsonl", "en"),
    ("flan_cot/strategyqa_train.tsv", "en"), ("flan_cot/creak_train.tsv", "en"),
)  # fmt: skip


def main() -> None:
    """Prints a table for RESULTS.md, and how far the shared measures agree."""
    peer = os.environ.get("PEER_PYTHON")
    pythons = dict.fromkeys((*OURS, "datasets, 2 processes"), sys.executable)
    if peer:
        pythons["data-juicer, 2 processes"] = peer
    with tempfile.TemporaryDirectory() as place:
        rows = list(read_rows())[:ROWS]
        Path(place, "rows.json").write_text(json.dumps(rows), "utf-8")
        taken: dict[str, list[tuple[float, float]]] = {who: [] for who in pythons}
        for _ in range(ROUNDS):
            for who, python in pythons.items():
                taken[who].append(alone(who, python, place))
        print(f"{time.strftime('%Y-%m-%d')}, {processor()}; {len(rows):,} rows, median of {ROUNDS}\n")
        print("| | signals | seconds | rows/s | CPU | CPU of our counts | CPU of all of ours |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        middle = {who: [statistics.median(part) for part in zip(*found, strict=True)] for who, found in taken.items()}
        for who, (seconds, cpu) in middle.items():
            peers = [cpu / middle[mine][1] for mine in OURS] if who not in OURS else []
            told = " | ".join(f"{ratio:.1f} x" for ratio in peers) or " | "
            print(f"| {who} | {SIGNALS[who]} | {seconds:.2f} | {len(rows) / seconds:,.0f} | {cpu:.2f} | {told} |")
        if peer:
            print(f"\n{agreement(Path(place))}")


def read_rows() -> Iterator[tuple[str, str, str]]:
    """(prompt, answer, language) of real rows, as their publishers ship them."""
    for pattern, language in FOLDERS:
        for path in sorted(Path(os.environ["TUNELOOM_REALDATA"]).glob(pattern)):
            text = path.read_text("utf-8")
            if path.suffix == ".tsv":
                found = [line.split("\t") for line in text.split("\n") if line.count("\t") >= 2]
                yield from ((row[0].replace("\\n", "\n"), f"{row[2]}\n{row[1]}", language) for row in found)
                continue
            rows = json.loads(text) if path.suffix == ".json" else map(json.loads, filter(None, text.split("\n")))
            for row in rows:
                asked = row.get("instruction") or row.get("prompt") or row.get("question") or ""
                given = f"\n{row['input']}" if row.get("input") else ""
                yield asked + given, first_of(row, "output", "response", "completion", "answer"), language


def first_of(row: dict[str, Any], *names: str) -> str:
    """The first of the fields that the row has, without T0's end mark."""
    return next((row[name] for name in names if row.get(name)), "").replace("<|endoftext|>", "")


def alone(who: str, python: str, place: str) -> tuple[float, float]:
    """Seconds and CPU seconds, measured in a new process."""
    line = [python, "-m", "benchmarks.quality", "--measure", who, place]
    told = {**os.environ, "HF_DATASETS_CACHE": f"{place}/cache", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, env=told)
    seconds, cpu = map(float, done.stdout.split()[-2:])
    return seconds, cpu


class Clock:
    """Wall and CPU seconds since it was made; of child processes those that have ended."""

    def __init__(self) -> None:
        self._start = self._now()

    def taken(self) -> tuple[float, float]:
        """(seconds, CPU seconds)."""
        seconds, cpu = (now - then for now, then in zip(self._now(), self._start, strict=True))
        return seconds, cpu

    def _now(self) -> tuple[float, float]:
        used = os.times()
        return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


def ours(rows: list[list[str]], place: Path) -> tuple[float, float]:
    """Seconds from conversations to signals and verdicts."""
    import polars as pl

    from tuneloom.quality.frame import text_frame
    from tuneloom.quality.measure import measure
    from tuneloom.quality.rules import breaks, load_profile
    from tuneloom.records import Conversation, Message, Origin, to_table
    from tuneloom.text.kind import detect_kind

    said = [
        Conversation((Message("user", ask), Message("assistant", answer)), language=language, kind=detect_kind(answer))
        for ask, answer, language in rows
    ]
    table = to_table((Origin("real", "rows", number), row) for number, row in enumerate(said, 1))
    table = table.append_column("side", table["use"])
    measure(text_frame(table.slice(0, 100)))  # compiles
    clock = Clock()
    frame = text_frame(table)
    judged = frame.select("language", "kind", "script", "side", "source").hstack(measure(frame))
    judged.select(breaks(rule).alias(rule.name) for rule in load_profile("standard").rules)
    taken = clock.taken()
    judged.select(pl.selectors.starts_with("answer")).write_parquet(place / "ours.parquet")
    return taken


def ours_of_answers(rows: list[list[str]], place: Path) -> tuple[float, float]:
    """Seconds from the same texts to the counts that the peers' signals are made of: two compiled passes."""
    import pyarrow as pa

    from tuneloom.quality.counts import count
    from tuneloom.quality.repetition import repetition
    from tuneloom.text.kernels import over_threads

    texts = pa.array([answer for _, answer, _ in rows], pa.large_string())
    count(texts.slice(0, 9)), repetition(texts.slice(0, 9))  # compile
    clock = Clock()
    pieces = [texts.slice(at, 2_048) for at in range(0, len(texts), 2_048)]
    over_threads(lambda piece: (count(piece), repetition(piece)), pieces)
    return clock.taken()


def juicer(rows: list[list[str]], place: Path) -> tuple[float, float]:
    """Seconds of data-juicer's eight filters, each over all rows."""
    from data_juicer.core.data import NestedDataset
    from data_juicer.ops.base_op import OPERATORS
    from data_juicer.ops.filter import AlphanumericFilter  # noqa: F401
    from datasets import Dataset

    data = NestedDataset(Dataset.from_dict({"text": [answer for _, answer, _ in rows]}))
    filters = [OPERATORS.modules[name](num_proc=2) for name in EIGHT]
    clock = Clock()
    for one in filters:
        data = one.run(data, reduce=False)
    taken = clock.taken()
    Dataset.to_parquet(data, str(place / "juicer.parquet"))
    return taken


def mapped(rows: list[list[str]], place: Path) -> tuple[float, float]:
    """Seconds of `datasets.map` with a function that measures 34 of our signals."""
    from datasets import Dataset

    data = Dataset.from_dict({"text": [answer for _, answer, _ in rows]})
    clock = Clock()
    data.map(measured_batch, batched=True, num_proc=2)
    return clock.taken()


def measured_batch(batch: dict[str, list[str]]) -> dict[str, list[float]]:
    """Our signals of a batch of answers, in plain Python: data-juicer's, and those of Gopher and FineWeb."""
    rows = [measured(text) for text in batch["text"]]
    return {name: [row[name] for row in rows] for name in rows[0]}


def measured(text: str) -> dict[str, float]:
    """The 34 of one text."""
    size, chunks = max(1, len(text)), text.split()
    words = [word.strip(string.punctuation) for word in text.lower().split()]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    many = max(1, len(lines))
    letters, digits, spaces = (sum(map(test, text)) for test in (str.isalpha, str.isdigit, str.isspace))
    found: dict[str, float] = {
        "characters": len(text), "words": len(words), "letters": letters / size, "digits": digits / size,
        "spaces": spaces / size, "symbols": (size - letters - digits - spaces) / size,
        "parentheses": (text.count("(") + text.count(")")) / size,
        "word_length": sum(map(len, chunks)) / max(1, len(chunks)),
        "lettered": sum(any(map(str.isalpha, chunk)) for chunk in chunks) / max(1, len(chunks)),
        "stop_words": len(STOP_WORDS & {*words}), "ellipses": text.count("#") + text.count("..."),
        "links": sum(map(len, LINK.findall(text))) / size, "tags": sum(map(len, TAG.findall(text))) / size,
        "lines": len(lines), "longest_line": max(map(len, lines), default=0), "line_length": size / many,
        "short_lines": sum(len(line) < 30 for line in lines) / many,
        "bullets": sum(line[0] in "-*+" for line in lines) / many,
        "trailing": sum(line.endswith("...") for line in lines) / many,
        "stopped": sum(line[-1] in ".!?;:" for line in lines) / many,
        "fences": sum(line.startswith("```") for line in lines),
        "duplicate_lines": 1 - len({*lines}) / many,
        "duplicate_paragraphs": 1 - len({*paragraphs}) / max(1, len(paragraphs)),
        "character_repetition": recurring([text[at : at + 10] for at in range(len(text) - 9)], commonest=True),
        "word_repetition": recurring([tuple(words[at : at + 10]) for at in range(len(words) - 9)], commonest=False),
    }  # fmt: skip
    for length in (2, 3, 4):
        counts = Counter(" ".join(words[at : at + length]) for at in range(len(words) - length + 1))
        gram, times = counts.most_common(1)[0] if counts else ("", 0)
        found[f"top_{length}"] = len(gram) * times / size if times > 1 else 0.0
    for length in (5, 6, 7, 8, 9, 10):
        found[f"duplicate_{length}"] = stood_before(words, length) / size
    return found


def stood_before(words: list[str], length: int) -> int:
    """Characters of n-grams that stood before, a repeat stepped over (Gopher's measure, as datatrove counts it)."""
    seen, at, characters = set(), 0, 0
    while at < len(words) - length + 1:
        gram = "".join(words[at : at + length])
        if gram in seen:
            characters, at = characters + len(gram), at + length
        else:
            seen.add(gram)
            at += 1
    return characters


def recurring(runs: list[Any], *, commonest: bool) -> float:
    """Share of runs that occur again; `commonest`: at most the root of all kinds of them."""
    counts = sorted(Counter(runs).values(), reverse=True)
    again = sum(count > 1 for count in counts)
    return sum(counts[: min(int(len(counts) ** 0.5), again) if commonest else again]) / max(1, len(runs))


def agreement(place: Path) -> str:
    """How far the measures that both define alike are equal."""
    import polars as pl

    mine, theirs = pl.read_parquet(place / "ours.parquet"), pl.read_parquet(place / "juicer.parquet")
    stats = theirs["__dj__stats__"]
    stats = stats.struct.unnest() if stats.dtype == pl.Struct else pl.DataFrame(list(map(json.loads, stats.to_list())))
    pairs = {"text_len": "answer_characters", "char_rep_ratio": "answer_character_repetition"}
    equal = [f"{(stats[a] - mine[b]).abs().le(1e-4).mean():.4%} of {b}" for a, b in pairs.items()]
    return f"Equal to data-juicer's: {', '.join(equal)}."


MEASURES: dict[str, Callable[[list[list[str]], Path], tuple[float, float]]] = {
    "ours": ours,
    "ours, counts of answers": ours_of_answers,
    "data-juicer, 2 processes": juicer,
    "datasets, 2 processes": mapped,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        folder = Path(sys.argv[3])
        print(*MEASURES[sys.argv[2]](json.loads((folder / "rows.json").read_text("utf-8")), folder))
    else:
        main()
