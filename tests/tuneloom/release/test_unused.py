"""MLflow's runs and models that nobody refers to."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tuneloom.release.presence import MODEL_ID_TAG
from tuneloom.release.registry import PROMOTED_TAG, RELEASE_TAG
from tuneloom.release.tracking import open_tracking
from tuneloom.release.unused import UnusedModels, remove_models, unused_models
from tuneloom.runs import RunRecord


class Made:
    """A home with runs that each logged a model and registered it, by the name of the release."""

    def __init__(self, home: Path) -> None:
        self.home, self.runs, self.models = home, dict[str, str](), dict[str, str]()
        self.client: Any = None

    def release(self, key: str, registered: bool = True, **tags: str) -> None:
        tracking = open_tracking(self.home, "e", key, {"tuneloom.run": f"run-{key}"})
        self.client, self.runs[key] = tracking.client, tracking.run_id
        model = tracking.client.create_logged_model(tracking.experiment_id, "m", tracking.run_id, {RELEASE_TAG: key})
        self.models[key] = model.model_id
        folder = self.home / f"files-{key}"
        folder.mkdir()
        (folder / "weights").write_text("w" * 1000)
        tracking.client.log_model_artifacts(model.model_id, str(folder))
        tracking.client.finalize_logged_model(model.model_id, "READY")
        if registered:
            if not self.client.search_registered_models():
                self.client.create_registered_model("m")
            all_tags = {RELEASE_TAG: key, MODEL_ID_TAG: model.model_id, **tags}
            self.client.create_model_version(
                "m", model.artifact_location, tracking.run_id, all_tags, model_id=model.model_id
            )
        tracking.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = Made(tmp_path_factory.mktemp("unused") / ".tuneloom")
    made.release("champion")
    made.release("refused")
    made.release("was-champion", **{PROMOTED_TAG: "after version none"})
    made.release("unregistered", registered=False)
    made.release("last", registered=False)
    made.client.set_registered_model_alias("m", "champion", "1")
    stranger = made.client.create_run(made.client.get_experiment_by_name("e").experiment_id)
    made.client.set_terminated(stranger.info.run_id)
    return made


LAST = RunRecord("run-last", "p", stages={"release": "last"})


def test_runs_and_models_without_a_version_go_and_strangers_stay(made: Made) -> None:
    found = unused_models(made.home, [LAST], candidates=False)
    assert found.versions == ()
    assert found.models == (made.models["unregistered"],)
    assert found.runs == (made.runs["unregistered"],)
    assert {tags[RELEASE_TAG] for tags in found.kept_tags} == {"champion", "refused", "was-champion"}


def test_candidates_that_never_were_champion_go_on_request(made: Made) -> None:
    found = unused_models(made.home, [LAST], candidates=True)
    assert found.versions == (("m", "2"),)
    assert set(found.models) == {made.models["unregistered"], made.models["refused"]}
    assert set(found.runs) == {made.runs["unregistered"], made.runs["refused"]}
    kept = RunRecord("run-refused", "p", stages={"release": "refused"}, mlflow_run_id=made.runs["refused"])
    assert unused_models(made.home, [LAST, kept], candidates=True).versions == ()


def test_without_records_nothing_is_made(tmp_path: Path) -> None:
    assert unused_models(tmp_path / ".tuneloom", [], candidates=True) == UnusedModels()
    assert not (tmp_path / ".tuneloom").exists()


def test_what_goes_is_gone_from_the_database_and_the_disk_and_the_users_trash_stays(made: Made) -> None:
    """The last of the file: it takes what the others look at."""
    experiment = made.client.get_experiment_by_name("e").experiment_id
    made.client.delete_run(trash := made.client.create_run(experiment).info.run_id)
    waste = unused_models(made.home, [LAST], candidates=True)
    shutil.rmtree(made.client.get_logged_model(waste.models[0]).artifact_location)  # as an earlier, killed, call may
    remove_models(made.home, waste)
    left = {run.info.run_id for run in made.client.search_runs([experiment], run_view_type=3)}
    gone = {made.runs["refused"], made.runs["unregistered"]}
    assert not left & gone
    assert left >= {trash, *made.runs.values()} - gone
    files = {path.parent.parent.name for path in (made.home / "mlartifacts").rglob("weights")}
    assert files == {made.models[key] for key in ("champion", "was-champion", "last")}
    assert not unused_models(made.home, [LAST], candidates=True)
