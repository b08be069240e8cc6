"""Peers of `benchmarks/dedup.py`, each as its own documentation shows it, with the bands that ours uses (18 of 6).

Runs in an environment of their own (`dedup_peers.txt`), one peer a process: rows of words in, flags of kept rows out;
imports are done before the clock starts.

python dedup_peers.py datasketch words.parquet kept.npy
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD, BANDS, ROWS, WIDTH = 0.8, 18, 6, 5
CORES = 2


def gaoya(texts: pa.ChunkedArray, place: Path):
    """Its index of strings, filled and asked on all cores; the first of similar rows stays."""
    from gaoya.minhash import MinHashStringIndex

    def run() -> np.ndarray:
        rows = texts.to_pylist()
        index = MinHashStringIndex(
            hash_size=32,
            jaccard_threshold=THRESHOLD,
            num_bands=BANDS,
            band_size=ROWS,
            analyzer="word",
            ngram_range=(WIDTH, WIDTH),
            id_container="smallvec",
        )
        index.par_bulk_insert_docs(list(range(len(rows))), rows)
        kept = np.ones(len(rows), bool)
        for start in range(0, len(rows), 10_000):
            for row, found in enumerate(index.par_bulk_query(rows[start : start + 10_000]), start):
                kept[row] = not any(other < row and kept[other] for other in found)
        return kept

    return run


def rensa(texts: pa.ChunkedArray, place: Path):
    """R-MinHash in its deduplicator with LSH; it verifies by estimated similarity."""
    from rensa import RMinHash, RMinHashDeduplicator

    def run() -> np.ndarray:
        index = RMinHashDeduplicator(THRESHOLD, BANDS * ROWS, True, BANDS, 42)
        kept = []
        for row, text in enumerate(texts.to_pylist()):
            signature = RMinHash(BANDS * ROWS, 42)
            signature.update(shingles(text))
            kept.append(index.add(str(row), signature))
        return np.array(kept, bool)

    return run


def datasketch(texts: pa.ChunkedArray, place: Path):
    """MinHash and MinHashLSH; estimated similarity is checked, as its documentation advises."""
    from datasketch import MinHash, MinHashLSH

    def run() -> np.ndarray:
        index = MinHashLSH(threshold=THRESHOLD, num_perm=BANDS * ROWS, params=(BANDS, ROWS))
        signatures: dict[int, MinHash] = {}
        kept = []
        for row, text in enumerate(texts.to_pylist()):
            signature = MinHash(num_perm=BANDS * ROWS)
            signature.update_batch([one.encode() for one in shingles(text)])
            found = any(signatures[other].jaccard(signature) >= THRESHOLD for other in index.query(signature))
            kept.append(not found)
            if not found:
                signatures[row] = signature
                index.insert(row, signature)
        return np.array(kept, bool)

    return run


def text_dedup(texts: pa.ChunkedArray, place: Path):
    """Its command `text_dedup.minhash`."""
    from datasets import Dataset, load_from_disk
    from text_dedup.minhash import main

    rows = pa.table({"text": texts, "place": pa.array(np.arange(len(texts)))})
    Dataset(rows).save_to_disk(str(place / "in"))
    options = {
        "path": place / "in", "output": place / "out", "cache_dir": place / "cache", "column": "text",
        "ngram": WIDTH, "min_length": 1, "num_perm": BANDS * ROWS, "b": BANDS, "r": ROWS, "hash_func": "xxh3",
        "threshold": THRESHOLD, "num_proc": CORES,
    }  # fmt: skip

    def run() -> np.ndarray:
        line = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        main([*line, "--local"], standalone_mode=False)
        kept = np.zeros(len(texts), bool)
        kept[load_from_disk(str(place / "out"))["place"][:]] = True
        return kept

    return run


def datatrove(texts: pa.ChunkedArray, place: Path):
    """Its four stages on two processes; words are already normal, so its normalisation is off."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.text import TextNormConfig

    for part in range(CORES):
        mine = np.arange(part, len(texts), CORES)
        (place / "in").mkdir(exist_ok=True)
        pq.write_table(pa.table({"id": pa.array(mine.astype(str)), "text": texts.take(pa.array(mine))}),
                       place / "in" / f"{part}.parquet")  # fmt: skip
    config = MinhashConfig(
        n_grams=WIDTH,
        num_buckets=BANDS,
        hashes_per_bucket=ROWS,
        norm_config=TextNormConfig(False, False, False, False, False),
        hash_config=HashConfig(precision=64),
    )

    def read() -> ParquetReader:
        return ParquetReader(str(place / "in"))

    def stage(tasks: int, *steps: object) -> None:
        LocalPipelineExecutor(
            pipeline=list(steps), tasks=tasks, workers=CORES, skip_completed=False, start_method="fork"
        ).run()

    def run() -> np.ndarray:
        signatures, buckets, remove, out = (str(place / name) for name in ("sig", "buckets", "remove", "out"))
        stage(CORES, read(), MinhashDedupSignature(output_folder=signatures, config=config))
        stage(BANDS, MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config))
        stage(1, MinhashDedupCluster(input_folder=buckets, output_folder=remove, config=config))
        stage(CORES, read(), MinhashDedupFilter(input_folder=remove), JsonlWriter(out, compression=None))
        kept = np.zeros(len(texts), bool)
        for file in Path(out).iterdir():
            kept[[int(json.loads(line)["id"]) for line in file.open()]] = True
        return kept

    return run


def shingles(text: str) -> list[str]:
    """Runs of five words; all of a shorter text."""
    words = text.split()
    return list({" ".join(words[at : at + WIDTH]) for at in range(max(1, len(words) - WIDTH + 1))})


PEERS = {one.__name__: one for one in (gaoya, rensa, datasketch, text_dedup, datatrove)}


def main(name: str, words: str, out: str) -> None:
    """Prints seconds, CPU seconds and the peak memory of one process (MiB) as JSON."""
    texts = pq.read_table(words)["words"]
    with tempfile.TemporaryDirectory() as place:
        run = PEERS[name](texts, Path(place))
        before, start = cpu(), time.perf_counter()
        kept = run()
        seconds, used = time.perf_counter() - start, cpu() - before
    np.save(out, kept)
    peak = max(own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({"seconds": seconds, "cpu": used, "peak": peak / 1024}))


def own_peak() -> int:
    """Largest resident size of this process in KiB; `ru_maxrss` would count that of the process which started it."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def cpu() -> float:
    """CPU seconds of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
