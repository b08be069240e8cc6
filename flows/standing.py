"""What stands while people watch and schedules fire: a Prefect server, a worker, MLflow, and the deployments.

All of it is this process's: the server and the companions end when it does, however it ends. `.tuneloom/ui.json` tells
runs from the command line which server to use, and `--stop` whom to end.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from flows import companion
from flows.embedded_server import EmbeddedServer
from flows.reconcile import reconcile
from flows.settings import LOOPBACK
from flows.standing_note import NOTE, Standing, read_note, write_note
from tasks.slots import make_training_slot
from tuneloom.errors import ConfigError, NotPermitted, TuneloomError
from tuneloom.release.processes import lives_here

POOL = "tuneloom"
"""The work pool, of processes, that the deployments name."""
CODE = Path(__file__).parents[1]
DEPLOYMENTS = CODE / "deployments" / "prefect.yaml"
Part = subprocess.Popen[bytes]


@contextlib.contextmanager
def stand(
    home: Path, port: int, mlflow_port: int, config: Path | None, say: Callable[[str], None]
) -> Iterator[tuple[Standing, Mapping[Path, Part]]]:
    """Starts everything and, with a `config`, deploys what runs it; ends everything after the block.

    Gives what stands, and its parts by their logs. Raises ConfigError where a port is taken or a server stands already,
    TuneloomError where a part does not start.
    """
    if (told := read_note(home)) is not None:
        raise ConfigError(
            f"it stands already, at {told.prefect or 'its start'}",
            where=str(home / NOTE),
            remedy="End it: tuneloom ui --stop.",
        )
    for number in (port, mlflow_port):
        _check_free(number)
    with contextlib.ExitStack() as held:
        held.callback((home / NOTE).unlink, missing_ok=True)
        write_note(home)  # at once: it may wait for a run, and can be ended from then on
        say(f"Starting Prefect on {LOOPBACK}:{port} and MLflow on {LOOPBACK}:{mlflow_port}")
        server = held.enter_context(EmbeddedServer.start(home, say, schedules=True, port=port))
        if server.child is None:
            raise ConfigError(
                f"PREFECT_API_URL names a server already: {server.api_url}", where="environment", remedy="Unset it."
            )
        mlflow = held.enter_context(_companion(home, "mlflow", _mlflow_command(home, mlflow_port)))
        server.wait_ready()
        for name in reconcile(standing=False):
            say(f"flow run {name} was left running by a process that died; marked CRASHED")
        make_training_slot()
        _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
        worker = held.enter_context(_companion(home, "prefect-worker", _worker_command()))
        if config is not None:
            deploy(config, home)
        logs = home / "logs"
        _wait_for(f"http://{LOOPBACK}:{mlflow_port}/health", mlflow, logs / "mlflow.log")
        parts = {
            server.child.log: server.child.process,
            logs / "mlflow.log": mlflow,
            logs / "prefect-worker.log": worker,
        }
        yield write_note(home, server.api_url, f"http://{LOOPBACK}:{mlflow_port}"), parts


def watch(parts: Mapping[Path, Part]) -> None:
    """Returns never; raises TuneloomError, naming the log, as soon as one of them ends."""
    while True:
        for log, process in parts.items():
            if process.poll() is not None:
                raise TuneloomError(
                    f"{log.stem} has ended with status {process.returncode}, and so all ends",
                    where=str(log),
                    remedy="Look there for the reason, and start it again.",
                )
        time.sleep(0.5)


def deploy(config: Path, home: Path) -> None:
    """Deploys `deployments/prefect.yaml` for a config to the server that the environment names."""
    path = config.resolve()
    place = {
        "TUNELOOM_CONFIG": str(path),
        "TUNELOOM_FOLDER": str(path.parent),
        "TUNELOOM_HOME": str(home),
        "TUNELOOM_CODE": str(CODE),
        "TUNELOOM_POOL": POOL,
    }
    _prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS), more=place)


def end_standing(home: Path, seconds: float = 60) -> bool:
    """Asks what stands to end and waits until it has; False where nothing stood. Raises TuneloomError
    after `seconds`."""
    told = read_note(home)
    if told is None:
        return False
    try:
        os.kill(told.pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    except PermissionError as error:
        raise NotPermitted(
            f"process {told.pid} is another user's", where=str(home / NOTE), remedy="Ask whoever started it to end it."
        ) from error
    deadline = time.monotonic() + seconds
    while lives_here(told.process):
        if time.monotonic() >= deadline:
            raise TuneloomError(f"process {told.pid} has not ended", where=str(home / NOTE), remedy="End it yourself.")
        time.sleep(0.1)
    return True


def _mlflow_command(home: Path, port: int) -> list[str]:
    from tuneloom.release.connection import address

    where = address(home)
    serve = ["mlflow", "server", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    files = ["--default-artifact-root", str(where.artifacts)] if where.artifacts else []
    return [sys.executable, "-P", "-m", *serve, "--backend-store-uri", where.tracking, *files]


def _worker_command() -> list[str]:
    return [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]


@contextlib.contextmanager
def _companion(home: Path, name: str, command: list[str]) -> Iterator[Part]:
    """A program that ends with us; what it says goes to `logs/<name>.log`."""
    log = home / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", companion.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=home,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(companion.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _prefect(*arguments: str, more: Mapping[str, str] | None = None) -> None:
    command = [sys.executable, "-P", "-m", "prefect", *arguments]
    env = {**os.environ, **(more or {})}
    done = subprocess.run(command, cwd=CODE, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        raise TuneloomError(f"`prefect {' '.join(arguments[:3])}` failed: {said[-500:]}", where="deployments")


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} is taken", where=f"{LOOPBACK}:{port}", remedy="Choose others: --port, --mlflow-port."
            ) from error


def _wait_for(url: str, process: Part, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            build_opener(ProxyHandler({})).open(url, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise TuneloomError("MLflow does not answer", where=str(log), remedy="Look there for the reason.")
