"""Budgets: how much deduplication may take before a run stops and a person looks. There is none by default."""

from collections.abc import Mapping
from typing import Any

from tuneloom.config import Budgets
from tuneloom.dedup.describe import FEW
from tuneloom.errors import BudgetExceeded


def check_budgets(stats: Mapping[str, Any], budgets: Budgets) -> None:
    """Raises BudgetExceeded where a cluster or a source's losses exceed a budget, and 100 rows, naming the wording."""
    cluster = next(iter(stats["largest"]), None)
    if budgets.largest_cluster is not None and cluster:
        _check(
            cluster["size"],
            stats["rows"],
            budgets.largest_cluster,
            f"{cluster['size']:,} of {stats['rows']:,} rows are one cluster around {cluster['survivor']}, "
            f"like {cluster['wording']!r}",
            "budgets.largest_cluster",
        )
    for name, source in stats["by_source"].items() if budgets.source_loss is not None else ():
        lost = source["exact"] + source["near"]
        wording = source["largest"]["wording"] if source["largest"] else ""
        _check(
            lost,
            source["rows"],
            budgets.source_loss or 0.0,
            f"the source {name} lost {lost:,} of its {source['rows']:,} rows as duplicates, most like {wording!r}",
            "budgets.source_loss",
        )


def _check(found: int, rows: int, share: float, what: str, where: str) -> None:
    if found > max(FEW, share * rows):
        raise BudgetExceeded(
            what,
            where=f"{where}: {share:g}",
            remedy="Look with `tuneloom show dedup`; then mend the source, `dedup.near`, or raise the budget.",
        )
