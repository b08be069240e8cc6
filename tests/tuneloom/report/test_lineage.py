"""Where a run is recorded, and what it was made of."""

from pathlib import Path

from tests.tuneloom.release.chain import make_chain
from tuneloom.report.lineage import Recorded, read_lineage, read_links

RELEASED = {"tracking": "sqlite:///.tuneloom/mlflow.db", "experiment_id": "7", "mlflow_run_id": "0f3c"}


def test_records_of_a_run_alone_are_seen_where_tuneloom_ui_shows_them() -> None:
    mlflow, prefect = read_links(Recorded("r", "f1"), RELEASED)
    assert (mlflow.address, mlflow.local) == ("http://127.0.0.1:5000/#/experiments/7/runs/0f3c", True)
    assert (prefect.address, prefect.local) == ("http://127.0.0.1:4200/runs/flow-run/f1", True)


def test_records_on_servers_are_linked_there() -> None:
    server = {**RELEASED, "tracking": "https://mlflow.example.org"}
    mlflow, prefect = read_links(Recorded("r", "f1", "https://prefect.example.org/"), server)
    assert (mlflow.address, mlflow.local) == ("https://mlflow.example.org/#/experiments/7/runs/0f3c", False)
    assert (prefect.address, prefect.local) == ("https://prefect.example.org/runs/flow-run/f1", False)


def test_a_link_leads_to_the_web_or_nowhere() -> None:
    assert read_links(Recorded("r", "f1", "javascript:alert(1)//"), None) == []
    assert read_links(Recorded(), None) == []


def test_lineage_names_every_stage_with_key_and_settings(tmp_path: Path) -> None:
    chain = make_chain(tmp_path)
    found = read_lineage(chain)
    assert [(stage, key) for stage, key, _ in found.stages] == [(s, a.reference.key) for s, a in chain.items()]
    assert "threshold: 0.8" in found.settings["dedup"]
