"""`.tuneloom/ui.json`: which server a run from the command line uses, and whom `tuneloom ui --stop` ends.

It names its process by host, pid and start: one that was killed leaves the note, and its pid is given again.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tuneloom.release.processes import lives_here, process_mark

NOTE = "ui.json"


@dataclass(frozen=True)
class Standing:
    """What stands: addresses, empty while it still starts, and the mark of the process that holds it all."""

    api_url: str
    prefect: str
    mlflow: str
    process: str

    @property
    def pid(self) -> int:
        """`loom7:4711:8831204` -> 4711."""
        return int(self.process.split(":")[1])


def write_note(home: Path, api_url: str = "", mlflow: str = "") -> Standing:
    """Notes that this process holds what stands, or will, in `home`; a reader finds the whole note or none."""
    told = Standing(api_url, api_url.removesuffix("/api"), mlflow, process_mark())
    part = home / f".{NOTE}.{os.getpid()}"
    part.write_text(json.dumps(asdict(told)), "utf-8")
    os.replace(part, home / NOTE)
    return told


def read_note(home: Path) -> Standing | None:
    """What stands in `home`, or None; a note of a dead process, or of another machine's, counts as none."""
    try:
        told = Standing(**json.loads((home / NOTE).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return told if lives_here(told.process) else None
