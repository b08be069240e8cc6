"""What another rule or bound would reject, from the signals that the stage stored; no row is read, no stage run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tuneloom.config import Rule
from tuneloom.errors import ConfigError
from tuneloom.quality.expressions import check_expression
from tuneloom.quality.rules import Profile, breaks

EXAMPLES = 3


@dataclass(frozen=True)
class Answer:
    """What a rule would do to the judged rows."""

    rule: str
    judged: int
    rejected: int
    """rows that it would reject, whatever the other rules say"""
    new: int
    """of those, rows that the run kept"""
    freed: int
    """rows that this rule rejected in the run and no rule would reject now"""
    by_side: tuple[tuple[str, int], ...]
    by_source: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]
    """ids of a few that would be rejected and were kept"""


def rules_of_run(stats: Mapping[str, Any]) -> Profile:
    """The rules as the run asked them, from the stage's stats."""
    told = {name: rule for name, rule in stats["rules"].items() if "value" in rule}
    known = {key for key in Rule.model_fields if key != "name"}
    rules = [Rule(name=name, **{key: rule[key] for key in rule if key in known}) for name, rule in told.items()]
    return Profile(stats["profile"], tuple(rules), {name: rule["version"] for name, rule in told.items()})


def what_if_rule(signals: pl.DataFrame, expression: str) -> Answer:
    """What a rule would reject that breaks where `expression` holds: "answer_words < 3 AND language = 'en'"."""
    broken = check_expression(expression, "--rule", result="yes or no")
    return _answer(signals, expression, signals.select(broken.fill_null(False).alias("broken"))["broken"], None)


def what_if_bound(signals: pl.DataFrame, profile: Profile, said: str) -> Answer:
    """What a rule of the profile would reject with another bound: "repeated phrase=0.2", "too little said.min=20"."""
    rule, changed = _changed(profile, said)
    broken = signals.select(breaks(changed).alias("broken"))["broken"]
    others = [breaks(other) for other in profile.rules if other.name != rule.name]
    elsewhere = signals.select(pl.any_horizontal(*others, pl.lit(False)).alias("broken"))["broken"]
    freed = ((signals["rule"] == rule.name).fill_null(False) & ~broken & ~elsewhere).sum()
    return _answer(signals, f"{rule.name}: {changed.value} {_bounds(changed)}", broken, int(freed))


def _changed(profile: Profile, said: str) -> tuple[Rule, Rule]:
    name, sign, number = said.rpartition("=")
    name, end = name.strip(), ""
    for suffix in ("min", "max"):
        if name.endswith(f".{suffix}"):
            name, end = name.removesuffix(f".{suffix}"), suffix
    found = next((rule for rule in profile.rules if rule.name == name), None)
    if not sign or found is None:
        known = ", ".join(rule.name for rule in profile.rules)
        raise ConfigError(
            f"--bound {said!r} names no rule", where="--bound", remedy=f"Write NAME=VALUE; rules: {known}."
        )
    try:
        value = float(number)
    except ValueError:
        raise ConfigError(f"--bound {said!r}: {number!r} is no number", where="--bound", remedy="Give one.") from None
    if found.min is not None and found.max is not None and not end:
        raise ConfigError(f"{name!r} has two bounds", where="--bound", remedy=f"Write {name}.min= or {name}.max=.")
    end = end or ("min" if found.min is not None else "max")
    return found, found.model_copy(update={end: value})


def _answer(signals: pl.DataFrame, rule: str, broken: pl.Series, freed: int | None) -> Answer:
    hit = signals.select("id", "rule", "side", "source").filter(broken)
    new = hit.filter(pl.col("rule").is_null())
    return Answer(
        rule,
        len(signals),
        len(hit),
        len(new),
        freed or 0,
        _counts(hit["side"]),
        _counts(hit["source"]),
        tuple(new["id"].head(EXAMPLES)),
    )


def _counts(values: pl.Series) -> tuple[tuple[str, int], ...]:
    counted: Sequence[tuple[str, int]] = values.value_counts().rows()
    return tuple(sorted(counted, key=lambda pair: (-pair[1], pair[0] or "")))


def _bounds(rule: Rule) -> str:
    low, high = (
        (f">= {rule.min:g}" if rule.min is not None else ""),
        (f"<= {rule.max:g}" if rule.max is not None else ""),
    )
    return " and ".join(filter(None, (low, high)))
