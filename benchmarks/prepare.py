"""Measures `tuneloom prepare` on a recipe from nothing: rows a stage, seconds, peak memory.

TUNELOOM_REALDATA=... python -m benchmarks.prepare data/recipes/t0.yaml
"""

import json
import resource
import subprocess
import sys
import tempfile
import time


def main(recipe: str) -> None:
    """Runs once in an empty home and prints a Markdown table for RESULTS.md."""
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        command = [sys.executable, "-m", "flows.cli", "--home", home, "prepare", recipe, "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("| stage | in | made | out | rejected | seconds |\n|---|---:|---:|---:|---:|---:|")
    for stage in json.loads(done.stdout)["stages"]:
        counts = " | ".join(f"{stage[name]:,}" for name in ("rows_in", "made", "rows_out", "rejected"))
        print(f"| {stage['stage']} | {counts} | {stage['seconds']:.1f} |")
    print(
        f"\nwall {wall:.1f} s, CPU {used.ru_utime + used.ru_stime:.1f} s, peak memory {used.ru_maxrss / 1024:.0f} MiB"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "data/recipes/t0.yaml")
