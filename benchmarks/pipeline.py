"""Measures the pipeline from nothing, as a user runs it: rows and seconds a stage, wall time, CPU, peak memory; then
once more, when there is nothing to do.

python -m benchmarks.pipeline run data/quickstart/config.yaml --set train.dtype=float32
python -m benchmarks.pipeline prepare data/recipes/t0.yaml
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from typing import Any

LIBRARIES = ("torch", "transformers", "peft", "polars", "pyarrow", "prefect", "mlflow")


def main(command: str, config: str, *more: str) -> None:
    """Runs `tuneloom COMMAND CONFIG` twice in an empty home and prints Markdown for RESULTS.md."""
    with tempfile.TemporaryDirectory() as home:
        line = [sys.executable, "-m", "flows.cli", "--home", home, command, config, "--json", *more]
        first, wall = timed(line)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        _, again = timed(line)
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    print(
        f"`tuneloom {' '.join([command, config, *more])}` on {time.strftime('%Y-%m-%d')}, {processor()}; {versions}\n"
    )
    print("| stage | in | made | out | rejected | seconds |\n|---|---:|---:|---:|---:|---:|")
    for stage in first["stages"]:
        counts = (
            "" if stage[name] is None else f"{stage[name]:,}" for name in ("rows_in", "made", "rows_out", "rejected")
        )
        print(f"| {stage['stage']} | {' | '.join(counts)} | {stage['seconds']:.1f} |")
    stages = sum(stage["seconds"] for stage in first["stages"])
    print(f"\nwall {wall:.1f} s (stages {stages:.1f} s), CPU {used.ru_utime + used.ru_stime:.1f} s, ", end="")
    print(f"peak memory of one process {used.ru_maxrss / 1024:.0f} MiB; a second run {again:.2f} s")
    for name, scores in first["metrics"].items():
        print(f"- {name}: base {scores['base']:.4g}, tuned {scores['tuned']:.4g}, ", end="")
        print(f"difference {scores['difference']:+.3g} [{scores['low']:+.3g}, {scores['high']:+.3g}]")


def timed(line: list[str]) -> tuple[dict[str, Any], float]:
    """What a command printed as JSON, and its wall time in seconds."""
    start = time.perf_counter()
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout), time.perf_counter() - start


def processor() -> str:
    """`2 cores of AMD EPYC (avx512_bf16)`: the fastest bfloat16 unit is what training time hangs on."""
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        lines = dict(line.partition(":")[::2] for line in stream if ":" in line)
    known = {key.strip(): value.strip() for key, value in lines.items()}
    units = [unit for unit in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if unit in known["flags"].split()]
    cores = int(known["processor"]) + 1
    return f"{cores} cores of {known['model name']} ({units[0] if units else platform.machine()})"


if __name__ == "__main__":
    main(*sys.argv[1:])
