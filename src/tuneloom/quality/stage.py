"""The stage: personal data masked or rejected, the user's edits, signals, rules; every row of every side.

Each step takes a table of rows and hands the next one those that go on; rows that an edit changed are looked at for
personal data again, which it may have brought to light (`&#64;` unescaped). Rows that are not for training (prompt-only
suites) have no answer to judge; they pass the rules, not the mask.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from tuneloom.artifacts import Artifact, MemoRows, Writer, no_memo
from tuneloom.config import Quality, Rule
from tuneloom.quality.frame import text_frame
from tuneloom.quality.measure import measure
from tuneloom.quality.rules import Profile, breaks, rules_of
from tuneloom.quality.safety import SafetyCheck
from tuneloom.quality.stored import SignalFile
from tuneloom.quality.tally import Tally
from tuneloom.quality.transforms import FAILED, Transform, apply_transforms, load_transforms
from tuneloom.records import reject_rows
from tuneloom.text.private_rows import mask_rows

PRIVACY_VERSION = "personal-data-3"
_AT_ONCE = 65_536
"""Rows measured at once: what bounds the memory."""


def judge(
    writer: Writer, rows: Artifact, config: Quality, transforms: Sequence[Path] = (), memo: MemoRows = no_memo
) -> None:
    """Keeps the rows that break no rule; every reject carries rule, version, value and bound.

    `memo` keeps what was found out about each row; what it gives changes nothing but the time.

    Raises ConfigError where a rule or a transform is wrong.
    """
    profile, edits = rules_of(config), load_transforms(transforms)
    tally = Tally(profile)
    safety = SafetyCheck(writer, config.safety, tally, memo)
    with SignalFile(writer) as stored:
        for table in rows.tables():
            writer.count(rows_in=len(table))
            for clean in _after_privacy(writer, table, config, tally, memo):
                edited = _after_transforms(writer, clean, edits, config, tally, memo)
                for part in _pieces(safety.after(edited)):
                    writer.add(_after_rules(writer, part, profile, tally, stored))
    safety.finish()
    writer.stats.update(tally.as_dict())


def _pieces(table: pa.Table) -> Iterator[pa.Table]:
    """The table in pieces; one that is empty is a piece, for an artifact without rows has a schema still."""
    for start in range(0, max(1, len(table)), _AT_ONCE):
        yield table.slice(start, _AT_ONCE)


def _after_privacy(writer: Writer, table: pa.Table, config: Quality, tally: Tally, memo: MemoRows) -> list[pa.Table]:
    """The tables that go on to the rules."""
    if config.pii == "keep":
        return [table]
    found = mask_rows(table, memo)
    for kinds in found.findings:
        tally.personal.update(kinds)
    if config.pii == "mask":
        tally.masked += found.first
        return [found.clean, found.masked]
    details = [
        {
            "rule": "personal data",
            "version": PRIVACY_VERSION,
            "value": sum(kinds.values()),
            "bound": 0,
            "evidence": kinds,
        }
        for kinds in found.findings
    ]
    writer.reject(reject_rows(found.masked, "personal data", details))
    tally.reject(["personal data"] * len(details), _sides(found.masked))
    return [found.clean]


def _after_transforms(
    writer: Writer,
    table: pa.Table,
    transforms: Sequence[Transform],
    config: Quality,
    tally: Tally,
    memo: MemoRows,
) -> pa.Table:
    """The rows with the user's edits; those on which a transform failed are rejected."""
    edited = apply_transforms(table, transforms)
    writer.reject(edited.failed)
    tally.edit(edited.counts)
    tally.reject([FAILED] * len(edited.failed), edited.failed_sides)
    if not edited.changed:
        return edited.rows
    changed = np.zeros(len(edited.rows), bool)
    changed[edited.changed] = True
    again = _after_privacy(writer, edited.rows.filter(pa.array(changed)), config, tally, memo)
    return pa.concat_tables([edited.rows.filter(pa.array(~changed)), *again])


def _after_rules(writer: Writer, table: pa.Table, profile: Profile, tally: Tally, stored: SignalFile) -> pa.Table:
    """The rows that pass; the others are rejected."""
    frame = text_frame(table)
    judged = frame.select("language", "kind", "script", "side", "source", learns=pl.col("use") == "train").hstack(
        measure(frame)
    )
    broken = judged.select((breaks(rule) & pl.col("learns")).alias(rule.name) for rule in profile.rules)
    verdicts = _first_broken(broken, len(table))
    out = [(index, number) for index, number in enumerate(verdicts) if number is not None]
    rejected = table.take(pa.array([index for index, _ in out], pa.int64()))
    rules = [profile.rules[number] for _, number in out]
    values = judged[[index for index, _ in out]].select(
        pl.sql_expr(rule.value).cast(pl.Float64).alias(rule.name) for rule in profile.rules
    )
    details = [_detail(profile, rule, values[rule.name][row]) for row, rule in enumerate(rules)]
    writer.reject(reject_rows(rejected, [rule.name for rule in rules], details))

    tally.reject([rule.name for rule in rules], _sides(rejected))
    learns = judged["learns"]
    tally.judge(judged.filter(learns), broken.filter(learns) if broken.columns else broken)
    names = dict(enumerate(rule.name for rule in profile.rules))
    ids = pl.Series("id", table["id"].to_pylist(), pl.String)
    told = pl.Series("rule", [None if number is None else names[number] for number in verdicts], pl.String)
    stored.add(judged.with_columns(ids, told).filter(learns))
    return table.filter(pa.array(verdicts.is_null().to_list(), pa.bool_()))


def _first_broken(broken: pl.DataFrame, count: int) -> pl.Series:
    """Number of the first rule that each of `count` rows breaks, null where it breaks none."""
    if not broken.columns:
        return pl.Series([None] * count, dtype=pl.Int32)
    return broken.select(
        pl.coalesce(pl.when(pl.col(name)).then(pl.lit(n, pl.Int32)) for n, name in enumerate(broken.columns))
    ).to_series()


def _detail(profile: Profile, rule: Rule, value: float) -> Mapping[str, Any]:
    bound = rule.max if rule.max is not None and value > rule.max else rule.min
    return {"rule": rule.name, "version": profile.versions[rule.name], "value": value, "bound": bound}


def _sides(table: pa.Table) -> list[str]:
    return table["side"].to_pylist()
