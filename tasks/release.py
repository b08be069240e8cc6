"""Release: the model into the registry, the alias where the gate says so."""

from prefect import task
from prefect.events import emit_event
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tasks.tracking import close_tracking, run_tracking
from tuneloom.artifacts import Reference, Writer
from tuneloom.release.registry import find_version


@task(name="release", **STAGE)
def release(run: Run, evaluation: Reference) -> State | Reference:
    """Registers the candidate, and promotes it or not."""
    plan = run.plan

    def build(writer: Writer) -> None:
        from tuneloom.release.stage import release as register

        scores, tuned = run.artifact("evaluate"), run.artifact("train")
        lineage = [*plan.store.lineage(scores)]
        register(writer, scores, tuned, lineage, plan.model, plan.config.release, tracking)
        emit_event(
            "tuneloom.candidate.registered", resource={"prefect.resource.id": f"tuneloom.model.{plan.config.name}"}
        )

    tracking = run_tracking(run)
    spec = plan.specs["release"]
    if plan.store.find(spec.reference) and not find_version(tracking.client, plan.config.release.model_name, spec.key):
        plan.store.remove(spec.reference, "the registry does not have its version")
    outcome = run_stage(run, "release", build)
    close_tracking(run, "FINISHED")
    return outcome
