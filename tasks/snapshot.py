"""Before anything trains: what is new, gone and changed in the data since the last release."""

from tasks.run import Run
from tasks.stage import show_table
from tuneloom.runs import earlier_run
from tuneloom.snapshot import lines, snapshot_of, store_difference, table


def tell_changes(run: Run) -> None:
    """Says it and shows it in the UI; nothing on a first run, or where nothing changed."""
    store, record = run.plan.store, run.plan.record
    earlier = earlier_run(store, record.name, record.identity)
    before, now = (snapshot_of(store, one) if one else None for one in (earlier, record))
    if earlier is None or now is None:
        return
    what = "the last release" if "release" in earlier.stages else "the last run"
    if before is None:
        run.say(f"data: those of {what} are gone, so nothing is said of what changed since")
        return
    told = store_difference(store, before, now).stats
    for number, line in enumerate(lines(told)):
        if number == 0:
            run.say(f"data since {what} of {earlier.name} ({earlier.started}):")
        run.say(line)
    if rows := table(told):
        show_table("changes", rows, f"since run `{earlier.identity}`")
