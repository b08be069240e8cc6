"""What the stage counts for `show quality` and the report: rules and rejects, histograms, personal data, edits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from tuneloom.config import Rule
from tuneloom.quality.measure import histograms
from tuneloom.quality.rules import Profile
from tuneloom.quality.signals import SIGNALS


class Tally:
    """Sums over the parts of an artifact."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.masked = self.judged = 0
        self.personal: Counter[str] = Counter()
        self.edited: Counter[str] = Counter()
        self.rejected: dict[str, Counter[str]] = defaultdict(Counter)
        self.alone: Counter[str] = Counter()
        self.bins = {name: [0] * len(signal.edges) for name, signal in SIGNALS.items()}

    def reject(self, names: Iterable[str], sides: Iterable[str]) -> None:
        """One rejected row each."""
        for name, side in zip(names, sides, strict=True):
            self.rejected[name][side] += 1

    def judge(self, judged: pl.DataFrame, broken: pl.DataFrame) -> None:
        """Rows that the rules were asked about: their signals, and a column a rule, true where it is broken."""
        self.judged += len(judged)
        self.alone.update({name: int(broken[name].sum()) for name in broken.columns})
        for name, counts in histograms(judged).items():
            self.bins[name] = [a + b for a, b in zip(self.bins[name], counts, strict=True)]

    def edit(self, counts: Mapping[str, int]) -> None:
        """Rows that each transform changed."""
        self.edited.update(counts)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; `alone` is what a rule would reject if there were no other."""
        rules = {rule.name: self._of(rule) for rule in self.profile.rules}
        more = [name for name in self.rejected if name not in rules]
        rules |= {name: self._counts(name) for name in sorted(more)}
        return {
            "profile": self.profile.name,
            "judged": self.judged,
            "rules": rules,
            "histograms": {
                name: {"edges": list(SIGNALS[name].edges), "counts": counts} for name, counts in self.bins.items()
            },
            "masked": self.masked,
            "personal_data": dict(sorted(self.personal.items())),
            "edited": dict(self.edited),
        }

    def _of(self, rule: Rule) -> dict[str, Any]:
        said = rule.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
        version = self.profile.versions[rule.name]
        return {**said, "version": version, **self._counts(rule.name), "alone": self.alone[rule.name]}

    def _counts(self, name: str) -> dict[str, Any]:
        return {"rejected": self.rejected[name].total(), "by_side": dict(sorted(self.rejected[name].items()))}
