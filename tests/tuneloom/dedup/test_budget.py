"""Budgets stop a run when they are set, and never for fewer than 100 rows (T4)."""

import pytest

from tests.tuneloom.dedup.test_describe import stats
from tuneloom.config import Budgets
from tuneloom.dedup.budget import check_budgets
from tuneloom.errors import BudgetExceeded


def test_t4_no_default_stops_a_run():
    check_budgets(stats(), Budgets())


def test_t4_a_cluster_beyond_its_budget_names_the_wording():
    check_budgets(stats(), Budgets(largest_cluster=0.15))
    with pytest.raises(BudgetExceeded, match=r"150 of 1,000 rows are one cluster around web:a:1, like 'Name the …'"):
        check_budgets(stats(), Budgets(largest_cluster=0.14))


def test_t4_a_source_beyond_its_budget_is_named():
    check_budgets(stats(), Budgets(source_loss=0.375))
    with pytest.raises(BudgetExceeded, match=r"source web lost 150 of its 400 rows.*show dedup"):
        check_budgets(stats(), Budgets(source_loss=0.37))


def test_t4_no_budget_counts_below_a_hundred_rows():
    few = {"rows": 100, "exact": 100, "near": 0, "largest": None}
    cluster = {"survivor": "web:a:1", "size": 100, "wording": "w", "sample": "s"}
    data = stats(rows=100, largest=[cluster], by_source={"web": few})
    check_budgets(data, Budgets(largest_cluster=0.01, source_loss=0.01))


def test_no_clusters_at_all():
    check_budgets(stats(largest=[], by_source={}), Budgets(largest_cluster=0.01, source_loss=0.01))
