"""The whole flow on a tiny model, through the real command, server and registry: once, again, and after kill -9."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.tiny_model import make_tiny_model
from tuneloom.config_file import load_config
from tuneloom.errors import TrainingError

STAGES = [
    "ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render",
    "train", "evaluate", "release", "report",
]  # fmt: skip
WORDS = [
    "river",
    "stone",
    "cloud",
    "lamp",
    "garden",
    "winter",
    "paper",
    "engine",
    "window",
    "harbour",
    "mirror",
    "salt",
]


def write_project(folder: Path, model: Path) -> Path:
    """A config with 130 good rows, an empty answer and a broken line, on a tiny model with a tiny budget."""
    rows = []
    for n in range(130):
        first, second, third = WORDS[n % 12], WORDS[(n // 12 + 3) % 12], WORDS[(n * 7 + 5) % 12]
        prompt = f"{n}: tell me about the {first} by the {second} and why {third} number {n * n} matters to it"
        rows.append({"instruction": prompt, "input": "", "output": f"The {first} is near the {second} ({n})."})
    lines = [json.dumps(row) for row in [*rows, {"instruction": "Nothing?", "output": ""}]] + ['{"instruction": "cut']
    (folder / "rows.jsonl").write_text("\n".join(lines))
    tree = {
        "name": "tiny",
        "model": str(model),
        "sources": [{"name": "rows", "path": "rows.jsonl"}],
        "dedup": {"near": None},
        "split": {"test": 0.3},
        "train": {"max_tokens": 3000, "tokens_per_step": 256, "dtype": "float32"},
        "evaluate": {"loss_rows": 20, "generate_rows": 4, "max_new_tokens": 8},
        "release": {"model_name": "tiny"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))
    return folder / "config.yaml"


def tuneloom(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Runs the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments], capture_output=True, text=True, check=False, **more
    )


def children_of_home(home: Path) -> list[str]:
    """Command lines of processes that name this home in their environment or arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in said and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A project that ran once to the end, and the JSON that the run printed."""
    folder = tmp_path_factory.mktemp("project")
    config = write_project(folder, make_tiny_model(folder / "model"))
    done = tuneloom("run", str(config), "--json")
    assert done.returncode == 0, done.stderr
    return config, json.loads(done.stdout)


def test_the_run_prints_one_object_with_every_stage(finished: tuple[Path, dict]) -> None:
    printed = finished[1]
    assert set(printed) == {"run", "stages", "metrics", "model", "verdict", "promoted", "report"}
    assert [stage["stage"] for stage in printed["stages"]] == STAGES
    for stage in printed["stages"][:8]:
        assert stage["rows_in"] + stage["made"] == stage["rows_out"] + stage["rejected"] + stage["held"]
    assert [stage["rows_in"] for stage in printed["stages"][8:]] == [None] * 4
    assert printed["stages"][0]["rejected"] == 2
    assert printed["verdict"] in ("promote", "refuse", "inconclusive")
    assert Path(printed["report"]).is_file()


def test_the_server_holds_exactly_the_task_runs_that_ran_all_final(finished: tuple[Path, dict]) -> None:
    with sqlite3.connect(finished[0].parent / ".tuneloom/prefect/prefect.db") as database:
        tasks = database.execute("select name, state_type from task_run").fetchall()
        flows = database.execute("select state_type from flow_run").fetchall()
    assert sorted(name.rsplit("-", 1)[0] for name, _ in tasks) == sorted(STAGES)
    assert {state for _, state in tasks} == {"COMPLETED"}
    assert flows == [("COMPLETED",)]


def test_no_process_is_left_after_the_end(finished: tuple[Path, dict]) -> None:
    assert children_of_home(finished[0].parent / ".tuneloom") == []


def test_a_second_run_does_nothing_and_starts_nothing(finished: tuple[Path, dict]) -> None:
    config, first = finished
    log = config.parent / ".tuneloom/logs/prefect-server.log"
    before = (log.stat().st_mtime_ns, os.listdir(config.parent / ".tuneloom/store/runs"))
    done = tuneloom("run", str(config), "--json")
    again = json.loads(done.stdout)
    assert "Nothing to do" in done.stderr
    assert all(stage["cached"] for stage in again["stages"])
    assert {**again, "stages": 0} == {**first, "stages": 0}
    assert (log.stat().st_mtime_ns, os.listdir(config.parent / ".tuneloom/store/runs")) == before


def test_the_model_is_registered_adapter_alone_and_answers(finished: tuple[Path, dict]) -> None:
    config, printed = finished
    home = config.parent / ".tuneloom"
    train = Path(next(s["path"] for s in printed["stages"] if s["stage"] == "train"))
    adapter = sum(f.stat().st_size for f in (train / "adapter").rglob("*") if f.is_file())
    stored = sum(f.stat().st_size for f in (home / "mlartifacts").rglob("models/*/artifacts/**/*") if f.is_file())
    assert 0 < stored <= adapter + 1_000_000
    done = tuneloom("--home", str(home), "chat", "models:/tiny@candidate", "--say", "hello", "--max-new-tokens", "4")
    assert done.returncode == 0, done.stderr


def test_trace_show_and_doctor_answer(finished: tuple[Path, dict]) -> None:
    config = finished[0]
    traced = tuneloom("trace", str(config), "river by the lamp")
    assert traced.returncode == 0, traced.stderr
    assert "ingest   kept" in traced.stdout
    assert "shard" in traced.stdout or "rejected" in traced.stdout or ".arrow" in traced.stdout
    ledger = tuneloom("trace", str(config), "--source", "rows")
    assert "1 empty answer" in ledger.stdout
    shown = tuneloom("show", "ingest", cwd=config.parent)
    assert shown.returncode == 0, shown.stderr
    assert "empty answer" in shown.stdout
    doctor = tuneloom("doctor", "--verify", cwd=config.parent)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_an_unreadable_row_is_rejected_with_file_row_and_bytes(finished: tuple[Path, dict]) -> None:
    shown = tuneloom("trace", str(finished[0]), '{"instruction": "cut')
    assert "rows.jsonl:132" in shown.stdout
    assert "rejected" in shown.stdout


@pytest.fixture
def bare_flow(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The flow's body without Prefect around it; calling it runs it, and gives what it said until it ended."""
    from flows import refresh
    from tasks.run import reporting_to
    from tests.tasks.conftest import listen

    config, told = load_config(write_project(tmp_path, tiny_model)), listen(monkeypatch)
    monkeypatch.setattr(refresh, "STAGES", tuple(task.fn for task in refresh.STAGES))
    monkeypatch.setattr(refresh, "create_markdown_artifact", lambda **_: None)

    def run() -> list[str]:
        with reporting_to(told), contextlib.suppress(TrainingError):
            refresh.refresh.fn(config, tmp_path)
        return told.lines

    return run


def test_a_flow_that_fails_leaves_its_mlflow_run_failed_with_the_steps_it_came_to(
    bare_flow: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(writer, shards, mixture, config, model, seed, told, continued) -> None:
        for step in (1, 2):
            told.on_step({"step": step, "loss": 9.0, "tokens_so_far": step, "tokens_planned": 3})
        raise TrainingError("the loss ran away")

    monkeypatch.setattr("tuneloom.train.stage.fine_tune", diverge)
    bare_flow()
    with sqlite3.connect(tmp_path / ".tuneloom/mlflow.db") as database:
        assert database.execute("select status from runs").fetchall() == [("FAILED",)]
        steps = database.execute("select step from metrics where key = 'train/loss' order by step").fetchall()
    assert steps == [(1,), (2,)]


def test_the_stores_words_reach_whoever_watches_the_flow(bare_flow: Callable[[], list[str]], tmp_path: Path) -> None:
    bare_flow()
    next((tmp_path / ".tuneloom/store/split").glob("*/part-*.parquet")).unlink()
    assert any(line.startswith("artifact split/") and "cannot be used" in line for line in bare_flow())


@pytest.mark.parametrize("stage", ["ingest", "train"])
def test_after_kill_9_the_next_run_goes_on_from_what_is_finished(tmp_path: Path, stage: str) -> None:
    config = write_project(tmp_path, make_tiny_model(tmp_path / "model"))
    home = tmp_path / ".tuneloom"
    run = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 200
    while not list((home / "store/.work").glob(f"{stage}-*")):
        assert run.poll() is None, run.stdout.read()
        assert time.monotonic() < deadline, f"{stage} never started"
        time.sleep(0.002)
    run.send_signal(signal.SIGKILL)
    run.wait()
    time.sleep(5)
    assert children_of_home(home) == []
    finished_before = {p.parent.name for p in (home / "store").glob("*/*/manifest.json")}

    done = tuneloom("run", str(config), "--json")
    assert done.returncode == 0, done.stderr
    stages = json.loads(done.stdout)["stages"]
    assert [s["stage"] for s in stages] == STAGES
    assert {s["key"] for s in stages if s["cached"]} == finished_before & {s["key"] for s in stages}
    assert not next(s for s in stages if s["stage"] == stage)["cached"]
    with sqlite3.connect(home / "prefect/prefect.db") as database:
        assert dict(database.execute("select state_type, count(*) from flow_run group by 1")) == {
            "COMPLETED": 1,
            "CRASHED": 1,
        }
        assert not database.execute("select 1 from task_run where state_type in ('RUNNING', 'PENDING')").fetchall()
    with sqlite3.connect(home / "mlflow.db") as database:
        assert not database.execute("select 1 from runs where status = 'RUNNING'").fetchall()
