"""Writes the quickstart's data: `python data/quickstart/generate.py`; with `--check` it only says whether they differ.

Everything follows from the seed, the words in `materials/` and the rows in `handwritten/`; the files are byte-identical
on every machine. What was planted to be found stands in `ground_truth.json` and nowhere in the rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # `rowmaking` lies beside this script; PYTHONSAFEPATH would hide it

from rowmaking.dice import Dice  # noqa: E402
from rowmaking.good import good_rows  # noqa: E402
from rowmaking.plants import FILES, Entry, planted  # noqa: E402
from rowmaking.rows import Row, as_format, file_text, read_handwritten  # noqa: E402

SEED = "tuneloom quickstart 1"
BOUND = 0.4  # no two good rows are this alike; the promise is 0.5, the rest is room for other ways of counting
SPARE = 6  # rows of each kind that receive a defect


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or compare them; exit 1 says that they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a file differs")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to or compare (default: this one)")
    options = parser.parse_args(arguments)
    files = quickstart_files()
    if options.check:
        stale = [name for name, text in files.items() if _read(options.out / name) != text]
        for name in stale:
            print(f"{options.out / name} differs from what generate.py makes; run it without --check", file=sys.stderr)
        return 1 if stale else 0
    for name, text in files.items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


def quickstart_files() -> dict[str, str]:
    """Relative path to content of the four sources and the ground truth."""
    written = {f"handwritten/{path.name}": read_handwritten(path) for path in sorted(HERE.glob("handwritten/*.jsonl"))}
    good, spares, _ = good_rows(SEED, [row for rows in written.values() for row in rows], BOUND, SPARE)
    entries = [Entry(row.file, json.dumps(as_format(row, row.file), ensure_ascii=False), row) for row in good]
    entries += planted(SEED, good, spares)
    ordered = {file: _ordered([e for e in entries if e.file == file], file) for file in FILES}
    files = {file: file_text(file, [e.text for e in found]) for file, found in ordered.items()}
    return files | {"ground_truth.json": json.dumps(_truth(ordered, written), ensure_ascii=False, indent=1) + "\n"}


def _ordered(entries: list[Entry], file: str) -> list[Entry]:
    """Shuffled, then each planted copy changed places with its twin where it came first."""
    order: list[Entry] = Dice(f"{SEED}.{file}").shuffled(entries)
    place = {id(entry.row): i for i, entry in enumerate(order) if not entry.kind}
    for i, entry in enumerate(order):
        j = place.get(id(entry.twin), -1)
        if entry.twin is not None and j > i:
            order[i], order[j] = order[j], order[i]
            place[id(entry.twin)] = i
    return order


def _truth(ordered: dict[str, list[Entry]], written: dict[str, list[Row]]) -> dict[str, object]:
    """What the files hold: rows a file, and for each planted defect where it lies and whom it repeats."""
    place: dict[int, dict[str, object]] = {}
    for file, entries in ordered.items():
        place |= {id(e.row): {"file": file, "row": i} for i, e in enumerate(entries) if e.row and not e.kind}
    found = [
        {"file": file, "row": i, "kind": e.kind, "twin": place[id(e.twin)] if e.twin else None}
        for file, entries in ordered.items()
        for i, e in enumerate(entries)
        if e.kind
    ]
    good = {file: [e.row for e in entries if e.row and not e.kind] for file, entries in ordered.items()} | written
    files = {
        file: {
            "rows": len(ordered.get(file, rows)),
            "good": len(rows),
            "good_by_category": dict(sorted(Counter(f"{row.category}.{row.language}" for row in rows).items())),
        }
        for file, rows in good.items()
    }
    counts = Counter(str(plant["kind"]) for plant in found)
    return {"files": files, "planted": found, "counts": dict(sorted(counts.items()))}


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
