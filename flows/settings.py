"""The environment of a run: nothing phones home, and Prefect's client and server agree on one loopback URL.

Plain dictionaries, to be laid over `os.environ` before the libraries that read them are imported.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuneloom.config import Config

LOOPBACK = "127.0.0.1"

OFFLINE = {
    "DO_NOT_TRACK": "true",  # MLflow understands `true` only
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_ARENA_MAX": "2",  # of the processes that read sources: each arena keeps what was freed in it
    "TQDM_DISABLE": "1",  # progress is told by our own bars and lines; others' would fill a log
    "TOKENIZERS_PARALLELISM": "false",  # we cut work into processes ourselves; forking with its threads warns
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # a forgotten URL must fail, not start a second server
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}

# Switched off in the embedded server: what serves deployments, workers and automations. A single run needs the
# recorder of task runs, the store of events, the revoker of expired concurrency slots and the vacuum; `schedules`
# brings the others back.
DEPLOYMENT_SERVICES = (
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "PAUSE_EXPIRATIONS",
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "TRIGGERS",
)


def offline_environment(current: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What to set so that no library measures, asks or downloads; loopback also bypasses a proxy named in `current`.

    `HF_HUB_OFFLINE` is in it; `allow_hub` takes it out again where the config names something on the hub.
    """
    hosts = [host for host in current.get("NO_PROXY", current.get("no_proxy", "")).split(",") if host]
    hosts += [host for host in (LOOPBACK, "localhost") if host not in hosts]
    return {**OFFLINE, "NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}


def allow_hub(config: "Config", folder: Path) -> None:
    """Lets this process ask the hub where the config names something there.

    Call it before the plan is made, and before huggingface_hub is imported, which looks once.
    """
    from tuneloom.plan import names_hub

    if names_hub(config, folder):
        os.environ.pop("HF_HUB_OFFLINE", None)


def client_environment(home: Path, port: int) -> dict[str, str]:
    """Settings of the process that runs flows against the embedded server of `home`, and of its children."""
    return {"PREFECT_HOME": str(prefect_home(home)), "PREFECT_API_URL": f"http://{LOOPBACK}:{port}/api"}


def server_environment(home: Path, port: int, schedules: bool) -> dict[str, str]:
    """Settings of the embedded server itself; every URL it tells anybody has the one port.

    By default each state of each task is a transaction, and what is not stored at the end is lost; in batches both
    recorders keep up with the tasks (1000 tasks: stored 0.1 s after the last, 14 s without; 3.5 s of CPU, not 15). The
    leases of concurrency slots lie in files, so that a slot whose holder was killed is given back by a later server.

    By default any page in the user's browser may talk to it. Its own alone may; and where it stays up, a change needs a
    token that other pages cannot read. Whoever has an account on this machine can still reach it.
    """
    recorder = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"
    persister = "PREFECT_SERVER_SERVICES_EVENT_PERSISTER"
    switched_off = () if schedules else DEPLOYMENT_SERVICES
    return {
        "PREFECT_HOME": str(prefect_home(home)),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{prefect_home(home) / 'prefect.db'}",
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": f"http://{LOOPBACK}:{port}/api",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://{LOOPBACK}:{port},http://localhost:{port}",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": str(schedules).lower(),
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # by default all runs stay for ever
        f"{recorder}_BATCH_SIZE": "100",
        f"{recorder}_READ_BATCH_SIZE": "100",
        f"{recorder}_FLUSH_INTERVAL": "1",
        f"{persister}_BATCH_SIZE": "500",
        f"{persister}_READ_BATCH_SIZE": "100",
        f"{persister}_FLUSH_INTERVAL": "0.2",
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in switched_off},
    }


def prefect_home(home: Path) -> Path:
    """Where Prefect keeps its database and settings: `/p/.tuneloom` -> `/p/.tuneloom/prefect`, always absolute."""
    return home.absolute() / "prefect"
