"""A row's life, and where a source's rows went: the ledger read forwards, from origin to shard.

A row is followed by its origin (unique), found by its id or by a piece of its text. Nothing is printed here, and
whoever prints masks personal data.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact
from tuneloom.records import Origin, canonical
from tuneloom.render.shards import read_rows

ROW_STAGES = ("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render")


@dataclass(frozen=True)
class Step:
    """What a stage did with a row: `outcome` is kept, rejected or held; `note` says more."""

    stage: str
    outcome: str
    note: str = ""


@dataclass(frozen=True)
class Life:
    """One row from its source line on."""

    origin: Origin
    id: str | None
    text: str
    steps: tuple[Step, ...]


def find_lives(found: Mapping[str, Artifact | None], wanted: str, most: int = 5) -> list[Life]:
    """The lives of rows whose id is `wanted` or starts with it (8 digits or more), or whose text contains it."""
    ingest = found.get("ingest")
    if ingest is None:
        return []
    rows = _matching(ingest, wanted)[:most]
    lives = [_life(found, Origin(**row["origin"]), row["id"], _text_of(row["messages"])) for row in rows]
    if len(lives) < most:
        for row in _matching_rejects(ingest.rejected(), wanted)[: most - len(lives)]:
            shown = row["record"] or (row["raw"] or b"").decode("utf-8", "replace")
            lives.append(_life(found, Origin(**row["origin"]), None, shown))
    return lives


def source_ledger(found: Mapping[str, Artifact | None], source: str) -> list[tuple[str, int, int, dict[str, int]]]:
    """(stage, rows out, rejected, reasons) of one source's rows, for every stage that ran."""
    ledger = []
    for stage in ROW_STAGES:
        artifact = found.get(stage)
        if artifact is None:
            continue
        kept = sum(_of_source(part, source) for part in _origins(artifact))
        rejected = artifact.rejected()
        of_it = rejected.filter(pc.equal(pc.struct_field(rejected["origin"], "source"), source))
        reasons = Counter(of_it["reason"].to_pylist())
        ledger.append((stage, kept, len(of_it), dict(reasons.most_common())))
    return ledger


def _life(found: Mapping[str, Artifact | None], origin: Origin, identity: str | None, text: str) -> Life:
    return Life(origin, identity, text, tuple(_steps(found, origin)))


def _steps(found: Mapping[str, Artifact | None], origin: Origin) -> Iterator[Step]:
    for stage in ROW_STAGES:
        artifact = found.get(stage)
        if artifact is None:
            return
        rejected = _at(artifact.rejected(), origin)
        if len(rejected):
            row = rejected.to_pylist()[0]
            twin = f", duplicate of {Origin(**row['duplicate_of'])}" if row["duplicate_of"] else ""
            yield Step(stage, "rejected", f"{row['reason']}{twin}{_why(json.loads(row['detail']))}")
            return
        held = _at(artifact.held(), origin) if stage == "review" else None
        if held is not None and len(held):
            yield Step(stage, "held", ", ".join(doubt["rule"] for doubt in held.to_pylist()[0]["doubts"]))
            return
        yield Step(stage, "kept", _note(artifact, stage, origin))


def _why(detail: Mapping[str, Any]) -> str:
    """{"field": "output", "value": "", "bound": 0.8} -> "; field output; value ''; bound 0.8"; the evidence last."""
    shown = {name: detail[name] for name in (*(n for n in detail if n != "evidence"), "evidence") if name in detail}
    return "".join(f"; {name} {_plainly(name, value)}" for name, value in shown.items())


def _plainly(name: str, value: Any) -> str:
    """A value of the row is quoted, for it may be blank; lists and objects are told part by part."""
    if isinstance(value, dict):
        return ", ".join(f"{part} {one}" for part, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return repr(value) if name == "value" else str(value)


def _note(artifact: Artifact, stage: str, origin: Origin) -> str:
    """What a kept row got there: language, kind, side, repeat, or its place in the shards."""
    if stage == "render":
        return _place_in_shards(artifact, origin)
    wanted = {"ingest": ("language", "kind", "task"), "split": ("side",), "quality": ("flags",), "mixture": ("repeat",)}
    for part in artifact.tables():
        columns = [name for name in wanted.get(stage, ()) if name in part.column_names]
        row = _at(part.select(["origin", *columns]), origin)
        if len(row) and columns:
            values = row.to_pylist()[0]
            return ", ".join(f"{name} {values[name]}" for name in columns if values[name] not in (None, []))
    return ""


def _place_in_shards(artifact: Artifact, origin: Origin) -> str:
    """`train-00001.arrow row 12, 87 tokens, 40 of them trained; pack 3 (from token 512)`."""
    before: Counter[str] = Counter()  # rows of each side in the shards before
    for path in artifact.files("shards/"):
        shard = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        side = path.name.rsplit("-", 1)[0]
        places = pc.indices_nonzero(_is_at(shard["origin"], origin)).to_pylist()
        if places:
            row = shard.slice(places[0], 1).to_pylist()[0]
            trained = sum(run["end"] - run["start"] for run in row["learnt"])
            told = f"{path.name} row {places[0]}, {len(row['ids'])} tokens, {trained} of them trained"
            return told + (_places_in_packs(artifact, before[side] + places[0]) if side == "train" else "")
        before[side] += len(shard)
    return ""


def _places_in_packs(artifact: Artifact, number: int) -> str:
    """Every pack that holds the training row of this number, and where it begins there."""
    lengths = read_rows(artifact, "train").lengths
    packs = pq.read_table(artifact.path("packs.parquet"))
    holding = packs.filter(pc.is_in(packs["pack"], _packs_of(packs, number))).to_pylist()
    spots = [
        f"{pack['pack']} (from token {int(lengths[pack['rows'][:at]].sum())})"
        for pack in holding
        for at, row in enumerate(pack["rows"])
        if row == number
    ]
    return f"; pack {', '.join(spots)}" if spots else "; in no pack"


def _packs_of(packs: pa.Table, number: int) -> pa.Array:
    rows = packs["rows"].combine_chunks()
    return pc.list_parent_indices(rows).filter(pc.equal(pc.list_flatten(rows), number)).cast(pa.int32())


def _matching(ingest: Artifact, wanted: str) -> list[dict]:
    rows: list[dict] = []
    for part in ingest.tables(["id", "origin", "messages"]):
        if len(wanted) >= 8 and set(wanted) <= set("0123456789abcdef"):
            rows += part.filter(pc.starts_with(part["id"], wanted)).to_pylist()
        messages = part["messages"].combine_chunks()
        contents = pc.fill_null(pc.struct_field(pc.list_flatten(messages), "content"), "")
        owners = pc.list_parent_indices(messages).filter(pc.match_substring(contents, wanted))
        rows += part.take(pc.unique(owners)).to_pylist()
    return rows


def _matching_rejects(rejected: pa.Table, wanted: str) -> list[dict]:
    raw = pc.fill_null(rejected["raw"], b"")
    record = pc.fill_null(rejected["record"], "")
    hits = pc.match_substring(record, canonical(wanted)[1:-1])
    for written in {wanted, canonical(wanted)[1:-1], json.dumps(wanted)[1:-1]}:  # as it is, in JSON, in ASCII JSON
        hits = pc.or_(hits, pc.match_substring(raw, written))
    return rejected.filter(hits).to_pylist()


def _origins(artifact: Artifact) -> Iterator[pa.ChunkedArray]:
    if shards := artifact.files("shards/"):
        yield from (pa.ipc.open_file(pa.memory_map(str(path))).read_all()["origin"] for path in shards)
    else:
        yield from (part["origin"] for part in artifact.tables(["origin"]))


def _of_source(origins: pa.ChunkedArray, source: str) -> int:
    return pc.sum(pc.equal(pc.struct_field(origins, "source"), source)).as_py() or 0


def _at(table: pa.Table, origin: Origin) -> pa.Table:
    return table.filter(_is_at(table["origin"], origin))


def _is_at(origins: pa.ChunkedArray, origin: Origin) -> pa.ChunkedArray:
    hits = pc.equal(pc.struct_field(origins, "source"), origin.source)
    for name in ("file", "row", "part"):
        hits = pc.and_(hits, pc.equal(pc.struct_field(origins, name), getattr(origin, name)))
    return hits


def _text_of(messages: list[dict]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
