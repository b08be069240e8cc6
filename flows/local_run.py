"""Runs the flow on this machine: our own Prefect server as a child, the flow here, everything recorded, nothing left.

The server boots while this process imports what the stages need.
"""

import importlib
import os

from flows.console import TerminalReporter
from flows.embedded_server import EmbeddedServer
from flows.reconcile import process_tag, reconcile
from flows.settings import allow_hub
from tuneloom.artifacts import Artifact
from tuneloom.estimate import check_space
from tuneloom.plan import DATA_STAGES, Plan, make_plan
from tuneloom.release.connection import warm

_NEEDED = ("polars", "numba", "transformers", "transformers.core_model_loading")  # the last: by every tokenizer
_NEEDED_TO_TRAIN = ("torch", "peft")


def run_here(plan: Plan, until: str, reporter: TerminalReporter) -> tuple[Plan, dict[str, Artifact | None]]:
    """Runs `plan` up to `until`; returns the plan as it ended and each stage's artifact, marked reused or made."""
    check_space(plan, until)  # before the server: its database would fail first, and say less
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # our own lines say what matters
    already = {stage for stage, artifact in plan.reusable(until) if artifact}
    server = EmbeddedServer.start(plan.home, reporter.say)
    if not server.standing:
        reporter.say("Starting a Prefect server for this run, on loopback, while the libraries load")
    try:
        allow_hub(plan.config, plan.folder)
        _import_ahead(plan, until)
        server.wait_ready()
        for name in reconcile(server.standing):
            reporter.say(f"flow run {name} was left running by a process that died; marked CRASHED")
        flow_run_id = _run_flow(plan, until, reporter)
        server.drain([flow_run_id], expected=len(plan.stages(until)))
    finally:
        reporter.close()
        server.stop()
    ended = make_plan(plan.config, plan.folder, home=plan.home, limit=plan.limit, say=reporter.say)
    found = dict(ended.found(until))
    return ended, {stage: a.as_reused() if a and stage in already else a for stage, a in found.items()}


def _run_flow(plan: Plan, until: str, reporter: TerminalReporter) -> str:
    """The flow run itself, in this process; returns its id."""
    from prefect import tags

    from flows.refresh import refresh
    from tasks.run import reporting_to

    reporter.say(f"Running {plan.config.name}: {', '.join(plan.stages(until))}")
    with reporting_to(reporter), tags(process_tag()):
        state = refresh(plan.config, plan.folder, until, plan.limit, plan.home, return_state=True)
    state.result()  # raises what the flow raised
    return str(state.state_details.flow_run_id)


def _import_ahead(plan: Plan, until: str) -> None:
    """What the stages need and what takes seconds: libraries, here and in the processes that read the sources, and
    MLflow's database where there is none yet."""
    from tuneloom.ingest.stage import start_importing_for

    start_importing_for(one.file.path for one, artifact in plan.ingested() if artifact is None)
    for name in (*_NEEDED, *(() if until in DATA_STAGES else _NEEDED_TO_TRAIN)):
        importlib.import_module(name)
    if until not in DATA_STAGES:
        warm(plan.home)
