"""kill -9 at random moments of a whole run (tiny model, MLflow and all), and what was left each time.

    python -m benchmarks.faults --kills 300 --seed 1          Markdown for docs/reliability.md
    python -m benchmarks.faults --kills 30 --json             one object, as tests/faults reads it
    python -m benchmarks.faults --kills 0 --commands 10       kills the real command, with its Prefect server

This process imports what a run imports and uses nothing of it: each try is a forked child, so that it costs what the
run's work costs. After each kill every artifact's digests are compared; at the end of each project its bytes are
compared with those of a run that nobody killed. One thread and float32 are set, for the probe of a busy machine may
choose otherwise in the next try; checkpoints are written after each step, so that killed trainings have what to go on
from.
"""

import argparse
import contextlib
import functools
import importlib
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flows.refresh import STAGES as TASKS
from tests.flows.test_refresh import write_project
from tests.tasks.conftest import Told, listen, pytest
from tests.tiny_model import make_tiny_model
from tuneloom.artifacts import Store, code_digest
from tuneloom.plan import DATA_STAGES, STAGES

COMPARED = (*DATA_STAGES, "train")
RESULTS = (".parquet", ".arrow", ".safetensors")
RESUMED = "resumed.txt"
HUNG_SECONDS = 240.0
"""A try that takes longer waits for something that nobody will give it."""


ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TRAINING = {"max_tokens": 3000, "tokens_per_step": 40, "dtype": "float32"}
"""With short packs some twelve steps, to be killed between any two of them."""
REACH = 0.6
"""Of a calm run's time, within which a try is killed: it goes on from what is finished, so that later tries come to the
end."""


def main() -> int:
    """Exit 0 where nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--commands", type=int, default=0, help="besides, kills of the real command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        told = campaign(Path(folder), options.kills, options.commands, options.seed)
    print(json.dumps(told) if options.json else as_markdown(told))
    return 1 if told["faults"] else 0


@dataclass
class Campaign:
    """Projects one after the other, each killed until a try comes to its end; what was wanted, and what has been met.

    An attempt takes the seconds after which it is killed, or None, and gives its exit status, or None where it was.
    """

    config: Path
    chance: random.Random
    wanted: dict[str, Any]
    killed: int = 0
    projects: int = 0
    under_way: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def kill(self, kills: int, attempt: Callable[[float | None], int | None], longest: float) -> None:
        """So many kills, at moments within REACH of `longest` seconds."""
        folder, until = self.config.parent, self.killed + kills
        while self.killed < until:
            shutil.rmtree(folder / ".tuneloom", ignore_errors=True)
            self.projects += 1
            status = None
            while status is None:
                status = attempt(self.chance.uniform(0, REACH * longest) if self.killed < until else None)
                if status is None:
                    self.killed += 1
                    self.under_way[stage_under_way(folder)] += 1
                    self.faults += in_child(lambda: damaged(folder))
            self.faults += [f"a try ended with status {status}"] if status else []
            self.faults += compared(self.wanted, made_in(folder))
            self.faults += in_child(lambda: damaged(folder)) + left_over(folder)


def campaign(folder: Path, kills: int, commands: int, seed: int) -> dict[str, Any]:
    """What so many kills of the tasks, bare, and of the real command brought, as plain values."""
    started = time.monotonic()
    in_child(lambda: make_tiny_model(folder / "model"))
    config = write_project(folder, folder / "model")
    tree = {**yaml.safe_load(config.read_text()), "render": {"max_length": 256}, "train": TRAINING}
    config.write_text(yaml.safe_dump(tree))
    import_all(in_child(lambda: run(config)))
    calm, longest = timed(config, one_try)
    going = Campaign(config, random.Random(seed), made_in(folder))
    if calm != 0 or not all(going.wanted.values()):
        going.faults.append(f"the run that nobody killed ended with status {calm}")
    (folder / RESUMED).unlink(missing_ok=True)
    going.kill(kills, functools.partial(one_try, config), longest)
    if commands:
        going.kill(commands, functools.partial(one_command, config), timed(config, one_command)[1])
    resumed = (folder / RESUMED).read_text().splitlines() if (folder / RESUMED).is_file() else []
    under_way = {stage: going.under_way[stage] for stage in ("before", *STAGES, "after") if going.under_way[stage]}
    return {
        "kills": going.killed, "projects": going.projects, "commands": commands, "resumed": len(resumed),
        "seconds": round(time.monotonic() - started, 1), "seed": seed,
        "under_way": under_way, "faults": going.faults,
    }  # fmt: skip


def timed(config: Path, attempt: Callable[[Path, None], int | None]) -> tuple[int | None, float]:
    """The status and the seconds of an attempt from nothing that nobody kills."""
    shutil.rmtree(config.parent / ".tuneloom", ignore_errors=True)
    began = time.monotonic()
    return attempt(config, None), time.monotonic() - began


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
    """What a run imports by and by, and the digests of our code; what has no name of its own stays for the run."""
    for name in names:
        with contextlib.suppress(ImportError, AttributeError):
            importlib.import_module(name)
    for stage in STAGES:
        code_digest(f"tuneloom.{stage}")


def run(config: Path) -> list[str]:
    """The pipeline's tasks, bare; the modules that they needed."""
    import torch

    from tests.tasks.conftest import plan_run, walk
    from tuneloom.train import job

    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Checkpoints", functools.partial(job.Checkpoints, least_seconds=0, share=math.inf))
        told: Told = listen(patch)
        patch.setattr(told, "say", lambda line: note_resumed(config.parent, line))
        going = plan_run(config, told)
        walk(going, first=TASKS[0].name)
        going.complete()
    return [name for name in sys.modules if name.partition(".")[0] not in ("__main__", "pytest", "_pytest")]


def note_resumed(folder: Path, line: str) -> None:
    """Keeps the lines that say that a training goes on from a checkpoint."""
    if "training goes on" in line:
        with (folder / RESUMED).open("a") as notes:
            notes.write(line + "\n")


def one_command(config: Path, killed_after: float | None) -> int | None:
    """`tuneloom run` with its server; as `one_try`, but the server's processes are others', and end by themselves."""
    command = [sys.executable, "-P", "-m", "flows.cli", "run", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait(HUNG_SECONDS if killed_after is None else killed_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        if killed_after is None:
            raise
        return None


def made_in(folder: Path) -> dict[str, Any]:
    """The digests of each stage's results in the store: rows and weights, not the notes, which tell seconds, too."""
    found: dict[str, Any] = {}
    for stage in COMPARED:
        manifests = [
            json.loads(path.read_text()) for path in (folder / ".tuneloom/store" / stage).glob("*/manifest.json")
        ]
        digests = {(file["path"], file["digest"]) for one in manifests for file in one["files"]}
        found[stage] = sorted(pair for pair in digests if pair[0].endswith(RESULTS))
    return found


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
    found += unfinished_in_prefect(folder / ".tuneloom/prefect/prefect.db")
    found += [f"{versions} versions of one model"] if versions != 1 else []
    left = [path.name for path in (folder / ".tuneloom/store/.work").glob("*")]
    return found + ([f"work left: {', '.join(left)}"] if left else [])


def unfinished_in_prefect(place: Path) -> list[str]:
    """Flow and task runs that Prefect's database shows as under way, where there is one."""
    if not place.is_file():
        return []
    with closing(sqlite3.connect(place)) as database:
        counts = {
            table: database.execute(
                f"select count(*) from {table} where state_type in ('RUNNING', 'PENDING')"
            ).fetchone()[0]
            for table in ("flow_run", "task_run")
        }
    return [f"Prefect: {count} of {table} under way" for table, count in counts.items() if count]


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
        f"{told['commands']} of them of the real command, {told['resumed']} trainings went on from a checkpoint, "
        f"{time.strftime('%Y-%m-%d')}\n\n| first unfinished stage | kills |\n|---|---:|\n{rows}\nfound wrong: {found}"
    )


if __name__ == "__main__":
    sys.exit(main())
