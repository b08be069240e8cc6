"""The gate's plan: all that decides a verdict but the scores, fixed and hashed before any model is asked.

It says what is measured on which items, what the gate asks for, how small a difference so many items can tell, and how
many candidates the items of each suite have judged before: every look at them wears them out.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.config import Gate
from tuneloom.errors import BrokenArtifact, ConfigError
from tuneloom.evaluate.metrics import Direction, Sureness, load_metrics
from tuneloom.records import canonical, digest
from tuneloom.statistics import detectable_before, margin_shown_by, share_items_for
from tuneloom.statistics.power import DISCORDANCE
from tuneloom.suites import Suite

PLAN, ITEMS_FILE = "plan.json", "items.parquet"


@dataclass(frozen=True)
class Measured:
    """What a metric is: its `file` in metrics/ (or `loss`), the suite it is of, its largest score (None: unbounded),
    how many items it is measured on, the setting it is measured in, where it names one, of a user's own metric the text
    of its file, so that a verdict can be made again from what is stored, and why this machine cannot measure it."""

    direction: Direction
    interval: Sureness
    largest: float | None
    file: str
    suite: str
    items: int = 0
    signature: str | None = None
    code: str | None = None
    missing: str | None = None


@dataclass(frozen=True)
class ItemSet:
    """The items of a suite: how many, and the digest of their ids."""

    items: int
    digest: str


@dataclass(frozen=True)
class Leak:
    """A suite's question that stands in training rows: its text, and where the first of those rows came from."""

    suite: str
    text: str
    origins: tuple[str, ...]

    def __str__(self) -> str:
        """`mood_en "A dull film." in made:rows.jsonl:12`."""
        text = self.text if len(self.text) <= 60 else f"{self.text[:60]} …"
        return f'{self.suite} "{text}" in {", ".join(self.origins)}'


@dataclass(frozen=True)
class DataFacts:
    """What is known of the data: suite rows found in the training rows (None: not looked for), a breach of the ledger,
    the share of rows rejected in this run and in the champion's (None: not known here), and the champion's name."""

    contaminated: tuple[Leak, ...] | None = None
    breach: str | None = None
    reject_rate: float | None = None
    champion_reject_rate: float | None = None


@dataclass(frozen=True)
class GatePlan:
    """`watched` are the metrics of the run's own held-out answers; `uses` are the candidates that each set of items has
    judged, this one included."""

    gate: Gate
    metrics: Mapping[str, Measured]
    watched: tuple[str, ...]
    sets: Mapping[str, ItemSet]
    data: DataFacts
    uses: Mapping[str, int]
    seed: int

    def detectable(self, metric: str) -> float | None:
        """The smallest true difference that the items find in four of five tries, were one item in ten to change;
        None where a score has no bound, such as the loss."""
        known = self.metrics[metric]
        return None if known.largest is None else detectable_before(known.items, known.largest, self.gate.confidence)

    def to_json(self) -> str:
        """Canonical JSON, the smallest detectable differences included."""
        tree = {
            "gate": self.gate.model_dump(mode="json"),
            "metrics": {name: asdict(known) for name, known in self.metrics.items()},
            "watched": list(self.watched),
            "sets": {name: asdict(one) for name, one in self.sets.items()},
            "data": asdict(self.data),
            "uses": dict(self.uses),
            "seed": self.seed,
            "detectable": {name: self.detectable(name) for name in self.metrics},
        }
        return canonical(tree)

    @property
    def digest(self) -> str:
        """Hash of the plan."""
        return digest(self.to_json())

    def lines(self) -> list[str]:
        """For people, before the run: `mood_en.accuracy: 24 items, tells differences from 0.18 on`."""
        said = [f"gate plan {self.digest}; candidates judged, this one included: {told(self.uses)}"]
        for name, known in self.metrics.items():
            small = self.detectable(name)
            tells = "" if small is None else f", tells differences from {small:.2g} on"
            tells = f", not assessable: {known.missing}" if known.missing else tells
            said.append(f"{name}: {known.items} items{tells}")
        return said


def plan_from_json(text: str) -> GatePlan:
    """Reads what `to_json` wrote."""
    tree = json.loads(text)
    facts = tree["data"]
    found = facts["contaminated"]
    leaks = None if found is None else tuple(Leak(o["suite"], o["text"], tuple(o["origins"])) for o in found)
    return GatePlan(
        Gate.model_validate(tree["gate"]),
        {name: Measured(**known) for name, known in tree["metrics"].items()},
        tuple(tree["watched"]),
        {name: ItemSet(**one) for name, one in tree["sets"].items()},
        DataFacts(**{**facts, "contaminated": leaks}),
        tree["uses"],
        tree["seed"],
    )


def item_set(ids: Iterable[str]) -> ItemSet:
    """`["b", "a"]` and `["a", "b"]` are one set."""
    listed = sorted(ids)
    return ItemSet(len(listed), digest(canonical(listed)))


def told(uses: Mapping[str, int]) -> str:
    """`held_out 1, mood_en 12`."""
    return ", ".join(f"{name} {times}" for name, times in sorted(uses.items()))


def count_uses(sets: Mapping[str, Collection[str]], candidate: str, earlier: Sequence[Artifact]) -> dict[str, int]:
    """How many candidates, this one included, each set of item ids has judged, by the evaluations in the store.

    `candidate` is the key of its training; judging it again is no further look. An evaluation counts where it asked
    half of the set: new rows do not make the others fresh.
    """
    judged = {name: {candidate} for name in sets}
    for evaluation in earlier if any(sets.values()) else ():
        seen = set(pq.read_table(evaluation.path(ITEMS_FILE), columns=["id"])["id"].unique().to_pylist())
        trained = {parent.key for parent in evaluation.manifest.parents if parent.stage == "train"}
        for name, ids in sets.items():
            if ids and 2 * len(seen.intersection(ids)) >= len(ids):
                judged[name] |= trained
    return {name: len(keys) for name, keys in judged.items()}


def check_margins(gate: Gate, suites: Sequence[Suite]) -> None:
    """Raises ConfigError for a guard that would stop every promotion over a champion: right or wrong on so few rows
    shows no margin so small, were one row in ten to change."""
    known = load_metrics(metric for suite in suites for metric in suite.own_metrics)
    for name, margin in gate.guards.items():
        for suite in suites:
            metric = known.get(name.removeprefix(f"{suite.name}.").split(".")[0])
            wanted = share_items_for(DISCORDANCE, margin, gate.confidence) or 0
            rows = metric.count(suite.rows) if metric else 0
            if name.startswith(f"{suite.name}.") and metric and metric.interval == "share" and 0 < rows < wanted:
                least = math.ceil(1000 * margin_shown_by(rows, gate.confidence)) / 1000
                raise ConfigError(
                    f"the {rows} rows of {suite.name} cannot show a margin of {margin:g} in {name}, {wanted} could",
                    where="config key `release.gate.guards`",
                    remedy=f"Name a floor instead (release.gate.floors), a margin from {least:g} on, or more rows.",
                )


def check_selection(stats: Mapping[str, Any], sets: Mapping[str, ItemSet]) -> None:
    """Raises ConfigError where training chose its checkpoint on items that also judge: the best of ten equal ones
    looks 3 points better on them, and passes for better in 40 % of cases. What does not say is a BrokenArtifact."""
    if "chosen_on" not in stats:
        raise BrokenArtifact(
            "the training does not say on what its checkpoint was chosen",
            where="stage train, stats `chosen_on`",
            remedy="An earlier version trained it: remove its folder from the store and run again, or change `seed`.",
        )
    chosen = stats["chosen_on"]
    if chosen is not None and (chosen == "test" or chosen in sets):
        raise ConfigError(
            f"the checkpoint was chosen on {chosen!r}, which also judges it",
            where="stage train",
            remedy="Choose checkpoints on the validation side.",
        )
