"""The stage: personal data masked or rejected, then every row of every side judged by the profile's rules.

Rows that are not for training (prompt-only suites) have no answer to judge; they pass the rules, not the mask.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl
import pyarrow as pa

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Quality
from tuneloom.quality.frame import text_frame
from tuneloom.quality.privacy import mask_rows
from tuneloom.quality.rules import Profile, Rule, load_profile
from tuneloom.quality.signals import SIGNALS, histograms, measure
from tuneloom.records import reject_rows

PRIVACY_VERSION = "personal-data-1"


def judge(writer: Writer, rows: Artifact, config: Quality) -> None:
    """Keeps the rows that break no rule; every reject carries rule, version, value and bound.

    Raises ConfigError where the profile is missing or wrong.
    """
    profile = load_profile(config.rules)
    tally = _Tally(profile)
    for table in rows.tables():
        writer.count(rows_in=len(table))
        for part in _after_privacy(writer, table, config, tally):
            _apply(writer, part, profile, tally)
    writer.stats.update(tally.as_dict())


class _Tally:
    """Sums over the parts of an artifact."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.masked = self.judged = 0
        self.personal: Counter[str] = Counter()
        self.rejected: dict[str, Counter[str]] = defaultdict(Counter)
        self.alone: Counter[str] = Counter()
        self.bins = {name: [0] * len(signal.edges) for name, signal in SIGNALS.items()}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON for `show` and the report; `alone` is what a rule would reject if there were no other."""
        rules = {rule.name: self._of(rule) for rule in self.profile.rules}
        if "personal data" in self.rejected:
            rules["personal data"] = self._counts("personal data")
        return {
            "profile": f"{self.profile.name}-{self.profile.version}",
            "judged": self.judged,
            "rules": rules,
            "histograms": {
                name: {"edges": list(SIGNALS[name].edges), "counts": counts} for name, counts in self.bins.items()
            },
            "masked": self.masked,
            "personal_data": dict(sorted(self.personal.items())),
        }

    def _of(self, rule: Rule) -> dict[str, Any]:
        said = {key: value for key, value in asdict(rule).items() if key != "name" and value is not None}
        return {**said, **self._counts(rule.name), "alone": self.alone[rule.name]}

    def _counts(self, name: str) -> dict[str, Any]:
        return {"rejected": self.rejected[name].total(), "by_side": dict(sorted(self.rejected[name].items()))}


def _after_privacy(writer: Writer, table: pa.Table, config: Quality, tally: _Tally) -> list[pa.Table]:
    """The tables that go on to the rules."""
    if config.pii == "keep":
        return [table]
    found = mask_rows(table)
    for kinds in found.findings:
        tally.personal.update(kinds)
    if config.pii == "mask":
        tally.masked += len(found.masked)
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
    tally.rejected["personal data"].update(_sides(found.masked))
    return [found.clean]


def _apply(writer: Writer, table: pa.Table, profile: Profile, tally: _Tally) -> None:
    """Adds the rows of a table that pass, rejects the others."""
    frame = text_frame(table)
    signals = measure(frame)
    judged = frame.select("kind", "script", learns=pl.col("use") == "train").hstack(signals)
    broken = judged.select((rule.breaks() & pl.col("learns")).alias(rule.name) for rule in profile.rules)
    values = judged.select(pl.sql_expr(rule.value).cast(pl.Float64).alias(rule.name) for rule in profile.rules)
    verdicts = _first_broken(broken, len(table))
    writer.add(table.filter(pa.array(verdicts.is_null().to_list(), pa.bool_())))
    out = [(index, number) for index, number in enumerate(verdicts) if number is not None]
    rejected = table.take(pa.array([index for index, _ in out], pa.int64()))
    rules = [profile.rules[number] for _, number in out]
    details = [_detail(profile, rule, values[rule.name][index]) for rule, (index, _) in zip(rules, out, strict=True)]
    writer.reject(reject_rows(rejected, [rule.name for rule in rules], details))

    for rule, side in zip(rules, _sides(rejected), strict=True):
        tally.rejected[rule.name][side] += 1
    tally.alone.update({name: broken[name].sum() for name in broken.columns})
    learns = signals.filter(judged["learns"])
    tally.judged += len(learns)
    for name, counts in histograms(learns).items():
        tally.bins[name] = [a + b for a, b in zip(tally.bins[name], counts, strict=True)]


def _first_broken(broken: pl.DataFrame, count: int) -> pl.Series:
    """Number of the first rule that each of `count` rows breaks, null where it breaks none."""
    if not broken.columns:
        return pl.Series([None] * count, dtype=pl.Int32)
    return broken.select(
        pl.coalesce(pl.when(pl.col(name)).then(pl.lit(n, pl.Int32)) for n, name in enumerate(broken.columns))
    ).to_series()


def _detail(profile: Profile, rule: Rule, value: float) -> Mapping[str, Any]:
    bound = rule.max if rule.max is not None and value > rule.max else rule.min
    return {"rule": rule.name, "version": f"{profile.name}-{profile.version}", "value": round(value, 4), "bound": bound}


def _sides(table: pa.Table) -> list[str]:
    return table["side"].to_pylist()
