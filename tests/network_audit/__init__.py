"""Which network addresses a process and its children used: `sitecustomize.py` beside this writes each to a file.

record = tmp_path / "network"
subprocess.run([...], env=os.environ | audited(record), check=True)
assert outside(record) == []

It sees what goes through Python's socket module; libraries with sockets of their own (Rust, C) it does not.
"""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

RECORD = "TUNELOOM_NETWORK_RECORD"


@dataclass(frozen=True)
class Contact:
    """One connection, datagram or look-up: `Contact(4711, "socket.connect", "127.0.0.1")`."""

    pid: int
    event: str
    host: str


def audited(record: Path) -> dict[str, str]:
    """Environment under which every Python process writes the addresses it uses to `record`."""
    folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(folders), RECORD: str(record)}


def contacts(record: Path) -> list[Contact]:
    """All that was used, loopback included, in order."""
    rows = [line.split("\t") for line in record.read_text().splitlines()] if record.exists() else []
    return [Contact(int(pid), event, host) for pid, event, host in rows]


def outside(record: Path) -> list[Contact]:
    """What was not loopback: addresses elsewhere, and every name but `localhost`, for a look-up may leave as well."""
    return [contact for contact in contacts(record) if not _is_loopback(contact.host)]


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
