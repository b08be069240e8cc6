"""Reviews conversations through a real store."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.tuneloom.quality.judged import table
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Review
from tuneloom.records import Conversation
from tuneloom.review.decisions import Decision, decisions_key
from tuneloom.review.pick import Doubt
from tuneloom.review.stage import review


def reviewed(
    folder: Path,
    rows: Sequence[Conversation],
    config: Review,
    decisions: Sequence[Decision] = (),
    doubts: Iterable[Doubt] = (),
    sides: Sequence[str] | None = None,
) -> Artifact:
    """What the stage makes of the rows."""
    store, made = Store(folder), table(rows, sides)

    def put(writer: Writer) -> None:
        writer.add(made)
        writer.count(rows_in=len(made))

    parent = store.ensure(Spec("quality", "test", inputs={"rows": made["id"].to_pylist()}), put)
    inputs = {"decisions": decisions_key(decisions), "doubts": [str(doubt) for doubt in doubts]}
    spec = Spec("review", "test", 0, config.model_dump(mode="json"), inputs, (parent.reference,))
    return store.ensure(spec, lambda writer: review(writer, parent, config, decisions, 0, doubts))
