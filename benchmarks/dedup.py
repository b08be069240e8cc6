"""Measures deduplication against its peers, and how its cost grows.

python -m benchmarks.dedup speed PEERS [3 [real]] rows a second, CPU, memory, recall and precision, three rounds, on
                                                  50,863 real rows and on 520,000 made of them (or on one: `real`,
                                                  `large`); PEERS is the Python of an environment with
                                                  `benchmarks/dedup_peers.txt` and `--no-deps text-dedup==0.4.0`
python -m benchmarks.dedup growth [ROWS ...]      the whole stage on so many rows (default: all real ones, 200,000 and
                                                  1,000,000): seconds, and memory a row

Every measurement is a process of its own, in turn with the peers'; imports and compiled kernels are there before the
clock starts. The kernel goes from an Arrow column of texts to stars; peers go from the same rows, already normal and
cut into words, to which rows stay. Truth is all pairs of rows of similarity 0.8 or more by the exact join, which
`check_truth` compares with a product of sparse matrices on 20,000 rows. Recall: of these pairs, those of which a row
went. Precision: of the rows that went, those which resemble a row that stays by 0.8.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.dedup_data import enlarged, real, write_texts
from benchmarks.dedup_peers import cpu, own_peak
from benchmarks.pipeline import processor
from flows.settings import OFFLINE
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.artifacts.manifest import reference_from
from tuneloom.config import Dedup
from tuneloom.dedup.bands import runs
from tuneloom.dedup.stage import deduplicate
from tuneloom.memory import freed_memory_given_back
from tuneloom.text.kernels import over_threads
from tuneloom.text.keys import fold, key_hashes
from tuneloom.text.set_join import rarest_shingles
from tuneloom.text.shingles import Shingles, joined, sets_of_rows, shingles
from tuneloom.text.signatures import band_hashes, bands_for
from tuneloom.text.similarity import Buckets, Part, similarities, stars

THRESHOLD = 0.8
LARGE = 520_000
SLOW = ("datasketch", "text_dedup", "datatrove")
"""Peers that are left out of the large set and measured once: they take minutes to hours."""
PEERS = ("gaoya", "rensa", *SLOW)
_BATCH = 2048


def speed(peers: str, rounds: str = "3", *sets: str) -> None:
    """Prints tables for RESULTS.md."""
    names = ("numba", "pyarrow")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}; {', '.join(f'{name} {version(name)}' for name in names)}\n")
    with tempfile.TemporaryDirectory() as place:
        _, rows = real(Path(place) / "real")
        if "large" not in sets:
            table(f"{rows.manifest.counts.rows_out:,} real rows", rows, Path(place), peers, PEERS, int(rounds))
        if "real" not in sets:
            _, rows = enlarged(Path(place) / "large", rows, LARGE)
            fast = tuple(name for name in PEERS if name not in SLOW)
            table(f"{LARGE:,} rows made of them", rows, Path(place), peers, fast, int(rounds))


def table(title: str, rows: Artifact, place: Path, python: str, peers: tuple[str, ...], rounds: int) -> None:
    """Measures all, in turn, and prints a table."""
    texts, words = write_texts(rows, place)
    column = pq.read_table(texts)["text"].combine_chunks()
    truth = similar_pairs(column)
    check_truth(column)
    ours = [sys.executable, "-m", "benchmarks.dedup", "--measure"]
    lines: dict[str, list[str]] = {name: [*ours, name, str(texts)] for name in ("lsh", "exact")}
    lines["stage"] = [*ours, "stage", str(rows.folder.parent.parent), str(rows.reference)]
    script = str(Path(__file__).with_name("dedup_peers.py"))
    lines |= {name: [python, script, name, str(words)] for name in peers}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in lines}
    for turn in range(rounds):
        for name in lines:
            if turn == 0 or name not in SLOW:
                found[name].append(alone([*lines[name], str(place / f"{name}.npy")]))
    print(f"### {title}, {len(truth):,} pairs of similarity {THRESHOLD} or more\n")
    print("| | rows/s | bands : it | exact : it | CPU s | CPU, its : bands | peak MiB | gone | recall | precision |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    least = statistics.median(one["cpu"] for one in found["lsh"])
    rates = {name: len(column) / statistics.median(one["seconds"] for one in found[name]) for name in lines}
    for name, measured in found.items():
        used, peak = (statistics.median(one[part] for one in measured) for part in ("cpu", "peak"))
        ratios = " | ".join(f"{rates[one] / rates[name]:.2f}" for one in ("lsh", "exact"))
        scores = " | | "
        if name != "stage":
            kept = np.load(place / f"{name}.npy")
            scores = f"{(~kept).sum():,} | {_recall(kept, truth):.4f} | {_precision(kept, truth):.4f}"
        title = NAMES.get(name, name)
        print(
            f"| {title} | {rates[name]:,.0f} | {ratios} | {used:.2f} | {used / least:.2f} | {peak:,.0f} | {scores} |",
            flush=True,
        )
    print()


NAMES = {
    "lsh": "tuneloom, kernel, bands",
    "exact": "tuneloom, kernel, exact join",
    "stage": "tuneloom, whole stage",
    "text_dedup": "text-dedup",
}


def alone(line: list[str]) -> dict[str, float]:
    """What a new process measured, in the environment of a run."""
    done = subprocess.run(line, env={**os.environ, **OFFLINE}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{line}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def kernel(texts: pa.LargeStringArray, search: str) -> np.ndarray:
    """Which of n texts stay, bool (n,): the functions of the stage, one after the other, the first text best."""
    bands = bands_for(THRESHOLD)

    def marks(batch: pa.LargeStringArray) -> tuple[np.ndarray, Shingles, np.ndarray]:
        code = np.zeros(len(batch), np.uint8)
        folded = fold(batch, code)
        sets = shingles(folded, code, as_sets=search == "exact")
        return key_hashes(folded)[:, 0], sets, band_hashes([sets], bands) if search == "lsh" else np.empty((0, 0))

    made = over_threads(marks, [texts.slice(start, _BATCH) for start in range(0, len(texts), _BATCH)])
    keys = np.concatenate([keys for keys, _, _ in made])
    if search == "exact":
        sets, rows = joined([sets for _, sets, _ in made]), np.arange(len(texts))
        buckets = rarest_shingles([sets], rows, THRESHOLD)
    else:
        rows, buckets = _meeting(np.concatenate([hashes for _, _, hashes in made]))
        sets = as_sets(made, rows)
    count = len(rows)
    none = Shingles(np.zeros(count + 1, np.int64), np.empty(0, np.uint64))
    same = np.zeros(count, np.uint64)
    found = stars(buckets, Part(sets, keys[rows], THRESHOLD), Part(none, same, 0.0), same, np.arange(count))
    kept = np.ones(len(texts), bool)
    kept[rows[found.survivor >= 0]] = False
    return kept


def _meeting(hashes: np.ndarray) -> tuple[np.ndarray, Buckets]:
    """Rows int64 (k,) that share one of their band hashes uint64 (n, bands) with another, and their buckets."""
    found = over_threads(runs, [np.ascontiguousarray(column) for column in hashes.T])
    places = np.concatenate([places for places, _, _ in found])
    shift = np.cumsum([0, *(count for _, _, count in found)])
    numbers = np.concatenate([numbers + first for (_, numbers, _), first in zip(found, shift, strict=False)])
    order = np.argsort(places, kind="stable")
    rows, counts = np.unique(places, return_counts=True)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return rows, Buckets(bounds, numbers[order].astype(np.int32))


def as_sets(made: list[tuple[np.ndarray, Shingles, np.ndarray]], rows: np.ndarray) -> Shingles:
    """The shingles of chosen rows int64 (k,), sorted and without repeats."""

    def pick(batch: tuple[int, Shingles]) -> Shingles:
        start, sets = batch
        first, last = np.searchsorted(rows, [start, start + len(sets)])
        return sets_of_rows(sets, rows[first:last] - start)

    starts = np.cumsum([0, *(len(sets) for _, sets, _ in made)])
    return joined(
        over_threads(pick, [(start, sets) for start, (_, sets, _) in zip(starts.tolist(), made, strict=False)])
    )


def similar_pairs(texts: pa.LargeStringArray) -> np.ndarray:
    """All pairs int64 (p, 2) of texts whose similarity is at least the threshold, by the exact join."""
    code = np.zeros(len(texts), np.uint8)
    sets = shingles(fold(texts, code), code)
    buckets = rarest_shingles([sets], np.arange(len(texts)), THRESHOLD)
    owner = np.repeat(np.arange(len(texts)), np.diff(buckets.bounds))
    order = np.argsort(buckets.numbers, kind="stable")
    owner, cuts = owner[order], np.flatnonzero(np.diff(buckets.numbers[order])) + 1
    sizes = np.diff(sets.bounds)
    pairs = [np.empty(0, np.int64)]
    for group in np.split(owner, cuts):
        left, right = np.triu_indices(len(group), 1)
        x, y = group[left], group[right]
        near = np.minimum(sizes[x], sizes[y]) >= THRESHOLD * np.maximum(sizes[x], sizes[y])
        pairs.append(np.unique(x[near] * len(texts) + y[near]) if near.any() else pairs[0])
    joint = np.unique(np.concatenate(pairs))
    x, y = np.divmod(joint, len(texts))
    near = similarities(sets, x, y) >= THRESHOLD - 1e-9
    return np.stack([x[near], y[near]], axis=1)


def check_truth(texts: pa.LargeStringArray, count: int = 20_000) -> None:
    """Compares the exact join on some texts with what all pairs share, counted by a product of sparse matrices."""
    from scipy.sparse import csr_matrix

    chosen = texts.take(pa.array(np.unique(np.linspace(0, len(texts) - 1, count).astype(np.int64))))
    code = np.zeros(len(chosen), np.uint8)
    sets = shingles(fold(chosen, code), code)
    _, columns = np.unique(sets.values, return_inverse=True)
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns, sets.bounds))
    sizes, expected = np.diff(sets.bounds), set()
    for start in range(0, len(chosen), 1000):
        shared = (matrix[start : start + 1000] @ matrix.T).tocoo()
        x, y = shared.row + start, shared.col
        alike = (x < y) & (shared.data >= THRESHOLD * (sizes[x] + sizes[y] - shared.data) - 1e-9)
        expected |= set(zip(x[alike].tolist(), y[alike].tolist(), strict=True))
    found = set(map(tuple, similar_pairs(chosen).tolist()))
    if found != expected:
        raise RuntimeError(
            f"the exact join finds {len(found):,} pairs of {len(expected):,} (both: {len(found & expected):,})"
        )


def _recall(kept: np.ndarray, pairs: np.ndarray) -> float:
    return 1 - float((kept[pairs[:, 0]] & kept[pairs[:, 1]]).mean()) if len(pairs) else 1.0


def _precision(kept: np.ndarray, pairs: np.ndarray) -> float:
    near = np.zeros(len(kept), bool)
    for x, y in ((0, 1), (1, 0)):
        near[pairs[:, x][kept[pairs[:, y]]]] = True
    return float(near[~kept].mean()) if (~kept).any() else 1.0


def measure(who: str, *where: str) -> None:
    """In a process of its own: prints seconds, CPU seconds and peak memory (MiB) as JSON."""
    watch = Anonymous()
    if who == "stage":
        run, out = _whole_stage(*where[:2]), None
    else:
        texts = pq.read_table(where[0])["text"].combine_chunks()
        kernel(texts.slice(0, 4096), who)  # loads the compiled kernels
        run, out = (lambda: kernel(texts, who)), where[1]
    watch.start()
    before, start = cpu(), time.perf_counter()
    kept = run()
    seconds, used = time.perf_counter() - start, cpu() - before
    if out:
        np.save(out, kept)
    told = {"seconds": seconds, "cpu": used, "peak": own_peak() / 1024}
    print(json.dumps({**told, "before": watch.before / 2**20, "anonymous": watch.largest / 2**20}))


def _whole_stage(folder: str, rows: str) -> Callable[[], object]:
    """The stage from ingested rows to a committed artifact, nothing remembered; compiled kernels are loaded."""
    store = Store(Path(folder))
    found = store.find(reference_from(rows))
    assert found
    with tempfile.TemporaryDirectory() as place:
        _warm(Store(Path(place)))
    spec = Spec("dedup", f"benchmark {os.getpid()}", parents=(found.reference,))

    def run() -> None:
        with freed_memory_given_back():
            store.ensure(spec, lambda writer: deduplicate(writer, found, Dedup(), {}, store))

    for memo in (store.folder / "memo").glob("*/*"):
        memo.unlink()
    return run


def _warm(store: Store) -> None:
    from tests.tuneloom.dedup.builders import ingest_rows, numbered, said

    text = " ".join(f"word{n}" for n in range(40))
    rows = ingest_rows(store, numbered([said(f"{text} {'x ' * n}", "y") for n in range(5)]))
    spec = Spec("dedup", "warm", parents=(rows.reference,))
    store.ensure(spec, lambda writer: deduplicate(writer, rows, Dedup(), {}, store))


class Anonymous(threading.Thread):
    """Watches the memory of this process that no file backs: what must be held."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = self.largest = 0

    def start(self) -> None:
        """From here on."""
        self.before = self.largest = self._now()
        super().start()

    def run(self) -> None:
        """Until the process ends."""
        while True:
            self.largest = max(self.largest, self._now())
            time.sleep(0.02)

    def _now(self) -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
        return 0


def growth(*sizes: str) -> None:
    """Prints a table: the whole stage on more and more rows."""
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}\n")
    print("| rows | s | rows/s | CPU s | peak MiB | held MiB | bytes a row more |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    last = (0, 0.0)
    with tempfile.TemporaryDirectory() as place:
        store, rows = real(Path(place) / "real")
        for size in (0, *map(int, sizes or ("200000", "1000000"))):
            if size:
                store, rows = enlarged(Path(place) / str(size), real(Path(place) / "real")[1], size)
            line = [
                sys.executable,
                "-m",
                "benchmarks.dedup",
                "--measure",
                "stage",
                str(store.folder),
                str(rows.reference),
            ]
            one, count = alone(line), rows.manifest.counts.rows_out or 0
            more = f"{(one['anonymous'] - last[1]) * 2**20 / (count - last[0]):,.0f}" if last[0] else ""
            print(
                f"| {count:,} | {one['seconds']:.1f} | {count / one['seconds']:,.0f} | {one['cpu']:.1f} | "
                f"{one['peak']:,.0f} | {one['anonymous'] - one['before']:,.0f} | {more} |",
                flush=True,
            )
            last = (count, one["anonymous"])


if __name__ == "__main__":
    {"speed": speed, "growth": growth, "--measure": measure}[sys.argv[1]](*sys.argv[2:])
