"""A source that changed its character since the run before: said in the run's lines, in Prefect's UI, as an event."""

from prefect.artifacts import create_markdown_artifact

from tasks.events import tell_drifted
from tasks.run import Run
from tuneloom.artifacts import Reference
from tuneloom.drift import Drift, drifts, stored_characters
from tuneloom.runs import earlier_run


def drifts_of(run: Run) -> list[Drift]:
    """Against the last run that released, else the last that came to its mixture; none on a first run, or where that
    run's rows are gone."""
    store, record = run.plan.store, run.plan.record
    earlier = earlier_run(store, record.name, record.identity)
    keys = [earlier.stages.get(stage) for stage in ("ingest", "dedup")] if earlier else []
    found = [store.find(Reference(stage, key)) for stage, key in zip(("ingest", "dedup"), keys, strict=False) if key]
    now = run.artifact("ingest"), run.artifact("dedup")
    new = stored_characters(store, *now)  # on a first run, too: the next one compares with it
    if len(found) != 2 or found[0] is None or found[1] is None:
        return []
    if (found[0].reference, found[1].reference) == (now[0].reference, now[1].reference):
        return []
    return drifts(stored_characters(store, found[0], found[1]), new)


def tell_drift(run: Run) -> None:
    """Says it and shows it; nothing where nothing changed beyond its bound."""
    found = drifts_of(run)
    if not found:
        return
    for one in found:
        run.say(one.line)
        tell_drifted(run.plan.config.name, one)
    text = "\n".join(f"- {one.line}" for one in found)
    create_markdown_artifact(key="drift", markdown=f"Since the run before:\n\n{text}")


def drift_tags(run: Run) -> dict[str, str]:
    """For MLflow: `tuneloom.drift` = `web: length, language`; nothing where nothing changed."""
    by_source: dict[str, list[str]] = {}
    for one in drifts_of(run):
        by_source.setdefault(one.source, []).append(one.what)
    told = "; ".join(f"{source}: {', '.join(what)}" for source, what in by_source.items())
    return {"tuneloom.drift": told} if told else {}
