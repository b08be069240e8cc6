"""The list of takedowns: a text file of entries, one a line; what follows ` # ` on a line says where the row was.

5d41402abc4b2a76b9719d911017c592
7d793037a0760186574b0282f2f435e7 # faq:mails.jsonl:17
"""

import os
from collections.abc import Mapping
from pathlib import Path

_REMARK = " # "


def parse_list(text: str) -> dict[str, str]:
    """Entry -> where its row was, "" where that is not told."""
    listed: dict[str, str] = {}
    for line in text.splitlines():
        entries, _, origin = line.partition(_REMARK)
        if not entries.startswith("#"):
            listed.update((entry, origin.strip()) for entry in entries.split())
    return listed


def read_list(path: Path) -> dict[str, str]:
    """As `parse_list`; empty where there is no such file."""
    return parse_list(path.read_text("utf-8")) if path.is_file() else {}


def add_takedowns(path: Path, entries: Mapping[str, str]) -> int:
    """Adds entries with their origins to a list, which is made where there is none, in one step; how many are new."""
    text = path.read_text("utf-8") if path.is_file() else ""
    known = parse_list(text)
    new = [f"{entry}{_REMARK}{origin}" if origin else entry for entry, origin in entries.items() if entry not in known]
    if new:
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with part.open("w", encoding="utf-8") as stream:
            stream.write(text + ("\n" if text and not text.endswith("\n") else "") + "".join(f"{one}\n" for one in new))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    return len(new)
