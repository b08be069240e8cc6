"""How the data of two runs differ: rows added, gone and changed, by side, and why; told before anything is trained on.

A snapshot is what a run's mixture hands on. Rows are the same where their `id` is: a row that was rewritten in its file
is one gone and one added. Rows are named by their origin, never by their words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from tuneloom.artifacts import Artifact, Reference, Spec, Store, Writer, code_digest
from tuneloom.errors import BrokenArtifact
from tuneloom.records import ORIGIN, SIDES, Origin
from tuneloom.runs import RunRecord

STAGE = "snapshot"
EXAMPLES = 3
"""Rows that are named of each reason."""
STAGES = ("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture")
_KINDS = ("added", "gone", "changed")
_PLACE = [field.name for field in ORIGIN]


@dataclass(frozen=True)
class Snapshot:
    """The data of a run: its artifacts by stage, and the digest of each source file by (source, file)."""

    stages: Mapping[str, Artifact]
    files: Mapping[tuple[str, str], str]


def snapshot_of(store: Store, record: RunRecord) -> Snapshot | None:
    """What a run left; None where a stage up to the mixture did not run, is gone or was taken down."""
    found = {}
    for stage in STAGES:
        key = record.stages.get(stage)
        artifact = store.find(Reference(stage, key)) if key else None
        if artifact is None:
            return None
        found[stage] = artifact
    listed = found["ingest"].manifest.spec["inputs"].get("files", ())
    return Snapshot(found, {(source, file): digest for source, file, digest, *_ in listed})


def store_difference(store: Store, before: Snapshot, now: Snapshot) -> Artifact:
    """The artifact whose stats are `difference(before, now)`."""

    def build(writer: Writer) -> None:
        writer.stats.update(difference(before, now))

    new, old = now.stages["mixture"].reference, before.stages["mixture"].reference
    spec = Spec(STAGE, code_digest("tuneloom.snapshot"), parents=(new,), consulted=(old,))
    return store.ensure(spec, build)


def difference(before: Snapshot, now: Snapshot) -> dict[str, Any]:
    """Plain values:

    {"sides": {"train": {"before": 90, "now": 95, "added": 6, "gone": 1, "changed": 0}, ...},
     "reasons": {"added": {"new file": {"rows": 6, "examples": ["web:b.json:1"]}}, "gone": {...}, "changed": {...}}}
    """
    old, new = _rows(before), _rows(now)
    both = old.join(new, on="id", suffix="_now")
    parts = {
        "added": _explained_added(new.join(old, on="id", how="anti"), before, now),
        "gone": _explained_gone(old.join(new, on="id", how="anti"), before, now),
        "changed": _explained_changes(both),
    }
    sides = {
        side: {
            "before": old.filter(pl.col("side") == side).height,
            "now": new.filter(pl.col("side") == side).height,
            **{kind: rows.filter(pl.col("side") == side).height for kind, rows in parts.items()},
        }
        for side in SIDES
    }
    return {"sides": sides, "reasons": {kind: _by_reason(rows) for kind, rows in parts.items()}}


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """For a terminal: `train 90 -> 95: 6 added, 1 gone`, then a line a reason; nothing where nothing changed."""
    counts = {kind: sum(one[kind] for one in told["sides"].values()) for kind in _KINDS}
    if not any(counts.values()):
        return
    for side, one in told["sides"].items():
        if changes := ", ".join(f"{one[kind]:,} {kind}" for kind in _KINDS if one[kind]):
            yield f"  {side:<10} {one['before']:,} -> {one['now']:,} rows: {changes}"
    for row in table(told):
        yield f"  {row['change']:<10} {row['rows']:>7,} {row['why']}: {row['examples']}"


def table(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a reason, for Prefect's UI."""
    return [
        {"change": kind, "rows": one["rows"], "why": why, "examples": ", ".join(one["examples"])}
        for kind in _KINDS
        for why, one in told["reasons"][kind].items()
    ]


def check_snapshot(snapshot: Snapshot | None, record: RunRecord) -> Snapshot:
    """Raises BrokenArtifact where a run's data are not there to compare."""
    if snapshot is None:
        raise BrokenArtifact(
            f"the data of run {record.identity[:12]} are not in the store",
            where=", ".join(f"{stage}/{key}" for stage, key in record.stages.items() if stage in STAGES) or "no stage",
            remedy="It did not come to the mixture, was taken down, or was removed; run it again to compare.",
        )
    return snapshot


def _rows(snapshot: Snapshot) -> pl.DataFrame:
    """Columns id, content_hash, side, repeat, source, file, row, part; rows that train, choose or judge, an id once."""
    columns = ("id", "content_hash", "side", "repeat", "origin")
    parts = [pl.DataFrame(pl.from_arrow(part)) for part in snapshot.stages["mixture"].tables(columns)]
    rows = pl.concat(parts).unnest("origin").filter(pl.col("side").is_in(SIDES))
    return rows.sort("id", *_PLACE).unique("id", keep="first", maintain_order=True)


def _left_out(snapshot: Snapshot) -> pl.DataFrame:
    """Columns source, file, row, part, reason of what the stages rejected, and of what review holds ("held")."""
    parts = [one.rejected(["origin", "reason"]) for one in snapshot.stages.values()]
    held = snapshot.stages["review"].held(["origin"])
    parts.append(held.append_column("reason", pa.array(["held"] * len(held), pa.string())))
    rows = pl.concat([pl.DataFrame(pl.from_arrow(part)) for part in parts]).unnest("origin")
    return rows.unique(_PLACE, keep="first", maintain_order=True)


def _explained_added(rows: pl.DataFrame, before: Snapshot, now: Snapshot) -> pl.DataFrame:
    new, changed = _files(now, before)
    why = (
        pl.when(pl.col("new"))
        .then(pl.lit("new file"))
        .when(pl.col("reason").is_not_null() & ~pl.col("changed"))
        .then(pl.lit("no longer ") + pl.col("reason"))
        .when(pl.col("changed"))
        .then(pl.lit("new in its file"))
        .otherwise(pl.lit("another row stood for it"))
    )
    return _with_files(rows, before, new, changed).with_columns(why=why)


def _explained_gone(rows: pl.DataFrame, before: Snapshot, now: Snapshot) -> pl.DataFrame:
    gone, changed = _files(before, now)
    why = (
        pl.when(pl.col("new"))
        .then(pl.lit("its file is gone"))
        .when(pl.col("reason").is_not_null() & (~pl.col("changed") | (pl.col("reason") == "taken down")))
        .then(pl.lit("now ") + pl.col("reason"))
        .when(pl.col("changed"))
        .then(pl.lit("no longer in its file, or rejected there"))
        .otherwise(pl.lit("another row stands for it"))
    )
    return _with_files(rows, now, gone, changed).with_columns(why=why)


def _files(one: Snapshot, other: Snapshot) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Files that `one` alone has, and those that both have with other bytes."""
    schema = {"source": pl.String, "file": pl.String}
    alone = [name for name in one.files if name not in other.files]
    changed = [name for name, digest in one.files.items() if other.files.get(name, digest) != digest]
    return pl.DataFrame(alone, schema, orient="row"), pl.DataFrame(changed, schema, orient="row")


def _with_files(rows: pl.DataFrame, rejecting: Snapshot, new: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Adds whether the row's file is among `new` and `changed`, and why `rejecting` left out the row at that place."""
    for name, files in (("new", new), ("changed", changed)):
        marked = files.with_columns(pl.lit(True).alias(name))
        rows = rows.join(marked, on=["source", "file"], how="left").with_columns(pl.col(name).fill_null(False))
    return rows.join(_left_out(rejecting), on=_PLACE, how="left")


def _explained_changes(both: pl.DataFrame) -> pl.DataFrame:
    """Rows of both whose side, text or use is another; the side is that of now."""
    why = (
        pl.when(pl.col("side") != pl.col("side_now"))
        .then(pl.col("side") + pl.lit(" -> ") + pl.col("side_now"))
        .when(pl.col("content_hash") != pl.col("content_hash_now"))
        .then(pl.lit("edited otherwise"))
        .when(pl.col("repeat") != pl.col("repeat_now"))
        .then(pl.format("used {} times, was {}", "repeat_now", "repeat"))
    )
    rows = both.with_columns(why=why).filter(pl.col("why").is_not_null())
    return rows.drop("side").rename({"side_now": "side"})


def _by_reason(rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The most frequent reason first, each with its first rows."""
    groups = (
        rows.sort(_PLACE).group_by("why").agg(pl.len().alias("rows"), pl.struct(_PLACE).head(EXAMPLES).alias("first"))
    )
    return {
        one["why"]: {"rows": one["rows"], "examples": [str(Origin(**origin)) for origin in one["first"]]}
        for one in groups.sort(["rows", "why"], descending=[True, False]).to_dicts()
    }
