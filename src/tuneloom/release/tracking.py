"""One MLflow run for a pipeline run: parameters, metrics over steps, data sets as inputs, files.

Metrics are batched (a write costs 5 ms and more), and a database that is busy for a moment does not end a training:
what could not be written is kept for the next batch. Runs are marked with their process; `reconcile` marks those
KILLED whose process is dead, since MLflow would show them as running for ever.
"""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tuneloom.errors import TuneloomError
from tuneloom.records import canonical
from tuneloom.release.connection import address, connect, exists, load_mlflow, shown
from tuneloom.release.processes import is_dead, process_mark

BATCH_SECONDS = 5.0
BATCH_METRICS = 500  # MLflow takes 1000 at once
BATCH_PARAMS = 100  # MLflow's limit
PARAM_LENGTH = 6000  # MLflow's limit
SYSTEM_SECONDS = 10.0
PROCESS_TAG = "tuneloom.process"

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracking:
    """An open run. `client` is MLflow's; whoever needs more of the API uses it with `run_id`."""

    def __init__(self, home: Path, client: Any, run_id: str, experiment_id: str) -> None:
        self.home, self.client, self.run_id, self.experiment_id = home, client, run_id, experiment_id
        self._waiting: list[Any] = []
        self._written, self._fault = time.monotonic(), ""
        known = client.get_run(run_id)
        self._params = set(known.data.params)
        self._steps = _steps_logged(client, run_id, known.data.metrics)

    def params(self, tree: Mapping[str, Any]) -> None:
        """Logs a tree of plain values flat: `{"train": {"rank": 8}}` -> `train.rank = 8`. Known names stay as they are
        (MLflow's parameters never change; a resumed run has the same)."""
        from mlflow.entities import Param

        new = [Param(name, text[:PARAM_LENGTH]) for name, text in flatten(tree) if name not in self._params]
        for start in range(0, len(new), BATCH_PARAMS):
            self.client.log_batch(self.run_id, params=new[start : start + BATCH_PARAMS])
        self._params.update(param.key for param in new)

    def log_step(self, values: Mapping[str, Any], step: int, group: str = "train", when: float | None = None) -> None:
        """Logs a step's numbers as `group/name`, in batches; None and text are left out, and steps that a resumed run
        has logged before are not logged twice. `when` is seconds since 1970, now by default."""
        from mlflow.entities import Metric

        if step <= self._steps.get(group, -1):
            return
        stamp = int((time.time() if when is None else when) * 1000)
        self._waiting += [
            Metric(f"{group}/{name}", float(value), stamp, step)
            for name, value in values.items()
            if name != "step" and isinstance(value, int | float)
        ]
        self._steps[group] = step
        if len(self._waiting) >= BATCH_METRICS or time.monotonic() - self._written >= BATCH_SECONDS:
            self._write()

    def metrics(self, values: Mapping[str, float | None], step: int, model_id: str, dataset: tuple[str, str]) -> None:
        """Logs scores of a logged model on a data set `(name, digest)`; what was not measured (None) is left out."""
        from mlflow.entities import Metric

        stamp, (name, digest) = int(time.time() * 1000), dataset
        scores = [
            Metric(key, float(value), stamp, step, model_id, name, digest, self.run_id)
            for key, value in values.items()
            if value is not None and math.isfinite(value)
        ]
        for start in range(0, len(scores), BATCH_METRICS):
            self.client.log_batch(self.run_id, metrics=scores[start : start + BATCH_METRICS])

    def dataset(self, name: str, digest: str, rows: int, source: str, context: str = "training") -> None:
        """Logs a data set as an input of the run, under our own digest (an artifact's key) and where it lies."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        kind = source.partition("://")[0] if "://" in source else "local"
        data = Dataset(name, digest, kind, json.dumps({"uri": source}), profile=json.dumps({"num_rows": rows}))
        self.client.log_inputs(self.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", context)])])

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags of the run."""
        from mlflow.entities import RunTag

        self.client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in values.items()])

    def artifact(self, path: Path, folder: str = "") -> None:
        """Copies a file to the run's files."""
        self.client.log_artifact(self.run_id, str(path), folder or None)

    @contextmanager
    def system_metrics(self, seconds: float = SYSTEM_SECONDS) -> Iterator[None]:
        """Within the block MLflow's own monitor logs the machine (`system/...`: processors, memory, disk, network,
        GPUs where pynvml is) every `seconds`, in a thread; a resumed run's steps go on."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        where = address(self.home).tracking
        monitor = SystemMetricsMonitor(self.run_id, seconds, resume_logging=True, tracking_uri=where)
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()

    def close(self, status: Status = "FINISHED") -> None:
        """Writes what waits and ends the run. Raises TuneloomError where MLflow does not take it."""
        from mlflow.exceptions import MlflowException

        self._write()
        try:
            self.client.set_terminated(self.run_id, "FAILED" if self._waiting else status)
        except MlflowException as error:
            self._fault = _brief(error)
        else:
            if not self._waiting:
                return
        what = f"{len(self._waiting)} metrics" if self._waiting else "the end of the run"
        raise TuneloomError(
            f"MLflow did not take {what}: {self._fault}",
            where=shown(address(self.home), self.home),
            remedy="Is its disk full, or its server down? Run again: finished stages are reused.",
        )

    def _write(self) -> None:
        """Sends what waits; a refused batch stays and is tried again with the next."""
        from mlflow.exceptions import MlflowException

        self._written = time.monotonic()
        while batch := self._waiting[:BATCH_METRICS]:
            try:
                self.client.log_batch(self.run_id, metrics=batch)
            except MlflowException as error:
                self._fault = _brief(error)
                return
            del self._waiting[: len(batch)]


def open_tracking(
    home: Path,
    experiment: str,
    run_name: str,
    tags: Mapping[str, str] | None = None,
    resume_run_id: str | None = None,
) -> Tracking:
    """Opens a run in `experiment`, or goes on with `resume_run_id` where MLflow still has it.

    Marks first what dead processes left open.
    """
    reconcile(home)
    client = connect(home)
    marked = {**(tags or {}), PROCESS_TAG: process_mark()}
    if resume_run_id and (experiment_id := _reopen(client, resume_run_id, marked)):
        return Tracking(home, client, resume_run_id, experiment_id)
    experiment_id = _experiment(client, experiment, address(home).artifacts)
    run = client.create_run(experiment_id, tags=marked, run_name=run_name)
    return Tracking(home, client, run.info.run_id, experiment_id)


def reconcile(home: Path) -> list[str]:
    """Marks runs KILLED that a dead process of this host left running, and returns their ids."""
    if not exists(home):
        return []
    client = connect(home)
    experiments = [found.experiment_id for found in client.search_experiments()]
    left, token = [], None
    while True:
        page = client.search_runs(experiments, "attributes.status = 'RUNNING'", page_token=token) if experiments else []
        left += [run.info.run_id for run in page if is_dead(run.data.tags.get(PROCESS_TAG, ""))]
        token = getattr(page, "token", None)
        if not token:
            break
    for run_id in left:
        client.set_terminated(run_id, "KILLED")
    return left


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"a": {"b": 1, "c": None}, "d": "x"}` -> `("a.b", "1")`, `("a.c", "null")`, `("d", "x")`."""
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping) and value:
            yield from flatten(value, name)
        else:
            yield name, value if isinstance(value, str) else canonical(value)


def metric_name(text: str) -> str:
    """A text as a part of a metric's name, which may have letters, digits and `_-. :` alone, at most 250 in all, and
    must be no path to elsewhere: `glue/mrpc (v2)` -> `glue_mrpc _v2_`, `..` -> `__`."""
    name = re.sub(r"[^\w\-. :]", "_", text[:200])
    return name if name.strip(".") else "_" * len(name)


def is_absent(error: Any) -> bool:
    """Whether an MlflowException says that what was asked for is not there (an unknown alias has a code of its own)."""
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def may_pass(error: BaseException) -> bool:
    """Whether an error of MLflow's may be gone in a moment: a locked database, a server that restarts."""
    from mlflow.exceptions import MlflowException

    passing = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED")
    return isinstance(error, MlflowException) and error.error_code in passing


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _reopen(client: Any, run_id: str, tags: Mapping[str, str]) -> str | None:
    """The experiment of a run that is running again, or None where MLflow no longer has it."""
    load_mlflow()
    from mlflow.entities import RunTag
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if is_absent(error):
            return None
        raise
    if run.info.lifecycle_stage != "active":
        return None
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.update_run(run_id, status="RUNNING")
    return run.info.experiment_id


def _experiment(client: Any, name: str, artifacts: Path | None) -> str:
    """The id of the experiment, made where there is none (another process may be making it too)."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id
    try:
        return client.create_experiment(name, artifact_location=str(artifacts) if artifacts else None)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(name).experiment_id


def _steps_logged(client: Any, run_id: str, names: Mapping[str, float]) -> dict[str, int]:
    """Last step by group (`train`) of what a resumed run has logged."""
    last: dict[str, int] = {}
    for name in names:
        group = name.partition("/")[0]
        if "/" in name and group not in last:
            last[group] = max(point.step for point in client.get_metric_history(run_id, name))
    return last
