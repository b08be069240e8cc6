"""Data out of the store: rows of any data stage, or its rejects to be mended by hand and ingested again.

Rows go out as messages JSONL (OpenAI's shape first, then ours; formats/conversation.py reads it back) or as Parquet in
the store's schema, maps as JSON; where they have sides, each side is a file of its own. Rejects go out as what they
were in their source, one a line, with a table of reasons beside.
Written beside and renamed into place, a batch at a time. Nothing is masked: the rows are the user's own.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact
from tuneloom.errors import ConfigError, NoUsableData
from tuneloom.ingest.describe import file_task
from tuneloom.ingest.formats import formats
from tuneloom.ingest.readers import ReadFault
from tuneloom.ingest.readers.decoding import decode
from tuneloom.records import REJECTS, SIDES, Origin, canonical
from tuneloom.text.personal_data import mask_json

BATCH = 2_000
REASONS = ("line", "origin", "stage", "reason", "detail")
_SHALLOW = 50
"""JSON text with more brackets than this stays text: inside a row it would be nested too deeply to be read."""


@dataclass(frozen=True)
class ExportedRows:
    """A file of rows, all of one side; `side` is "train", too, in stages before the split."""

    side: str
    path: Path
    rows: int


def export_rows(artifact: Artifact, to: str, path: Path) -> list[ExportedRows]:
    """Writes the kept rows of a data stage as `jsonl` or `parquet`. Raises NoUsableData for none.

    Training rows go to `path`, those of another side to a file beside it: `out.jsonl`, `out-test.jsonl`.
    """
    sides = _sides(artifact)
    paths = {side: path if side == "train" else path.with_name(f"{path.stem}-{side}{path.suffix}") for side in sides}
    for place in paths.values():
        _check_free(place)
    return [ExportedRows(side, place, _rows_file(artifact, to, place, side)) for side, place in paths.items()]


def _sides(artifact: Artifact) -> list[str]:
    """The sides that rows are of, in the order of `records.SIDES`; those of suites last."""
    found: set[str] = set()
    for file in artifact.files("part-"):
        table = pq.read_table(file, columns=[name for name in pq.read_schema(file).names if name in ("id", "side")])
        found |= {*table["side"].to_pylist()} if "side" in table.column_names else {"train"} if len(table) else set()
    _check_any(len(found), artifact, "kept")
    return [*(side for side in SIDES if side in found), *sorted(found - {*SIDES})]


def _rows_file(artifact: Artifact, to: str, path: Path, side: str) -> int:
    files = artifact.files("part-")
    if to == "parquet":
        return _parquet(files, path, lambda batch: _without_maps(_of_side(batch, side)))
    count = 0
    with _beside(path) as part, part.open("wb") as stream:
        for batch in _batches(files):
            for row in _of_side(batch, side).to_pylist():
                stream.write(_line(row_object(row)))
                count += 1
    return count


def _of_side(batch: pa.RecordBatch, side: str) -> pa.RecordBatch:
    return batch.filter(pc.equal(batch["side"], side)) if "side" in batch.schema.names else batch


@dataclass(frozen=True)
class ExportedRejects:
    """A file of rejects: lines written, and the rejects that are on them or, without words of their own, on none."""

    path: Path
    rows: int
    rejects: int


def export_rejects(artifact: Artifact, to: str, path: Path, reason: str | None = None) -> list[ExportedRejects]:
    """Writes the rejects of a data stage, all or those of one reason.

    As `jsonl` each source row stands there once, as it was read, however many of its instances were rejected; rows of
    several sources or formats go to a file each (`bad-faq.jsonl`), for a file has one format. `PATH.reasons.csv` says
    of each reject which line it is on, masked. A reject without words (a file that nobody can read, a row taken down)
    has no line. As `parquet` they are the store's own rows. Raises ConfigError for a reason that no reject has,
    NoUsableData where there are no rejects.
    """
    reasons = artifact.manifest.reasons
    if reason is not None and reason not in reasons:
        there = ", ".join(f"{name} ({count})" for name, count in reasons.items()) or "none"
        raise ConfigError(
            f"no reject of {artifact.reference.stage} has the reason {reason!r}",
            where="--reason",
            remedy=f"Reasons there: {there}.",
        )
    _check_any(sum(reasons.values()), artifact, "rejected")
    if to == "parquet":
        count = _parquet(artifact.files("rejected/"), path, lambda batch: _of_reason(batch, reason))
        return [ExportedRejects(path, count, count)]
    groups = _groups(artifact, reason)
    paths = {name: path if len(groups) == 1 else path.with_name(f"{path.stem}-{name}{path.suffix}") for name in groups}
    for place in paths.values():
        _check_free(place)
    return [_rejects_file(members, reason, paths[name]) for name, members in groups.items()]


def _groups(artifact: Artifact, reason: str | None) -> dict[str, list[Artifact]]:
    """The files whose rejects can stand in one file, by source, and by format where a source has several."""
    groups: dict[tuple[str, str], list[Artifact]] = {}
    for member in artifact.members or (artifact,):
        if member.manifest.reasons and (reason is None or reason in member.manifest.reasons):
            source = member.manifest.spec["inputs"].get("source", "") if artifact.members else ""
            groups.setdefault((source, member.stats.get("format") or "unknown"), []).append(member)
    sources = [source for source, _ in groups]
    return {
        source if sources.count(source) == 1 else f"{source}-{format}": members
        for (source, format), members in groups.items()
    }


def _rejects_file(members: Sequence[Artifact], reason: str | None, path: Path) -> ExportedRejects:
    with (
        _beside(reasons_path(path)) as listed,
        _beside(path) as part,
        part.open("wb") as stream,
        listed.open("w", encoding="utf-8", newline="") as table,
    ):
        return ExportedRejects(path, *_write_rejects(members, reason, stream.write, csv.writer(table).writerow))


def reasons_path(path: Path) -> Path:
    """`bad.jsonl` -> `bad.jsonl.reasons.csv`."""
    return path.with_name(f"{path.name}.reasons.csv")


def row_object(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store's schema as JSON for people and other programs, `messages` first, what is empty left out.

    {"messages": [("user", "Hi"), ...], "tools": None, ...} -> {"messages": [{"role": "user", "content": "Hi"}, ...]}
    """
    found = {
        **row,
        "messages": [_message(message) for message in row["messages"]],
        "tools": _as_json(row.get("tools")),
        "fields": dict(row.get("fields") or ()),
        "meta": json.loads(row["meta"]) if isinstance(row.get("meta"), str) else row.get("meta"),
        "use": None if row.get("use") == "train" else row.get("use"),
        "content_hash": None,  # follows from the rest
    }
    last = ("id", "origin")
    names = ["messages", *(name for name in found if name not in ("messages", *last)), *last]
    return {name: found[name] for name in names if found.get(name) not in (None, [], {}, "", False)}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Nulls left out, and the weight 1 that every message has by default."""
    said = {name: value for name, value in message.items() if value is not None and (name, value) != ("weight", 1)}
    said.setdefault("content", "")
    return {**said, "tool_calls": _as_json(said["tool_calls"])} if "tool_calls" in said else said


def _as_json(text: str | None) -> Any:
    """JSON text as what it says, where reading it back gives the same text; else the text: '[{"a": 1}]' -> a list."""
    if not text or text[:1] not in "[{" or text.count("[") + text.count("{") > _SHALLOW:
        return text
    value = decode(text.encode("utf-8"))
    return value if not isinstance(value, ReadFault) and json.dumps(value, ensure_ascii=False) == text else text


def _write_rejects(
    members: Sequence[Artifact], reason: str | None, write: Callable[[bytes], Any], note: Callable[[Any], Any]
) -> tuple[int, int]:
    note(REASONS)
    lines, rejects, stage = 0, 0, members[0].reference.stage
    for member in members:
        task, places = _task_of(member), dict[tuple[str, str, int, int], int]()
        for batch in _batches(member.files("rejected/")):
            for row in _of_reason(batch, reason).to_pylist():
                origin, text = Origin(**row["origin"]), _words(row, stage, task)
                words = (origin.source, origin.file, origin.row, hash(text))
                if text is not None and words not in places:
                    lines += 1
                    places[words] = lines
                    write(text)
                rejects += 1
                line = "" if text is None else places[words]
                note([line, str(origin), row["stage"], row["reason"], mask_json(row["detail"])])
    return lines, rejects


def _words(row: Mapping[str, Any], stage: str, task: str | None) -> bytes | None:
    """The line to mend: the record in its own shape, or the bytes that could not be read, on one line."""
    if stage != "ingest":
        return _line(row_object(json.loads(row["record"])))
    raw = row["raw"]
    value = json.loads(row["record"]) if row["record"] else decode(raw) if raw is not None else None
    if isinstance(value, ReadFault):
        return b" ".join(raw.splitlines()) + b"\n"
    if isinstance(value, dict) and task:
        value = {**value, "task": value.get("task") or task}
    return None if value is None else _line(value)


def _task_of(member: Artifact) -> str | None:
    """The task that the file's name gives its rows; in another file they would lose it."""
    parser = formats().get(member.stats.get("format") or "")
    return file_task(member.stats["file"]) if getattr(parser, "TASK_FROM_FILE", False) else None


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _of_reason(batch: pa.RecordBatch, reason: str | None) -> pa.RecordBatch:
    return batch if reason is None else batch.filter(pc.equal(batch["reason"], reason))


def _batches(files: list[Path]) -> Iterator[pa.RecordBatch]:
    for file in files:
        yield from pq.ParquetFile(file).iter_batches(batch_size=BATCH)


def _parquet(files: list[Path], path: Path, chosen: Callable[[pa.RecordBatch], pa.RecordBatch]) -> int:
    schema = chosen(pa.RecordBatch.from_pylist([], pq.read_schema(files[0]))).schema if files else REJECTS
    count = 0
    with _beside(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in map(chosen, _batches(files)):
            writer.write_batch(batch)
            count += len(batch)
    return count


def _without_maps(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`fields` as JSON text, as `meta` is: the library `datasets` cannot read a column of maps."""
    if "fields" not in batch.schema.names:
        return batch
    texts = [canonical(dict(pairs)) if pairs else None for pairs in batch["fields"].to_pylist()]
    place = batch.schema.get_field_index("fields")
    return batch.set_column(place, pa.field("fields", pa.string()), pa.array(texts, pa.string()))


def _check_any(count: int, artifact: Artifact, what: str) -> None:
    if not count:
        raise NoUsableData(
            f"stage {artifact.reference.stage} has no {what} rows", where=str(artifact.folder),
            remedy=f"See `tuneloom show {artifact.reference.stage}`.",
        )  # fmt: skip


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A place to write `path` at, renamed when the block ends well."""
    _check_free(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _check_free(path: Path) -> None:
    """Raises ConfigError where there is a file already, or no folder for one."""
    if path.exists():
        raise ConfigError(f"{path.name} is there already", where=str(path), remedy="Give another --out, or remove it.")
    if not path.parent.is_dir():
        raise ConfigError(f"no folder {path.parent}", where=str(path), remedy="Create it, or give another --out.")
