"""Rule profiles: rules as data, read from `profiles/<name>.yaml`, checked, and turned into expressions over signals.

A profile is found by its file name; `none` has no rules. Every rejected row names the rule that it broke first, in the
order of the file, with the value and the bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from tuneloom.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

PROFILES = Path(__file__).parent / "profiles"
KINDS = ("natural", "code", "mixed")


@dataclass(frozen=True)
class Rule:
    """`value` must lie within the bounds, for rows of the kinds and scripts where `when` holds."""

    name: str
    value: str
    source: str
    min: float | None = None
    max: float | None = None
    when: str | None = None
    kinds: tuple[str, ...] = KINDS
    scripts: Literal["any", "spaced", "unspaced"] = "any"

    def breaks(self) -> "pl.Expr":
        """True for rows that break the rule, over a frame with the signals, `kind` and `script`."""
        import polars as pl

        value = pl.sql_expr(self.value)
        outside = pl.lit(False)
        if self.max is not None:
            outside |= value > self.max
        if self.min is not None:
            outside |= value < self.min
        judged = pl.col("kind").is_in(self.kinds)
        if self.scripts != "any":
            judged &= pl.col("script") == self.scripts
        if self.when:
            judged &= pl.sql_expr(self.when)
        return (judged & outside).fill_null(False)


@dataclass(frozen=True)
class Profile:
    """Rules in the order in which they are asked."""

    name: str
    version: int = 1
    rules: tuple[Rule, ...] = field(default=())


def load_profile(name: str, folder: Path = PROFILES) -> Profile:
    """Reads and checks a profile. Raises ConfigError naming file, rule and remedy."""
    if name == "none":
        return Profile("none")
    path = _path(name, folder)
    tree = yaml.safe_load(path.read_text("utf-8"))
    rules = tuple(_rule(entry, f"{path.name}: rule {number}") for number, entry in enumerate(tree["rules"], 1))
    names = [rule.name for rule in rules]
    if twice := {n for n in names if names.count(n) > 1}:
        raise ConfigError(
            f"two rules are named {sorted(twice)[0]!r}", where=path.name, remedy="Give each a name of its own."
        )
    return Profile(name, tree["version"], rules)


def _path(name: str, folder: Path) -> Path:
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(["none", *sorted(file.stem for file in folder.glob("*.yaml"))])
        raise ConfigError(f"no rule profile {name!r}", where="quality.rules", remedy=f"Profiles: {known}.")
    return path


def _rule(entry: dict[str, Any], where: str) -> Rule:
    try:
        rule = Rule(**{**entry, "kinds": tuple(entry.get("kinds", KINDS))})
    except TypeError as error:
        keys = ", ".join(Rule.__dataclass_fields__)
        raise ConfigError(
            f"the rule {entry!r} is not complete: {error}", where=where, remedy=f"Keys: {keys}."
        ) from None
    if rule.min is None and rule.max is None:
        raise ConfigError(f"rule {rule.name!r} has no bound", where=where, remedy="Give it `min` or `max`.")
    if unknown := set(rule.kinds) - set(KINDS):
        raise ConfigError(
            f"rule {rule.name!r} names the kind {sorted(unknown)[0]!r}",
            where=where,
            remedy=f"Kinds: {', '.join(KINDS)}.",
        )
    for text in filter(None, (rule.value, rule.when)):
        _check_signals(rule, text, where)
    return rule


def _check_signals(rule: Rule, text: str, where: str) -> None:
    """All names are signals, and none that counts by spaces may judge rows of other scripts."""
    import polars as pl

    from tuneloom.quality.signals import SIGNALS

    try:
        names: Sequence[str] = pl.sql_expr(text).meta.root_names()
    except (pl.exceptions.SQLSyntaxError, pl.exceptions.SQLInterfaceError) as error:
        raise ConfigError(
            f"rule {rule.name!r}: {text!r} is no expression of SQL: {error}", where=where, remedy="Mend it."
        ) from None
    for name in names:
        if name not in SIGNALS:
            raise ConfigError(
                f"rule {rule.name!r} uses the signal {name!r}, which there is not",
                where=where,
                remedy=f"Signals: {', '.join(SIGNALS)}.",
            )
        if SIGNALS[name].scripts not in ("any", rule.scripts):
            raise ConfigError(
                f"rule {rule.name!r} would judge text of {rule.scripts} script by {name!r}, which is valid for "
                f"{SIGNALS[name].scripts} script only",
                where=where,
                remedy=f"Add `scripts: {SIGNALS[name].scripts}` to the rule.",
            )
