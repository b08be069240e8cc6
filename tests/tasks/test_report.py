"""The task of the report: linked from the flow run, together with the MLflow run."""

from tasks.run import Run
from tests.tasks.conftest import Ended, Told, walk
from tuneloom.release.connection import connect


def test_the_flow_run_links_to_the_page_and_says_how_to_see_the_mlflow_run(ended: Ended) -> None:
    page = ended.artifact("report").path("report.html")
    run_id = ended.run.plan.record.mlflow_run_id
    assert ended.told.pages["report-page"] == (
        f"[report.html]({page.as_uri()})\n\n"
        f"MLflow run `{run_id}`: `mlflow ui --backend-store-uri sqlite:///.tuneloom/mlflow.db`"
    )
    assert connect(ended.run.plan.home).get_run(run_id).info.run_id == run_id


def test_a_page_that_was_there_is_linked_as_well(ended: Ended, again: Run, told: Told) -> None:
    walk(again, first="report")
    assert told.pages["report-page"] == ended.told.pages["report-page"]


def test_the_page_names_every_artifact_it_tells_of(ended: Ended) -> None:
    text = ended.artifact("report").path("report.html").read_text("utf-8")
    assert all(reference.key in text for stage, reference in ended.outcomes.items() if stage != "report")
