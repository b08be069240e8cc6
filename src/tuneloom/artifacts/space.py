"""Room on disks: how much is free where, and one plain error where a disk is full.

A full disk is told once and not tried again: what was half-written goes, what is finished stays, and a run with room
goes on from there.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tuneloom.errors import DiskFull

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space, a user's quota used up, and a file larger than the system allows."""

REMEDY = "Free some, or set `store` to a folder on a larger disk; a run goes on from what is finished."


@contextmanager
def told_when_full(place: Path, what: str) -> Iterator[None]:
    """Turns the system's error for a full disk into DiskFull, naming `place` and what was at work."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise disk_full(error, f"{place}, {what}") from error


def disk_full(error: OSError, where: str) -> DiskFull:
    """The plain error for one of the system's."""
    return DiskFull(f"the disk is full: {os.strerror(error.errno or 0)}", where=where, remedy=REMEDY)


def check_room(needed: Mapping[Path, int]) -> None:
    """Raises DiskFull where a disk has less free than its places need together: {STORE: 3_000_000_000}."""
    disks: dict[int, tuple[Path, int]] = {}
    for place, size in needed.items():
        there = existing(place)
        device = there.stat().st_dev
        first, others = disks.get(device, (there, 0))
        disks[device] = first, others + size
    for place, size in disks.values():
        free = shutil.disk_usage(place).free
        if size > free:
            what = f"the disk has {size_text(free)} free, this run needs about {size_text(size)}"
            raise DiskFull(what, where=str(place), remedy=REMEDY)


def existing(place: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(folder for folder in (place.absolute(), *place.absolute().parents) if folder.exists())


def size_text(size: int) -> str:
    """1_234_567_890 -> "1.2 GB"; 3_000_000 -> "3 MB"."""
    if size >= 1e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
