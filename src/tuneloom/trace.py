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
        for row in _matching_rejects(ingest, wanted, most - len(lives)):
            shown = row["record"] or (row["raw"] or b"").decode("utf-8", "replace")
            lives.append(_life(found, Origin(**row["origin"]), None, shown))
    return lives


def source_ledger(found: Mapping[str, Artifact | None], source: str) -> list[tuple[str, int, int, int, dict[str, int]]]:
    """(stage, rows out, rejected, held, reasons) of one source's rows, for every stage that ran."""
    ledger = []
    for stage in ROW_STAGES:
        artifact = found.get(stage)
        if artifact is None:
            continue
        kept = sum(_of_source(part, source) for part in _origins(artifact))
        held = _of_source(artifact.held(["origin"])["origin"], source)
        rejected = artifact.rejected(["origin", "reason"])
        of_it = rejected.filter(pc.equal(pc.struct_field(rejected["origin"], "source"), source))
        reasons = Counter(of_it["reason"].to_pylist())
        ledger.append((stage, kept, len(of_it), held, dict(reasons.most_common())))
    return ledger


def _life(found: Mapping[str, Artifact | None], origin: Origin, identity: str | None, text: str) -> Life:
    return Life(origin, identity, text, tuple(_steps(found, origin)))


def _steps(found: Mapping[str, Artifact | None], origin: Origin) -> Iterator[Step]:
    for stage in ROW_STAGES:
        artifact = found.get(stage)
        if artifact is None:
            return
        rejected = _at(artifact.rejected(["origin", "reason", "detail", "duplicate_of"]), origin).to_pylist()
        said = ", ".join(map(_rejection, rejected))
        if stage == "render" and (places := _places_in_shards(artifact, origin)):  # a part may be left out alone
            yield Step(stage, "kept", "; ".join([*places, *([f"a part of it rejected: {said}"] if said else [])]))
        elif rejected:
            yield Step(stage, "rejected", said)
            return
        elif doubts := _doubts(artifact, origin):
            yield Step(stage, "held", ", ".join(doubts))
            return
        else:
            yield Step(stage, "kept", _note(artifact, stage, origin))


def _rejection(row: Mapping[str, Any]) -> str:
    twin = f", duplicate of {Origin(**row['duplicate_of'])}" if row["duplicate_of"] else ""
    return f"{row['reason']}{twin}{_why(json.loads(row['detail']))}"


def _doubts(artifact: Artifact, origin: Origin) -> list[str]:
    """The rules that a held row is held by."""
    if not artifact.files("held/"):
        return []
    held = _at(artifact.held(["origin", "doubts"]), origin).to_pylist()
    return [doubt["rule"] for row in held for doubt in row["doubts"]]


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
    """What a kept row got there: language, kind, side, flags, repeat."""
    wanted = {"ingest": ("language", "kind", "task"), "split": ("side",), "mixture": ("repeat",)}
    wanted |= dict.fromkeys(("quality", "review"), ("flags",))
    for path in artifact.files("part-") if stage in wanted else ():
        columns = [name for name in wanted[stage] if name in pq.read_schema(path).names]
        row = _at(pq.read_table(path, columns=["origin", *columns]), origin)
        if len(row) and columns:
            values = row.to_pylist()[0]
            return ", ".join(f"{name} {values[name]}" for name in columns if values[name] not in (None, []))
    return ""


def _places_in_shards(artifact: Artifact, origin: Origin) -> list[str]:
    """`train-00001.arrow row 12, 87 tokens, 40 of them trained; pack 3 (from token 512)`; one a part of the row."""
    places = []
    before: Counter[str] = Counter()  # rows of each side in the shards before
    for path in artifact.files("shards/"):
        shard = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        side = path.name.rsplit("-", 1)[0]
        for place in pc.indices_nonzero(_is_at(shard["origin"], origin)).to_pylist():
            (row,) = shard.slice(place, 1).to_pylist()
            trained = sum(run["end"] - run["start"] for run in row["learnt"])
            told = f"{path.name} row {place}, {len(row['ids'])} tokens, {trained} of them trained"
            places.append(told + (_places_in_packs(artifact, before[side] + place) if side == "train" else ""))
        before[side] += len(shard)
    return places


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


def _matching_rejects(ingest: Artifact, wanted: str, most: int) -> list[dict]:
    """The first of them; a file at a time, for they are as large as the rows were."""
    rows: list[dict] = []
    for path in ingest.files("rejected/"):
        rejected = pq.read_table(path, columns=["origin", "raw", "record"])
        raw = pc.fill_null(rejected["raw"], b"")
        hits = pc.match_substring(pc.fill_null(rejected["record"], ""), canonical(wanted)[1:-1])
        for written in {wanted, canonical(wanted)[1:-1], json.dumps(wanted)[1:-1]}:  # as it is, in JSON, in ASCII JSON
            hits = pc.or_(hits, pc.match_substring(raw, written))
        rows += rejected.filter(hits).slice(0, most - len(rows)).to_pylist()
    return rows


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
