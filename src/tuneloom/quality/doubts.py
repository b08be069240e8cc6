"""Rows that passed and a person may want to see: those near a bound, and those that the safety policy asks about.

They are told from what the stage stored: the signals of each judged row (`signals.parquet`), the rules as they were
asked, and the file of rows that a policy holds. No row is read, none measured again.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from tuneloom.artifacts import Artifact

SIGNAL_FILE, ASKED_FILE = "signals.parquet", "asked.parquet"

Doubt = tuple[str, str, float | None, float | None]
"""id, rule, value, bound."""


def near_bounds(rows: Artifact, margin: float) -> list[Doubt]:
    """Kept rows of a quality artifact whose value is within `margin` of a rule's bound, as a share of the bound.

    Of a rule that allows at most 0.3 and a margin of 0.1 those from 0.27 on. A bound of 0 has nothing near to it: its
    rule asks a question of yes or no.
    """
    signals = pl.DataFrame(pl.read_parquet(rows.path(SIGNAL_FILE))).filter(
        pl.col("rule").is_null() & (pl.col("side") == "train")
    )
    found: list[Doubt] = []
    for name, rule in rows.stats["rules"].items():
        for bound in (rule.get("min"), rule.get("max")):
            if bound and "value" in rule:
                value = pl.sql_expr(rule["value"]).cast(pl.Float64)
                near = signals.filter(_applies(rule) & ((value - bound).abs() <= margin * abs(bound)))
                pairs = near.select("id", value.alias("value")).sort("id").iter_rows()
                found += [(id, f"near: {name}", at, bound) for id, at in pairs]
    return found


def asked(rows: Artifact) -> list[Doubt]:
    """Rows that the safety policy holds."""
    if ASKED_FILE not in {file.path for file in rows.manifest.files}:
        return []
    held = pl.DataFrame(pl.read_parquet(rows.path(ASKED_FILE))).sort("id", "rule")
    return [(id, rule, None, None) for id, rule in held.select("id", "rule").iter_rows()]


def _applies(rule: Mapping[str, Any]) -> pl.Expr:
    """Whether a row is one that the rule judges."""
    judged = pl.col("kind").is_in(list(rule.get("kinds") or ("natural", "code", "mixed")))
    if rule.get("scripts", "any") != "any":
        judged &= pl.col("script") == rule["scripts"]
    if rule.get("languages"):
        judged &= pl.col("language").is_in(list(rule["languages"]))
    if rule.get("when"):
        judged &= pl.sql_expr(rule["when"])
    return judged.fill_null(False)
