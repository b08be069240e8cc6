"""What people read beside a version."""

from tuneloom.release.description import describe, number, run_command, run_page
from tuneloom.release.lineage import Trained


def test_a_version_tells_verdict_scores_and_licences() -> None:
    metric = {"base": 1.92, "tuned": 1.57, "difference": -0.35, "low": -0.46, "high": -0.24}
    reason = "Against the base: loss is better."
    data = [Trained("faq", "MIT", 20), Trained("web", "unknown", 1500)]
    text = describe(
        {"verdict": "promote", "reason": reason, "n": 150, "metrics": {"loss": metric}}, "smol", data, (900, 1200)
    )
    assert text.startswith(f"Tuned from **smol**. The gate says **promote** (150 rows). {reason}")
    assert "| loss | 1.92 | 1.57 | -0.35 | -0.46 to -0.24 |" in text
    told = "Trained on 1,520 rows; training took 900 tokens, of 1,200 in these rows. Licences: MIT, unknown."
    table = ["| source | licence | rows |", "|---|---|---|", "| web | unknown | 1,500 |", "| faq | MIT | 20 |"]
    assert text.splitlines()[-6:] == [told, "", *table]


def test_what_was_not_measured_is_a_dash_and_never_zero() -> None:
    assert (number(None), number(0.0), number(0.123456)) == ("–", "0", "0.1235")


def test_a_run_has_a_page_where_a_server_shows_it_and_a_command_elsewhere() -> None:
    said = {"tracking": "https://host/mlflow/", "experiment_id": "7", "mlflow_run_id": "0f3c"}
    assert run_page(said) == "https://host/mlflow/#/experiments/7/runs/0f3c"
    local = {**said, "tracking": "sqlite:///my home/mlflow.db"}
    assert run_page(local) is None
    assert run_command(local) == "mlflow ui --backend-store-uri 'sqlite:///my home/mlflow.db'"
