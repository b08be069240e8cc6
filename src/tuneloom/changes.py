"""Which source files are new, changed, gone or renamed since the last run of a pipeline, and which must be read.

A file is read where its artifact is not in the store: a file that is back as it once was, or that another pipeline of
the store has read under the same name, is not.
"""

from dataclasses import dataclass

from tuneloom.plan import Plan, PlannedFile
from tuneloom.runs import latest_run


@dataclass(frozen=True)
class FileChanges:
    """Names are `source:file`. `first`: no run before, so that everything is new."""

    first: bool
    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    """(name before, name now) of one content; read again, for the name stands in every row's origin."""
    read: tuple[PlannedFile, ...]
    reused: int


def file_changes(plan: Plan) -> FileChanges:
    """Compares a plan with the last run of its name that read all its files."""
    before = latest_run(plan.store, plan.config.name, ended="ingest")
    listed = before.specs["ingest"]["inputs"]["files"] if before and "ingest" in before.specs else []
    old = {f"{source}:{file}": digest for source, file, digest, *_ in listed}
    now = {file_name(planned): planned.spec.inputs["digest"] for planned in plan.files}
    new = [name for name in now if name not in old]
    gone = [name for name in old if name not in now]
    renamed = []
    for name in list(gone):
        twin = next((other for other in new if now[other] == old[name]), None)
        if twin:
            renamed.append((name, twin))
            new.remove(twin)
            gone.remove(name)
    read = tuple(planned for planned, artifact in plan.ingested() if artifact is None)
    changed = tuple(name for name in now if name in old and now[name] != old[name])
    return FileChanges(
        not old, tuple(new), changed, tuple(gone), tuple(renamed), read, len(plan.files) - len(read)
    )  # fmt: skip


def file_name(planned: PlannedFile) -> str:
    """`faq:data/a.json`."""
    return f"{planned.file.source}:{planned.file.relative}"
