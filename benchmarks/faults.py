"""kill -9 at random moments of a whole run (tiny model, MLflow and all, no Prefect), and what was left each time.

    python -m benchmarks.faults --kills 300 --seed 1          Markdown for docs/reliability.md
    python -m benchmarks.faults --kills 30 --json             one object, as tests/faults reads it

This process imports what a run imports and uses nothing of it: each try is a forked child, so that it costs what the
run's work costs. After each kill every artifact's digests are compared; at the end of each project its bytes are
compared with those of a run that nobody killed.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from flows.refresh import STAGES as TASKS
from tests.flows.test_refresh import write_project
from tests.tasks.conftest import Told, listen, pytest
from tests.tiny_model import make_tiny_model
from tuneloom.artifacts import Store
from tuneloom.plan import DATA_STAGES, STAGES

HUNG_SECONDS = 240.0
"""A try that takes longer waits for something that nobody will give it."""


def main() -> int:
    """Exit 0 where nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        told = campaign(Path(folder), options.kills, options.seed)
    print(json.dumps(told) if options.json else as_markdown(told))
    return 1 if told["faults"] else 0


def campaign(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Projects one after the other, each killed until a try comes to its end; what was found, as plain values."""
    chance, started = random.Random(seed), time.monotonic()
    in_child(lambda: make_tiny_model(folder / "model"))
    config = write_project(folder, folder / "model")
    import_all(in_child(lambda: run(config)))
    shutil.rmtree(folder / ".tuneloom")
    began = time.monotonic()
    calm = one_try(config, None)
    longest = time.monotonic() - began
    wanted, faults = made_by(config, calm), list[str]()
    under_way: Counter[str] = Counter()
    killed = projects = 0
    while killed < kills:
        shutil.rmtree(folder / ".tuneloom", ignore_errors=True)
        projects += 1
        status = None
        while status is None:
            status = one_try(config, chance.uniform(0, longest) if killed < kills else None)
            if status is None:
                killed += 1
                under_way[stage_under_way(folder)] += 1
                faults += in_child(lambda: damaged(folder))
        faults += [f"a try ended with status {status}"] if status else []
        faults += compared(wanted, made_by(config, status))
        faults += in_child(lambda: damaged(folder)) + left_over(folder)
    return {
        "kills": killed, "projects": projects, "seconds": round(time.monotonic() - started, 1), "seed": seed,
        "under_way": {stage: under_way[stage] for stage in ("before", *STAGES, "after") if under_way[stage]},
        "faults": faults,
    }  # fmt: skip


def one_try(config: Path, killed_after: float | None) -> int | None:
    """A run in a child; its exit status, or None where it was killed. Raises TimeoutError where it hangs."""
    child = os.fork()
    if child == 0:
        leave(lambda: run(config))
    deadline = time.monotonic() + (HUNG_SECONDS if killed_after is None else killed_after)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if killed_after is None:
        raise TimeoutError(f"a run hung for {HUNG_SECONDS:.0f} s")
    return None


def import_all(names: list[str]) -> None:
    """What a run imports by and by; what cannot be imported by its name alone stays for the run."""
    for name in names:
        with contextlib.suppress(ImportError, AttributeError):
            importlib.import_module(name)


def run(config: Path) -> list[str]:
    """The pipeline's tasks, bare, and a note of what they made; the modules that they needed."""
    from tests.tasks.conftest import plan_run, walk

    with pytest.MonkeyPatch.context() as patch:
        told: Told = listen(patch)
        going = plan_run(config, told)
        walk(going, first=TASKS[0].name)
        going.complete()
        made = {stage: going.artifact(stage).manifest for stage in (*DATA_STAGES, "train")}
    note = {stage: {f.path: f.digest for f in one.files if _is_result(f.path)} for stage, one in made.items()}
    (config.parent / "made.json").write_text(json.dumps(note))
    return [name for name in sys.modules if name.partition(".")[0] not in ("__main__", "pytest", "_pytest")]


def _is_result(path: str) -> bool:
    """Rows and weights; not the notes, which tell seconds, too."""
    return path.endswith((".parquet", ".arrow", ".safetensors"))


def made_by(config: Path, status: int | None) -> dict[str, Any]:
    """The digests that the last run noted; none where it failed."""
    note = config.parent / "made.json"
    return json.loads(note.read_text()) if status == 0 else {}


def compared(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Stages whose files are others than those of the calm run."""
    return [f"{stage}: other bytes than without kills" for stage in wanted if found.get(stage) != wanted[stage]]


def stage_under_way(folder: Path) -> str:
    """The first stage that is not finished; `before` where nothing is there yet, `after` where all is."""
    store = folder / ".tuneloom/store"
    if not store.is_dir():
        return "before"
    return next((stage for stage in STAGES if not any((store / stage).glob("*/manifest.json"))), "after")


def damaged(folder: Path) -> list[str]:
    """Artifacts that would not be found whole."""
    return list(Store(folder / ".tuneloom/store").faults(digests=True))


def left_over(folder: Path) -> list[str]:
    """What a project that ended should not have: a run that MLflow shows as running, a second version, work folders."""
    with closing(sqlite3.connect(folder / ".tuneloom/mlflow.db")) as database:
        running = database.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0]
        versions = database.execute("select count(*) from model_versions").fetchone()[0]
    found = [f"{running} MLflow runs RUNNING"] if running else []
    found += [f"{versions} versions of one model"] if versions != 1 else []
    left = [path.name for path in (folder / ".tuneloom/store/.work").glob("*")]
    return found + ([f"work left: {', '.join(left)}"] if left else [])


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns, computed in a child, so that this process starts no threads before it forks again."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        leave(lambda: os.write(writer, json.dumps(work(), default=str).encode()))
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def leave(work: Callable[[], Any]) -> None:
    """Ends this child when `work` is done, without what the parent would do at its end."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    status = 1
    try:
        work()
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise
    finally:
        os._exit(status)


def as_markdown(told: dict[str, Any]) -> str:
    """A table of where the kills struck, and what was found."""
    rows = "".join(f"| {stage} | {count} |\n" for stage, count in told["under_way"].items())
    found = "\n".join(f"- {fault}" for fault in told["faults"]) or "nothing"
    return (
        f"{told['kills']} kills in {told['projects']} projects, {told['seconds']} s, seed {told['seed']}, "
        f"{time.strftime('%Y-%m-%d')}\n\n| first unfinished stage | kills |\n|---|---:|\n{rows}\nfound wrong: {found}"
    )


if __name__ == "__main__":
    sys.exit(main())
