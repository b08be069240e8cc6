"""What a person at a terminal sees: a bar for long steps there, plain lines elsewhere, a table of stages at the end.

All of it goes to standard error when `--json` owns standard output.
"""

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tuneloom.artifacts import Artifact

LINE_EVERY = 20.0
"""Seconds between two plain lines of one step's progress."""


class TerminalReporter:
    """Implements `tasks.run.Reporter` for a terminal or a pipe."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self.console = Console(stderr=to_stderr, highlight=False, soft_wrap=True, emoji=False)
        if not self.console.is_terminal:
            self.console.width = 120
        self._bars: Progress | None = None
        self._bar: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, markup=False)

    def begin(self, stage: str) -> None:
        """A stage starts; its name is shown at once where a bar can be taken away again."""

    def progress(self, stage: str, what: str, done: int, total: int) -> None:
        """Moves the bar of a step; off a terminal a line every 20 seconds."""
        name = f"{stage}: {what}"
        if not self.console.is_terminal:
            if time.monotonic() - self._told.setdefault(name, time.monotonic()) >= LINE_EVERY:
                self._told[name] = time.monotonic()
                self.say(f"  {name} {done:,} of {total:,}")
            return
        if self._bars is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}"))
            self._bars = Progress(
                *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console, transient=True
            )
            self._bars.start()
        if name not in self._bar:
            self._bar[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._bar[name], completed=done, total=total)

    def step(self, stage: str) -> Callable[[str, int, int], None]:
        """What moves the bars of one stage."""
        return functools.partial(self.progress, stage)

    def end(self, stage: str, artifact: Artifact) -> None:
        """The stage's line."""
        self.close()
        counts, seconds = artifact.manifest.counts, artifact.manifest.seconds
        rows = ""
        if counts.rows_in is not None:
            made = f" + {counts.made:,} made" if counts.made else ""
            rows = f"{counts.rows_in:>8,} in{made} {counts.rows_out:>8,} out {counts.rejected:>7,} rejected"
        state = "reused" if artifact.reused else f"{seconds:.1f} s"
        self.say(f"  {stage:<9} {rows:<44} {state:>9}".rstrip())

    def close(self) -> None:
        """Takes the bars away."""
        if self._bars:
            self._bars.stop()
        self._bars, self._bar = None, {}


def stage_table(found: Mapping[str, Artifact | None]) -> Table:
    """The stages with their rows, most frequent reasons and seconds; rows made where there are any."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = {"in": "rows_in", "made": "made", "out": "rows_out", "rejected": "rejected"}
    if not any(artifact.manifest.counts.made for artifact in found.values() if artifact):
        del columns["made"]
    table.add_column("stage")
    for name in columns:
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    table.add_column("seconds", justify="right")
    for stage, artifact in found.items():
        if artifact is None:
            continue
        counts, reasons = artifact.manifest.counts, artifact.manifest.reasons
        why = ", ".join(f"{n:,} {reason}" for reason, n in sorted(reasons.items(), key=lambda pair: -pair[1])[:4])
        table.add_row(
            stage,
            *("" if (n := getattr(counts, name)) is None else f"{n:,}" for name in columns.values()),
            why,
            f"{artifact.manifest.seconds:.1f}",
        )
    return table


def stage_objects(found: Mapping[str, Artifact | None]) -> list[dict[str, Any]]:
    """The `stages` of `--json`."""
    objects = []
    for stage, artifact in found.items():
        if artifact is None:
            continue
        counts = artifact.manifest.counts
        objects.append(
            {
                "stage": stage,
                "key": artifact.reference.key,
                "path": str(artifact.folder),
                "cached": artifact.reused,
                "rows_in": counts.rows_in,
                "made": counts.made,
                "rows_out": counts.rows_out,
                "rejected": counts.rejected,
                "held": counts.held,
                "seconds": artifact.manifest.seconds,
            }
        )
    return objects
