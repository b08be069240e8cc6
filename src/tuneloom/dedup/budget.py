"""Budgets: how much deduplication may take before a run stops, or asks a person. There is none by default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuneloom.config import Budgets
from tuneloom.dedup.describe import FEW
from tuneloom.errors import BudgetExceeded, TuneloomError, WaitingForPerson


@dataclass(frozen=True)
class Breach:
    """`what` exceeds the budget at `where`; most of it reads `like` that."""

    what: str
    like: str
    where: str


def breaches(stats: Mapping[str, Any], budgets: Budgets) -> Iterator[Breach]:
    """Where a cluster or a source's losses exceed a budget, and 100 rows, naming the wording."""
    cluster = next(iter(stats["largest"]), None)
    most = budgets.largest_cluster
    if most is not None and cluster and _over(cluster["size"], stats["rows"], most):
        yield Breach(
            f"{cluster['size']:,} of {stats['rows']:,} rows are one cluster around {cluster['survivor']}",
            cluster["wording"],
            f"budgets.largest_cluster: {most:g}",
        )
    for name, source in stats["by_source"].items() if budgets.source_loss is not None else ():
        lost = source["exact"] + source["near"]
        wording = source["largest"]["wording"] if source["largest"] else ""
        if _over(lost, source["rows"], budgets.source_loss or 0.0):
            yield Breach(
                f"the source {name} lost {lost:,} of its {source['rows']:,} rows as duplicates",
                wording,
                f"budgets.source_loss: {budgets.source_loss:g}",
            )


def as_error(breach: Breach, on_breach: str, run: str) -> TuneloomError:
    """What ends a run of that identity: BudgetExceeded, or WaitingForPerson where a person is to be asked."""
    what, look = f"{breach.what}, most like {breach.like!r}", "Look with `tuneloom show dedup`"
    if on_breach == "ask":
        remedy = f'{look}; `tuneloom approve {run[:12]} --reason "..."` lets it pass, then run again.'
        return WaitingForPerson(what, where=breach.where, remedy=remedy)
    remedy = f"{look}; then mend the source, `dedup.near`, or raise the budget."
    return BudgetExceeded(what, where=breach.where, remedy=remedy)


def _over(found: int, rows: int, share: float) -> bool:
    return found > max(FEW, share * rows)
