"""Budgets stop a run when they are set, and never for fewer than 100 rows (T4)."""

from tests.tuneloom.dedup.test_describe import stats
from tuneloom.config import Budgets
from tuneloom.dedup.budget import Breach, as_error, breaches
from tuneloom.errors import BudgetExceeded, WaitingForPerson


def found(told: dict, **budgets: float) -> list[Breach]:
    return list(breaches(told, Budgets(**budgets)))


def test_t4_no_default_stops_a_run():
    assert found(stats()) == []


def test_t4_a_cluster_beyond_its_budget_names_the_wording():
    assert found(stats(), largest_cluster=0.15) == []
    (breach,) = found(stats(), largest_cluster=0.14)
    assert breach.what == "150 of 1,000 rows are one cluster around web:a:1"
    assert breach.like == "Name the …"


def test_t4_a_source_beyond_its_budget_is_named():
    assert found(stats(), source_loss=0.375) == []
    (breach,) = found(stats(), source_loss=0.37)
    assert breach.what == "the source web lost 150 of its 400 rows as duplicates"


def test_t4_no_budget_counts_below_a_hundred_rows():
    few = {"rows": 100, "exact": 100, "near": 0, "largest": None}
    cluster = {"survivor": "web:a:1", "size": 100, "wording": "w", "sample": "s"}
    data = stats(rows=100, largest=[cluster], by_source={"web": few})
    assert found(data, largest_cluster=0.01, source_loss=0.01) == []


def test_no_clusters_at_all():
    assert found(stats(largest=[], by_source={}), largest_cluster=0.01, source_loss=0.01) == []


def test_the_config_says_whether_a_run_stops_or_asks():
    breach = Breach("the source web lost 150 of its 400 rows", "Name the …", "budgets.source_loss: 0.3")
    stopped, asking = (as_error(breach, how, "0123456789abcdef") for how in ("stop", "ask"))
    assert (type(stopped), stopped.exit_code) == (BudgetExceeded, 1)
    assert (type(asking), asking.exit_code) == (WaitingForPerson, 4)
    assert "Name the …" in str(stopped)
    assert "tuneloom approve 0123456789ab --reason" in str(asking)
