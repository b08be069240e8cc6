"""Measures what a refresh costs against a full run: 1 % new rows, after a release of the others.

    TUNELOOM_REALDATA=... python -m benchmarks.refresh 52000

The rows are T0's, in files of 1 % each; copies beyond the first have their words in another order, so that none is a
duplicate. Both runs go by the same released index and give the same artifacts, which is checked.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.pipeline import processor, timed
from tuneloom.config_file import load_config
from tuneloom.plan import Plan, make_plan
from tuneloom.release.rows import add_release

FILES = 100


def main(rows: str = "52000", model: str = "smollm2-135m-instruct") -> None:
    """Prepares 99 files, releases them, then 100: once with what the store has, once from nothing; prints Markdown."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data, late = folder / "data", folder / "late.jsonl"
        write_files(data, int(rows))
        (data / f"f{FILES - 1:03d}.jsonl").rename(late)
        (folder / "config.yaml").write_text(
            yaml.safe_dump({"name": "refresh", "model": model, "sources": [{"name": "t0", "path": "data/*.jsonl"}]})
        )
        prepare(folder, folder / "home")
        before = plan_of(folder, folder / "home")
        release(before, before)
        late.rename(data / late.name)
        refreshed, wall = prepare(folder, folder / "home")
        release(before, plan_of(folder, folder / "other"))
        whole, wall_whole = prepare(folder, folder / "other")
    print(f"\n`python -m benchmarks.refresh {rows}` on {time.strftime('%Y-%m-%d')}, {processor()}\n")
    print("| stage | rows | full, seconds | 1 % new, seconds | share |\n|---|---:|---:|---:|---:|")
    total = [0.0, 0.0]
    for one, other in zip(whole["stages"], refreshed["stages"], strict=True):
        assert one["key"] == other["key"], one["stage"]
        total = [total[0] + one["seconds"], total[1] + other["seconds"]]
        print(f"| {one['stage']} | {one['rows_in']:,} | {one['seconds']:.2f} | {other['seconds']:.2f} | ", end="")
        print(f"{other['seconds'] / max(one['seconds'], 0.001):.0%} |")
    print(f"| all | | {total[0]:.1f} | {total[1]:.1f} | {total[1] / total[0]:.0%} |")
    print(f"\nwall {wall_whole:.1f} s and {wall:.1f} s")


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


def prepare(folder: Path, home: Path) -> tuple[dict[str, Any], float]:
    """`tuneloom prepare`, and its wall time."""
    config = str(folder / "config.yaml")
    return timed([sys.executable, "-m", "flows.cli", "--home", str(home), "prepare", config, "--json"])


def plan_of(folder: Path, home: Path) -> Plan:
    """The plan of a run with this home."""
    return make_plan(load_config(folder / "config.yaml", []), folder, home=home)


def release(what: Plan, where: Plan) -> None:
    """Lists the rows of one run as released in the store of another, as its release would."""
    add_release(where.store, what.config.name, what.artifact("split"), what.artifact("mixture"), None)


if __name__ == "__main__":
    main(*sys.argv[1:])
