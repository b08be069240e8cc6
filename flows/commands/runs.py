"""What ran here, the last first: how far it came, the gate's verdict, the version; and opens a run's report."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuneloom.artifacts import Store
    from tuneloom.runs import RunRecord

SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--all, --open, --json."""
    parser.add_argument(
        "--open", metavar="RUN", help="open the report of a run: its first digits, `last` or `released`"
    )
    parser.add_argument("--all", action="store_true", help=f"all runs, not the last {SHOWN}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Prints a line a run."""
    from itertools import islice

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from flows.hints import shown
    from flows.project import home_of, read_last
    from tuneloom.artifacts import Store
    from tuneloom.errors import MissingFile
    from tuneloom.runs import all_runs

    home = home_of(options)
    last = read_last(home)
    if last is None:
        raise MissingFile("nothing ran here yet", where=str(home), remedy="Start with `tuneloom run CONFIG`.")
    store = Store(last.store)
    if options.open:
        return _open(options.open, store)
    lines = [_line(record, store) for record in islice(all_runs(store), None if options.all else SHOWN)]
    if options.json:
        print(json.dumps({"runs": lines}, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False)
    for head in ("started", "run", "name", "came to", "verdict", "model"):
        table.add_column(head, overflow="fold")
    for line in lines:
        model = f"{line['model']}{' (champion then)' if line['promoted'] else ''}" if line["model"] else ""
        page = f"link {Path(line['report']).as_uri()}" if line["report"] else ""
        cells = (line["name"], line["came_to"], line["verdict"] or "", model)
        started = line["started"][:16].replace("T", " ")
        table.add_row(Text(started), Text(line["run"][:8], style=page), *map(Text, cells))
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 120
    console.print(table)
    if told := next((line for line in lines if line["report"]), None):
        console.print(Text(f"report of run {told['run'][:8]}: {shown(Path(told['report']))}"))
        console.print(Text("`tuneloom runs --open RUN` opens any run's"))
    return 0


def _open(wanted: str, store: "Store") -> int:
    """Prints where a run's report lies, and shows it where there is a browser. Raises MissingFile where it has none."""
    import webbrowser

    from flows.hints import shown
    from tuneloom.errors import MissingFile
    from tuneloom.release.named_model import report_of
    from tuneloom.runs import find_run

    record = find_run(store, wanted)
    page = report_of(record, store)
    if page is None:
        raise MissingFile(
            f"run {record.identity[:12]} has no report",
            where=store.url,
            remedy="It stopped earlier, or its artifact is gone: run it again.",
        )
    print(shown(page))
    webbrowser.open(page.as_uri())
    return 0


def _line(record: "RunRecord", store: "Store") -> dict[str, Any]:
    """One run as plain values; what is gone from the store is None."""
    from tuneloom.artifacts import Reference
    from tuneloom.plan import STAGES
    from tuneloom.release.named_model import report_of

    said: dict[str, Any] = {}
    if key := record.stages.get("release"):
        released = store.find(Reference("release", key))
        said = json.loads(released.path("release.json").read_text("utf-8")) if released else {}
    page = report_of(record, store)
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
        "report": str(page) if page else None,
    }
