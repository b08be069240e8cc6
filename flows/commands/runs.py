"""What ran here, the last first: how far it came, the gate's verdict, the version."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuneloom.artifacts import Store
    from tuneloom.runs import RunRecord

SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--all, --json."""
    parser.add_argument("--all", action="store_true", help=f"all runs, not the last {SHOWN}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Prints a line a run."""
    from itertools import islice

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from flows.project import home_of, read_last
    from tuneloom.artifacts import Store
    from tuneloom.errors import MissingFile
    from tuneloom.runs import all_runs

    home = home_of(options)
    last = read_last(home)
    if last is None:
        raise MissingFile("nothing ran here yet", where=str(home), remedy="Start with `tuneloom run CONFIG`.")
    store = Store(last.store)
    lines = [_line(record, store) for record in islice(all_runs(store), None if options.all else SHOWN)]
    if options.json:
        print(json.dumps({"runs": lines}, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False)
    for head in ("started", "run", "name", "came to", "verdict", "model"):
        table.add_column(head, overflow="fold")
    for line in lines:
        model = f"{line['model']}{' (champion then)' if line['promoted'] else ''}" if line["model"] else ""
        cells = (line["started"][:16].replace("T", " "), line["run"][:8], line["name"], line["came_to"])
        table.add_row(*map(Text, (*cells, line["verdict"] or "", model)))
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 120
    console.print(table)
    return 0


def _line(record: "RunRecord", store: "Store") -> dict[str, Any]:
    """One run as plain values; what is gone from the store is None."""
    from tuneloom.artifacts import Reference
    from tuneloom.plan import STAGES

    said: dict[str, Any] = {}
    if key := record.stages.get("release"):
        released = store.find(Reference("release", key))
        said = json.loads(released.path("release.json").read_text("utf-8")) if released else {}
    reached = [stage for stage in STAGES if stage in record.stages]
    return {
        "run": record.identity,
        "name": record.name,
        "started": record.started,
        "completed": record.completed,
        "came_to": "the end" if record.completed else reached[-1] if reached else "nothing",
        "verdict": said.get("verdict"),
        "model": said.get("model_uri"),
        "promoted": said.get("promoted", False),
    }
