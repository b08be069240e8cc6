"""Measures what a refresh costs against a full run: 1 % new rows, after a release of the others.

    TUNELOOM_REALDATA=... python -m benchmarks.refresh 52000
    TUNELOOM_REALDATA=... python -m benchmarks.refresh 52000 1000000

The rows are T0's, in files of 1 % each; copies beyond the first have their words in another order, so that none is a
duplicate. A first run reads 99 files, which are released; a refresh has the hundredth too. Up to `WHOLE` rows the same
is made once more from nothing, by the same released index: it gives the same artifacts, which is checked. Of more rows
the first run stands for it. Of two sizes the growth of the peak memory is told, in bytes a row. Only the lines of T0
are held here, whatever the number of rows.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from benchmarks.pipeline import processor
from tuneloom.config_file import load_config
from tuneloom.plan import Plan, make_plan
from tuneloom.release.rows import add_release

FILES = 100
WHOLE = 200_000
"""Rows up to which all is made from nothing once more."""
MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True)
class Made:
    """A run of `tuneloom prepare`: what it told of its stages, wall and CPU seconds, peak bytes of one process."""

    stages: list[dict[str, Any]]
    wall: float
    cpu: float
    peak: int

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(stage["seconds"] for stage in self.stages)


def main(*sizes: str) -> None:
    """Measures each number of rows in an empty folder and prints Markdown."""
    peaks: list[tuple[int, int]] = []
    for rows in map(int, sizes or ("52000",)):
        with tempfile.TemporaryDirectory() as place:
            first, refreshed, whole = measure(Path(place), rows)
        print(f"\n`python -m benchmarks.refresh {rows}` on {time.strftime('%Y-%m-%d')}, {processor()}\n")
        tell(first, refreshed, whole)
        peaks.append((rows, refreshed.peak))
    for (rows, peak), (more, higher) in pairwise(peaks):
        growth = (higher - peak) / (more - rows)
        print(f"\n{rows:,} to {more:,} rows: the peak memory of a refresh grows by {growth:,.0f} bytes a row")


def measure(folder: Path, rows: int) -> tuple[Made, Made, Made | None]:
    """The first run of 99 files, the refresh with all 100, and the same from nothing where that is not too much."""
    data, late = folder / "data", folder / "late.jsonl"
    write_files(data, rows)
    (data / f"f{FILES - 1:03d}.jsonl").rename(late)
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"name": "refresh", "model": MODEL, "sources": [{"name": "t0", "path": "data/*.jsonl"}]})
    )
    first = prepare(folder, folder / "home")
    before = plan_of(folder, folder / "home")
    release(before, before)
    late.rename(data / late.name)
    refreshed = prepare(folder, folder / "home")
    if rows > WHOLE:
        return first, refreshed, None
    release(before, plan_of(folder, folder / "other"))
    whole = prepare(folder, folder / "other")
    for one, other in zip(whole.stages, refreshed.stages, strict=True):
        if one["key"] != other["key"]:
            raise SystemExit(f"{one['stage']}: the refresh made another artifact than a run from nothing")
    return first, refreshed, whole


def tell(first: Made, refreshed: Made, whole: Made | None) -> None:
    """A line a stage, then wall, CPU and memory."""
    full, name = (whole, "full") if whole else (first, "first run, 99 %")
    print(f"| stage | rows | {name}, seconds | 1 % new, seconds | share |\n|---|---:|---:|---:|---:|")
    for one, other in zip(full.stages, refreshed.stages, strict=True):
        print(f"| {one['stage']} | {one['rows_in']:,} | {one['seconds']:.2f} | {other['seconds']:.2f} | ", end="")
        print(f"{other['seconds'] / max(one['seconds'], 0.001):.0%} |")
    share = refreshed.seconds / full.seconds
    print(f"| all | | {full.seconds:.1f} | {refreshed.seconds:.1f} | {share:.0%} |\n")
    for what, made in ((name, full), ("1 % new", refreshed)):
        print(f"{what}: wall {made.wall:.1f} s, CPU {made.cpu:.1f} s, peak {made.peak / 2**20:,.0f} MiB of one process")


def write_files(folder: Path, rows: int) -> None:
    """`rows` rows in 100 files."""
    folder.mkdir()
    found = real_rows(rows)
    each = rows // FILES
    for number in range(FILES):
        lines = [next(found) for _ in range(each)]
        (folder / f"f{number:03d}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))


def real_rows(count: int) -> Iterator[dict[str, str]]:
    """T0's rows in a fixed random order, again and again with their words shuffled."""
    lines = []
    for path in sorted((Path(os.environ["TUNELOOM_REALDATA"]) / "t0").glob("*.jsonl")):
        lines += path.read_text("utf-8").splitlines()
    draw = random.Random(0)
    draw.shuffle(lines)
    for number in range(count):
        row: dict[str, str] = json.loads(lines[number % len(lines)])
        if number >= len(lines):
            words = row["prompt"].split()
            draw.shuffle(words)
            row["prompt"] = " ".join(words)
        yield row


def prepare(folder: Path, home: Path) -> Made:
    """`tuneloom prepare`. Raises SystemExit where it fails."""
    command = ["-m", "flows.cli", "--home", str(home), "prepare", str(folder / "config.yaml"), "--json"]
    start = time.perf_counter()
    with (folder / "told.json").open("w+", encoding="utf-8") as told:
        child = subprocess.Popen([sys.executable, *command], stdout=told, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        told.seek(0)
        said = json.loads(told.read() or "{}")
    if child.returncode:
        raise SystemExit(f"tuneloom prepare ended with {child.returncode}: {said.get('error')}")
    return Made(said["stages"], wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def plan_of(folder: Path, home: Path) -> Plan:
    """The plan of a run with this home."""
    return make_plan(load_config(folder / "config.yaml", []), folder, home=home)


def release(what: Plan, where: Plan) -> None:
    """Lists the rows of one run as released in the store of another, as its release would."""
    add_release(where.store, what.config.name, what.artifact("split"), what.artifact("mixture"), None)


if __name__ == "__main__":
    main(*sys.argv[1:])
