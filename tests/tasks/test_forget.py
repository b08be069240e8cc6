"""A takedown in a pipeline that ran to its end, with its registry."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.tasks.conftest import Ended
from tuneloom.artifacts import Store
from tuneloom.forget import forget
from tuneloom.release.connection import connect
from tuneloom.release.logged_page import PAGE
from tuneloom.runs import write_run


def test_the_registered_version_that_used_a_row_is_listed_with_its_aliases(ended: Ended, tmp_path: Path) -> None:
    home = shutil.copytree(ended.run.plan.home, tmp_path / "home")
    used = ended.artifact("mixture").table(["id", "side"]).to_pylist()
    row = next(row["id"] for row in used if row["side"] == "train")
    done = forget(Store(home / "store"), home, tmp_path / "takedowns.txt", {row: ""}, "asked")
    known = {(one.model, one.version): one for one in done.models}  # other tests may have registered more of them
    model = known["tiny", 1]
    assert model.used
    assert model.aliases
    assert {"ingest", "dedup", "mixture", "render", "evaluate", "report"} <= {one.stage for one in done.artifacts}
    assert not {"train", "release"} & {one.stage for one in done.artifacts}


def test_a_takedown_reaches_the_report_among_the_files_of_the_mlflow_run(ended: Ended, tmp_path: Path) -> None:
    """On a copy of the run's record, whose MLflow run is one of its own: the files of a run lie at absolute paths."""
    home = shutil.copytree(ended.run.plan.home, tmp_path / "home")
    store, client = Store(home / "store"), connect(home)
    held, left = (client.create_run("0").info.run_id for _ in range(2))
    for run_id in (held, left):
        client.log_artifact(run_id, str(ended.artifact("report").path(PAGE)))
    write_run(store, replace(ended.run.plan.record, mlflow_run_id=held))
    row = ended.artifact("mixture").table(["id"])["id"][0].as_py()
    forget(store, home, tmp_path / "takedowns.txt", {row: ""}, "asked")
    assert [file.path for file in client.list_artifacts(held)] == []
    assert [file.path for file in client.list_artifacts(left)] == [PAGE]
