"""The report among a run's files in MLflow: it holds rows' words, so a takedown must reach it there."""

from collections.abc import Iterable
from pathlib import Path

from tuneloom.release.connection import connect, exists

PAGE = "report.html"


def withdraw_pages(home: Path, run_ids: Iterable[str]) -> None:
    """Deletes the report from these MLflow runs, those that have it; a run that MLflow does not know is passed over."""
    if not exists(home):
        return
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client = connect(home)
    for run_id in run_ids:
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                continue
            raise
        if any(file.path == PAGE for file in client.list_artifacts(run_id)):
            get_artifact_repository(run.info.artifact_uri, client.tracking_uri).delete_artifacts(PAGE)
