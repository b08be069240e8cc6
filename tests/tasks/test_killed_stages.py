"""kill -9 in every stage, as bare processes: what is finished stays, what is under way leaves nothing, and the end is
the same as without. (Through the real flow: tests/flows/test_refresh.py.)"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.flows.test_refresh import write_project
from tests.tiny_model import make_tiny_model
from tuneloom.plan import DATA_STAGES, STAGES

RUN = """
import json, logging, os, signal, sys
from pathlib import Path

import flows.refresh
from tasks import events, report, run, stage
from tasks.run import Run
from tuneloom.artifacts import Writer
from tuneloom.config_file import load_config
from tuneloom.plan import STAGES, make_plan

config, doomed = Path(sys.argv[1]), sys.argv[2:]
run.get_run_logger = stage.get_run_logger = logging.getLogger  # no Prefect around these processes
for module, names in (
    (stage, ("create_table_artifact", "create_progress_artifact", "update_progress_artifact")),
    (report, ("create_markdown_artifact",)),
    (events, ("emit_event",)),
):
    for name in names:
        setattr(module, name, lambda *_, **__: None)
finish = Writer.finish


def pipeline(killed_in):
    def finish_or_die(writer):
        if writer.spec.stage == killed_in:
            os.kill(os.getpid(), signal.SIGKILL)  # all is written, nothing is committed
        return finish(writer)

    Writer.finish = finish_or_die
    run, made = Run(make_plan(load_config(config), config.parent)), {}
    for task in flows.refresh.STAGES:
        task.fn(run, *([None] if made else []))
        artifact = run.artifact(task.name)
        made[task.name] = {f.path: f.digest for f in artifact.manifest.files}
    run.complete()
    (config.parent / "made.json").write_text(json.dumps(made))


for stage_name in [*doomed, None]:
    child = os.fork()
    if child == 0:
        pipeline(stage_name)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found = {path.parts[-3] for path in config.parent.glob(".tuneloom/store/*/*/manifest.json")}
    found = sorted(found.intersection(STAGES))
    print(json.dumps([stage_name, os.WTERMSIG(status), os.WEXITSTATUS(status), found]), flush=True)
"""


def run_in(folder: Path, model: Path, *doomed: str) -> list:
    """Runs the pipeline in a process for each doomed stage, then to the end; what each run left, in order."""
    folder.mkdir()
    config = write_project(folder, model)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(config), *doomed],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PREFECT_LOGGING_LEVEL": "ERROR"},
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(lines) == len(doomed) + 1, done.stdout + done.stderr
    return lines


def test_kill_9_in_any_stage_loses_that_stage_alone_and_changes_no_byte(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "model")
    lines = run_in(tmp_path / "killed", model, *STAGES)
    for number, (stage, by, _, found) in enumerate(lines[:-1]):
        assert by == signal.SIGKILL, stage
        assert found == sorted(STAGES[:number])
    assert lines[-1] == [None, 0, 0, sorted(STAGES)]
    assert not list((tmp_path / "killed/.tuneloom/store/.work").iterdir())

    with sqlite3.connect(tmp_path / "killed/.tuneloom/mlflow.db") as database:
        assert database.execute("select count(*) from model_versions").fetchone() == (1,), "released once, not twice"

    run_in(tmp_path / "calm", model)
    killed, calm = (json.loads((tmp_path / name / "made.json").read_text()) for name in ("killed", "calm"))
    assert {stage: killed[stage] for stage in DATA_STAGES} == {stage: calm[stage] for stage in DATA_STAGES}
    assert killed["train"]["adapter/adapter_model.safetensors"] == calm["train"]["adapter/adapter_model.safetensors"]
