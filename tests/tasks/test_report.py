"""The task of the report: linked from the flow run, together with the MLflow run."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_UI_URL, temporary_settings

from tasks.report import _prefect_page
from tasks.run import Run
from tests.tasks.conftest import Ended, Told, walk
from tuneloom.release.connection import connect
from tuneloom.release.logged_page import PAGE


def test_the_flow_run_links_to_the_page_and_says_how_to_see_the_mlflow_run(ended: Ended) -> None:
    page = ended.artifact("report").path(PAGE)
    run_id = ended.run.plan.record.mlflow_run_id
    assert ended.told.pages["report-page"] == (
        f"[report.html]({page.as_uri()})\n\n"
        f"MLflow run `{run_id}`: `mlflow ui --backend-store-uri sqlite:///.tuneloom/mlflow.db`"
    )
    assert connect(ended.run.plan.home).get_run(run_id).info.run_id == run_id


def test_the_page_is_logged_to_the_mlflow_run_byte_for_byte(ended: Ended, tmp_path: Path) -> None:
    client, run_id = connect(ended.run.plan.home), ended.run.plan.record.mlflow_run_id
    logged = Path(client.download_artifacts(run_id, PAGE, str(tmp_path)))
    assert logged.read_bytes() == ended.artifact("report").path(PAGE).read_bytes()


def test_the_page_links_to_its_records_and_names_its_run(ended: Ended) -> None:
    text, record = ended.artifact("report").path(PAGE).read_text("utf-8"), ended.run.plan.record
    assert f"runs/{record.mlflow_run_id}" in text
    assert f"run {record.identity[:12]}" in text


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("http://127.0.0.1:53211", None),
        ("http://localhost:4200", None),
        ("https://prefect.example.org", "https://prefect.example.org"),
    ],
)
def test_a_server_that_is_gone_with_the_run_is_no_link(address: str, page: str | None) -> None:
    with temporary_settings({PREFECT_UI_URL: address}):
        assert _prefect_page() == page


def test_a_page_that_was_there_is_linked_as_well(ended: Ended, again: Run, told: Told) -> None:
    walk(again, first="report")
    assert told.pages["report-page"] == ended.told.pages["report-page"]


def test_the_page_names_every_artifact_it_tells_of(ended: Ended) -> None:
    text = ended.artifact("report").path(PAGE).read_text("utf-8")
    assert all(reference.key in text for stage, reference in ended.outcomes.items() if stage != "report")
