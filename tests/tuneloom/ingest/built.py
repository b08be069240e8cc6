"""Ingests a file of a test through a real store, and gives back what it holds."""

import json
from pathlib import Path
from typing import Any

from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Source
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import discover
from tuneloom.ingest.stage import ingest_file


def ingested(
    file: Path,
    limit: int | None = None,
    takedowns: frozenset[str] = frozenset(),
    store: Path | None = None,
    allowed: tuple[str, ...] | None = None,
    **source: Any,
) -> Artifact:
    """The artifact of one file, as the task makes it; the store lies beside the file unless told otherwise."""
    config = Source.model_validate({"name": "s", "path": str(file), **source})
    (found,) = discover(config, file.parent)
    inputs = {"file": found.relative, "bytes": file.read_bytes().hex()[:64], "limit": limit, **source}
    spec = Spec("ingest", "test", inputs=inputs | {"takedowns": sorted(takedowns), "allowed": allowed})
    return Store(store or file.parent / ".store").ensure(
        spec,
        lambda writer: ingest_file(
            writer, found, config, Terms(takedowns, frozenset(allowed) if allowed else None), limit
        ),
    )


def rows(artifact: Artifact) -> list[dict[str, Any]]:
    """Kept rows in the order of the source."""
    return sorted(artifact.table().to_pylist(), key=lambda row: (row["origin"]["row"], row["origin"]["part"]))


def turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(role, content) of each message."""
    return [(message["role"], message["content"]) for message in row["messages"]]


def rejects(artifact: Artifact) -> list[tuple[int, str, dict[str, Any], bytes | None]]:
    """(row, reason, detail, raw) in the order of the source."""
    found = artifact.rejected().to_pylist()
    return sorted((r["origin"]["row"], r["reason"], json.loads(r["detail"]), r["raw"]) for r in found)


def write_jsonl(path: Path, values: list[Any]) -> Path:
    """One JSON value a line."""
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")
    return path
