"""Whether a source has changed its character since an earlier run: length, languages, duplicates.

Nothing is rejected for it: a person looks. A length is compared by the standardised difference of the means of its
logarithm (Cohen's d, pooled deviation; 0.5 is his "medium", Statistical Power Analysis, 1988), shares by total
variation, half the sum of the absolute differences. A bound grows by what chance alone makes of small sources.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from tuneloom.artifacts import Artifact, Spec, Store, Writer, code_digest

STAGE = "character"
LENGTH = 0.5
"""Standard deviations of ln(1 + characters)."""
LANGUAGES = 0.1
"""Total variation: a tenth of the rows is in other languages than before."""
DUPLICATES = 0.1
"""Of a source's rows a tenth more, or fewer, are duplicates."""
LEAST_ROWS = 50
"""A source with fewer, before or now, is not judged."""


@dataclass(frozen=True)
class Character:
    """What a source is like. `length` and `deviation` are of ln(1 + characters of all messages); `languages` are shares
    of its rows; `duplicates` is the share that deduplication rejected."""

    rows: int
    length: float
    deviation: float
    languages: Mapping[str, float]
    duplicates: float


@dataclass(frozen=True)
class Drift:
    """What of a source changed, by how much, over which bound, and how to say it."""

    source: str
    what: str
    change: float
    bound: float
    told: str

    @property
    def line(self) -> str:
        """`source web changed: lengths, typically 120 -> 480 characters (1.9 deviations, bound 0.52)`."""
        return f"source {self.source} changed: {self.told}"


def drifts(before: Mapping[str, Character], now: Mapping[str, Character]) -> list[Drift]:
    """What changed beyond its bound in the sources that are in both, by source.

    Shares {"en": 1.0} and {"en": 0.6, "zh": 0.4} of 10,000 rows each: 0.4, over 0.1 and the 0.014 of chance.
    """
    found: list[Drift] = []
    for source in sorted(before.keys() & now.keys()):
        old, new = before[source], now[source]
        if min(old.rows, new.rows) >= LEAST_ROWS:
            found += [one for one in _compared(source, old, new) if one.change > one.bound]
    return found


def characters(ingest: Artifact, dedup: Artifact) -> dict[str, Character]:
    """The character of every source, from what was read and what was rejected of that as duplicate."""
    parts = [_looked_at(pl.from_arrow(part)) for part in ingest.tables(["origin", "messages", "language"])]
    if not parts:
        return {}
    rows = pl.concat(parts)
    lengths = rows.group_by("source").agg(
        pl.len(), pl.col("length").mean().alias("mean"), pl.col("length").std(ddof=0).alias("deviation")
    )
    languages: dict[str, dict[str, int]] = {}
    for source, language, count in rows.group_by("source", "language").len().sort("language").iter_rows():
        languages.setdefault(source, {})[language] = count
    rejected = dedup.rejected(["origin"])["origin"].combine_chunks().field("source").value_counts().to_pylist()
    lost = {one["values"]: one["counts"] for one in rejected}
    return {
        source: Character(
            count,
            mean,
            deviation,
            {language: n / count for language, n in languages[source].items()},
            lost.get(source, 0) / count,
        )
        for source, count, mean, deviation in lengths.sort("source").iter_rows()
    }


def stored_characters(store: Store, ingest: Artifact, dedup: Artifact) -> dict[str, Character]:
    """`characters`, kept in the store: the next run reads what this one looked at."""

    def build(writer: Writer) -> None:
        writer.stats.update({source: asdict(one) for source, one in characters(ingest, dedup).items()})

    spec = Spec(STAGE, code_digest("tuneloom.drift"), parents=(ingest.reference, dedup.reference))
    return {source: Character(**one) for source, one in store.ensure(spec, build).stats.items()}


def _looked_at(part: Any) -> pl.DataFrame:
    """Source, language ("" where unknown) and ln(1 + characters) of each row of ingest's."""
    contents = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
    return part.select(
        pl.col("origin").struct.field("source"), pl.col("language").fill_null(""), contents.log1p().alias("length")
    )


def _compared(source: str, old: Character, new: Character) -> Iterator[Drift]:
    """All three comparisons; chance is two standard errors of a difference, of a share at most half of that."""
    chance = 2 * math.sqrt(1 / old.rows + 1 / new.rows)
    length = _standardised(old, new)
    sizes = f"{math.expm1(old.length):,.0f} -> {math.expm1(new.length):,.0f}"
    bound = LENGTH + chance
    told = f"lengths, typically {sizes} characters ({length:.2g} deviations, bound {bound:.2g})"
    yield Drift(source, "length", length, bound, told)
    variation, bound = _variation(old.languages, new.languages), LANGUAGES + chance / 2
    most = f"{_mostly(old.languages)} -> {_mostly(new.languages)}"
    told = f"languages, {most} (variation {variation:.2g}, bound {bound:.2g})"
    yield Drift(source, "language", variation, bound, told)
    difference, bound = abs(new.duplicates - old.duplicates), DUPLICATES + chance / 2
    told = f"duplicates, {old.duplicates:.0%} -> {new.duplicates:.0%} of its rows (bound {bound:.2g})"
    yield Drift(source, "duplicates", difference, bound, told)


def _standardised(old: Character, new: Character) -> float:
    """|difference of the means| / pooled deviation; infinite where rows of one length became rows of another."""
    apart = abs(new.length - old.length)
    squares = old.rows * old.deviation**2 + new.rows * new.deviation**2
    pooled = math.sqrt(squares / (old.rows + new.rows))
    if pooled < 1e-9:
        return math.inf if apart > 1e-9 else 0.0
    return apart / pooled


def _variation(old: Mapping[str, float], new: Mapping[str, float]) -> float:
    """Total variation of two distributions: {"a": 1} and {"b": 1} -> 1.0."""
    return sum(abs(new.get(one, 0.0) - old.get(one, 0.0)) for one in old.keys() | new.keys()) / 2


def _mostly(shares: Mapping[str, float], most: int = 3) -> str:
    """`90% en, 10% zh`: the largest three."""
    largest = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return ", ".join(f"{share:.0%} {language or 'unknown'}" for language, share in largest)
