"""Measures ingestion against `datasets.load_dataset("json")` with a map to messages, and its memory on a large file.

python -m benchmarks.ingest speed [FOLDER]     rows a second on the JSONL files of FOLDER (default: T0 of the real data)
                                               and on a file of a million rows made of them by repetition with changes
python -m benchmarks.ingest memory [GB]        peak memory of a whole `tuneloom prepare --until ingest` (default: 5 GB)

Each measurement is a process of its own, in turn with its peer's; imports, those of our workers too, are done before
the clock starts. Ours also checks, labels, hashes, sorts and compresses each row.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.pipeline import processor

ROUNDS = 3
ROWS = 1_000_000


def speed(folder: str | None = None) -> None:
    """Prints a table for RESULTS.md."""
    t0 = Path(folder or os.environ["TUNELOOM_REALDATA"]) / ("" if folder else "t0")
    small = sorted(str(path) for path in t0.glob("*.jsonl") if path.stat().st_size)
    with tempfile.TemporaryDirectory() as place:
        large = str(write_large(small, Path(place) / "large.jsonl", lambda rows, size: rows >= ROWS))
        versions = ", ".join(f"{name} {version(name)}" for name in ("datasets", "pyarrow", "py3langid"))
        print(f"{time.strftime('%Y-%m-%d')}, {processor()}; {versions}; median of {ROUNDS}\n")
        print(
            "| rows/s | tuneloom | datasets | ratio | datasets, 2 processes | ratio | datasets and language | ratio |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        row(f"{len(small)} files of T0", small, list(MEASURES))
        row("one file of 1,000,000 rows", [large], ["ours", "peer 1", "peer 2"])  # its languages would take an hour


def row(name: str, files: list[str], who: list[str]) -> None:
    """Measures a line of the table and prints it."""
    rates: dict[str, list[float]] = {one: [] for one in who}
    for _, one in itertools.product(range(ROUNDS), who):
        rates[one].append(alone(one, files))
    ours, *peers = (statistics.median(found) for found in rates.values())
    cells = [f"{peer:,.0f} | {ours / peer:.2f}" for peer in peers] + [" | "] * (len(MEASURES) - len(who))
    print(f"| {name} | {ours:,.0f} | {' | '.join(cells)} |", flush=True)


def alone(who: str, files: list[str]) -> float:
    """Rows a second, measured in a new process."""
    line = [sys.executable, "-m", "benchmarks.ingest", "--measure", who]
    done = subprocess.run(line, input="\n".join(files), stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def ours(files: list[str], place: Path) -> tuple[int, float]:
    """Rows read, and seconds."""
    import tuneloom.ingest.warm  # noqa: F401
    from tuneloom.artifacts import Spec, Store
    from tuneloom.config import Source
    from tuneloom.ingest.block import Terms
    from tuneloom.ingest.discover import SourceFile
    from tuneloom.ingest.files import Job, ingest_files
    from tuneloom.ingest.stage import start_importing_for

    start_importing_for(map(Path, files))
    time.sleep(3)
    source = Source(name="t0", path=".")
    named = [SourceFile("t0", Path(file).name, Path(file)) for file in files]
    jobs = [Job(Spec("ingest", "benchmark", inputs={"file": file.relative}), file, source) for file in named]
    start = time.perf_counter()
    made = list(ingest_files(Store(place / "store"), jobs, Terms()))
    return sum(artifact.manifest.counts.rows_in or 0 for artifact in made), time.perf_counter() - start


def peer(files: list[str], place: Path, processes: int, language: bool = False) -> tuple[int, float]:
    """The same of `datasets`: load, then a map to messages, which may name the language too."""
    from datasets import load_dataset
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    known = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True) if language else None

    def messages(row: dict[str, Any]) -> dict[str, Any]:
        told = [("user", row["prompt"]), ("assistant", row["completion"])]
        found: dict[str, Any] = {"messages": [{"role": role, "content": content} for role, content in told]}
        if known:
            found["language"] = known.classify(f"{row['prompt']}\n{row['completion']}"[:500])[0]
        return found

    several = processes if processes > 1 else None
    start = time.perf_counter()
    rows = load_dataset("json", data_files=files, split="train", cache_dir=str(place), num_proc=several)
    rows = rows.map(messages, remove_columns=rows.column_names, num_proc=several)
    return len(rows), time.perf_counter() - start


MEASURES: dict[str, Callable[[list[str], Path], tuple[int, float]]] = {
    "ours": ours,
    "peer 1": lambda files, place: peer(files, place, 1),
    "peer 2": lambda files, place: peer(files, place, 2),
    "peer language": lambda files, place: peer(files, place, 1, language=True),
}


def measure(who: str) -> None:
    """In a process of its own: the files' names come by standard input, rows a second go to standard output."""
    with tempfile.TemporaryDirectory() as place:
        rows, seconds = MEASURES[who](sys.stdin.read().split("\n"), Path(place))
    print(rows / seconds)


def memory(gigabytes: float = 5) -> None:
    """Prints the peak of the proportional set sizes of the command and its processes, and its rows a second."""
    t0 = Path(os.environ["TUNELOOM_REALDATA"]) / "t0"
    small = sorted(str(path) for path in t0.glob("*.jsonl") if path.stat().st_size)
    with tempfile.TemporaryDirectory() as place:
        write_large(small, Path(place) / "large.jsonl", lambda rows, size: size >= gigabytes * 1e9)
        config = Path(place) / "config.yaml"
        config.write_text("model: smollm2-135m-instruct\nsources: [{name: large, path: large.jsonl}]\n", "utf-8")
        line = [sys.executable, "-m", "flows.cli", "run", str(config), "--until", "ingest", "--json"]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        peak = Peak(process.pid)
        peak.start()
        told = json.loads(process.communicate()[0])
        (stage,) = told["stages"]
        print(
            f"{gigabytes} GB, {stage['rows_in']:,} rows in {stage['seconds']:.0f} s on {processor()}: at most ", end=""
        )
        print(f"{peak.largest / 2**30:.2f} GiB, without Prefect's server {peak.without / 2**30:.2f} GiB")


class Peak(threading.Thread):
    """Adds up the memory of a process and all below it, again and again, until it ends; pages shared count once."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root, self.largest, self.without = root, 0, 0

    def run(self) -> None:
        """Until the root has ended."""
        while sizes := [(size, is_server) for size, is_server in map(_size, _tree(self._root)) if size]:
            self.largest = max(self.largest, sum(size for size, _ in sizes))
            self.without = max(self.without, sum(size for size, is_server in sizes if not is_server))
            time.sleep(0.5)


def _tree(root: int) -> Iterator[int]:
    yield root
    try:
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except (FileNotFoundError, ProcessLookupError):
        return


def _size(pid: int) -> tuple[int, bool]:
    """Bytes, and whether it is Prefect's server."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0, False
    size = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return size << 10, "server_child" in command


def write_large(files: list[str], path: Path, enough: Callable[[int, int], bool]) -> Path:
    """The rows of the files over and over, each with its number in the prompt, until `enough(rows, bytes)`."""
    kept = [json.loads(line) for file in files for line in Path(file).read_bytes().split(b"\n") if line.strip()]
    rows = size = 0
    with path.open("wb") as stream:
        for row in itertools.cycle(kept):
            if enough(rows, size):
                return path
            changed = {"prompt": f"{row['prompt']} ({rows})", "completion": row["completion"]}
            size += stream.write(json.dumps(changed).encode() + b"\n")
            rows += 1
    return path


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(sys.argv[2])
    elif sys.argv[1] == "memory":
        memory(*map(float, sys.argv[2:]))
    else:
        speed(*sys.argv[2:])
