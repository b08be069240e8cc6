"""Ingestion: one artifact a source file, so that a refresh reads new files only; the stage is their union."""

from collections import Counter
from functools import partial

from prefect import task
from prefect.states import State

from tasks.events import tell_refreshed
from tasks.run import Run
from tasks.stage import RETRIED, STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.errors import NoUsableData
from tuneloom.plan import check_unchanged


@task(name="ingest", **STAGE, **RETRIED)
def ingest(run: Run) -> State | Reference:
    """Reads every file that is new, and unites all."""
    outcome = run_stage(run, "ingest", lambda writer: _unite(run, writer))
    if isinstance(outcome, Reference):
        tell_refreshed(run.plan.config.name, run.artifact("ingest"))
    return outcome


def _unite(run: Run, writer: Writer) -> None:
    from tuneloom.ingest.block import Terms
    from tuneloom.ingest.files import Job, ingest_files

    plan, members = run.plan, []
    allowed = plan.config.licenses.allow
    terms = Terms(plan.takedowns, None if allowed is None else frozenset(allowed), plan.plugins)
    jobs = [
        Job(one.spec, one.file, one.source, partial(check_unchanged, plan.home, plan.folder, one)) for one in plan.files
    ]
    for number, member in enumerate(ingest_files(plan.store, jobs, terms, plan.limit), 1):
        members.append(member)
        run.reporter.progress("ingest", "files", number, len(jobs))
    writer.union((m.reference, m.manifest.counts, dict(m.manifest.reasons)) for m in members)
    writer.stats["files"] = [m.stats for m in members]
    if not sum(m.manifest.counts.rows_out or 0 for m in members):
        reasons = Counter[str]()
        for member in members:
            reasons.update(member.manifest.reasons)
        told = ", ".join(f"{count} {why}" for why, count in reasons.most_common())
        raise NoUsableData(
            f"no usable row in {len(members)} files: {told or 'they are empty'}",
            where=", ".join(sorted({planned.source.name for planned in plan.files})),
            remedy="Look at the reasons with `tuneloom show ingest`; name the `format` or map its `columns`.",
        )
