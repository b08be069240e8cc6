"""Rule profiles: rules as data, read from `profiles/<name>.yaml` and the config, checked before anything is judged.

A profile is found by its file name; `none` has no rules. One may build on another (`base`): it takes over that one's
rules, replaces those it names again and leaves out those of `without`. Every rejected row names the rule that it broke
first, in that order, with its version, the value and the bound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from tuneloom.config import Quality, Rule
from tuneloom.errors import ConfigError
from tuneloom.quality.expressions import check_expression, names_in
from tuneloom.records import canonical, digest

if TYPE_CHECKING:
    import polars as pl

PROFILES = Path(__file__).parent / "profiles"


@dataclass(frozen=True)
class Profile:
    """Rules in the order in which they are asked, and by name the version of each: `standard-2`, `config-1f3a9c02`."""

    name: str
    rules: tuple[Rule, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def with_rules(self, rules: Iterable[Rule], versions: Mapping[str, str]) -> "Profile":
        """The profile with `rules` added, each in the place of one that had its name."""
        merged = {rule.name: rule for rule in self.rules} | {rule.name: rule for rule in rules}
        return Profile(self.name, tuple(merged.values()), {**self.versions, **versions})

    def without(self, names: Sequence[str]) -> "Profile":
        """The profile without the rules of those names."""
        kept = tuple(rule for rule in self.rules if rule.name not in names)
        return Profile(self.name, kept, {rule.name: self.versions[rule.name] for rule in kept})


def rules_of(config: Quality) -> Profile:
    """The profile of a config, with its own rules. Raises ConfigError naming the rule, the value and the remedy."""
    profile = load_profile(config.rules)
    _check_names(config.without, profile, "quality.without")
    for number, rule in enumerate(config.more):
        check_rule(rule, f"quality.more.{number}")
    _check_twins(config.more, "quality.more")
    versions = {rule.name: f"config-{digest(canonical(rule.model_dump(mode='json')))[:8]}" for rule in config.more}
    return profile.without(config.without).with_rules(config.more, versions)


def load_profile(name: str, folder: Path = PROFILES) -> Profile:
    """Reads and checks a profile. Raises ConfigError naming file, rule and remedy."""
    if name == "none":
        return Profile("none")
    path = _path(name, folder)
    tree = yaml.safe_load(path.read_text("utf-8"))
    rules = [_rule(entry, f"{path.name}: rule {number}") for number, entry in enumerate(tree.get("rules", ()), 1)]
    _check_twins(rules, path.name)
    base, without = load_profile(tree.get("base", "none"), folder), tree.get("without", ())
    _check_names(without, base, f"{path.name}: without")
    made = Profile(name, base.rules, base.versions).without(without)
    return made.with_rules(rules, {rule.name: f"{name}-{tree['version']}" for rule in rules})


def breaks(rule: Rule) -> "pl.Expr":
    """True for rows that break the rule, over a frame with the signals and categories."""
    import polars as pl

    value = pl.sql_expr(rule.value).cast(pl.Float64)
    outside = pl.lit(False)
    if rule.max is not None:
        outside |= value > rule.max
    if rule.min is not None:
        outside |= value < rule.min
    judged = pl.col("kind").is_in(rule.kinds)
    if rule.scripts != "any":
        judged &= pl.col("script") == rule.scripts
    if rule.languages:
        judged &= pl.col("language").is_in(rule.languages)
    if rule.when:
        judged &= pl.sql_expr(rule.when)
    return (judged & outside).fill_null(False)


def check_rule(rule: Rule, where: str) -> None:
    """Raises ConfigError for a rule without a bound, an expression that is none, or a signal that says nothing about
    the rows that the rule would judge."""
    from tuneloom.quality.signals import SIGNALS

    if rule.min is None and rule.max is None:
        raise ConfigError(f"rule {rule.name!r} has no bound", where=where, remedy="Give it `min` or `max`.")
    check_expression(rule.value, f"{where}: {rule.name}: value")
    if rule.when:
        check_expression(rule.when, f"{where}: {rule.name}: when", result="yes or no")
    for name in names_in(f"{rule.value} {rule.when or ''}"):
        signal = SIGNALS.get(name)
        if signal and signal.scripts not in ("any", rule.scripts):
            raise ConfigError(
                f"rule {rule.name!r} would judge text of {rule.scripts} script by {name!r}, which is valid for "
                f"{signal.scripts} script only",
                where=where,
                remedy=f"Add `scripts: {signal.scripts}` to the rule.",
            )
        if signal and signal.languages and not (rule.languages and {*rule.languages} <= {*signal.languages}):
            raise ConfigError(
                f"rule {rule.name!r} would judge every language by {name!r}, which is valid for "
                f"{', '.join(signal.languages)} only",
                where=where,
                remedy=f"Add `languages: [{', '.join(signal.languages)}]` to the rule.",
            )


def _path(name: str, folder: Path) -> Path:
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(["none", *sorted(file.stem for file in folder.glob("*.yaml"))])
        raise ConfigError(f"no rule profile {name!r}", where="quality.rules", remedy=f"Profiles: {known}.")
    return path


def _rule(entry: dict[str, Any], where: str) -> Rule:
    try:
        rule = Rule.model_validate(entry)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(
            f"the rule {entry!r} is not complete: {faults}",
            where=where,
            remedy=f"Keys: {', '.join(Rule.model_fields)}.",
        ) from None
    check_rule(rule, where)
    return rule


def _check_twins(rules: Sequence[Rule], where: str) -> None:
    names = [rule.name for rule in rules]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(
            f"two rules are named {sorted(twice)[0]!r}", where=where, remedy="Give each a name of its own."
        )


def _check_names(names: Sequence[str], profile: Profile, where: str) -> None:
    for name in names:
        if name not in profile.versions:
            known = ", ".join(profile.versions) or "none"
            raise ConfigError(
                f"the profile {profile.name!r} has no rule {name!r}", where=where, remedy=f"Its rules: {known}."
            )
