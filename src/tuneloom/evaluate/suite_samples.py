"""A suite's questions with what every model said to them, side by side, for people to read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.evaluate.items import SAMPLES
from tuneloom.evaluate.questions import Wanted
from tuneloom.evaluate.ranking import likeliest
from tuneloom.suites import Suite


def suite_samples(suite: Suite, wanted: Sequence[Wanted], outputs: pa.Table) -> pa.Table:
    """`outputs` (schema OUTPUTS) of all models to the suite's questions, as a table of schema SAMPLES, in the order of
    their ids. Where labels are ranked and nothing is generated, the likeliest label stands for the answer."""
    said: dict[str, dict[str, str | None]] = {one.id: {} for one in wanted}
    for row in outputs.filter(pc.equal(outputs["suite"], suite.name)).to_pylist():
        said[row["id"]][row["model"]] = row["output"] if row["output"] is not None else _ranked(suite, row)
    rows = [
        {
            "suite": suite.name,
            "id": one.id,
            "task": one.task,
            "language": one.language,
            "prompt": one.prompt,
            "references": list(one.references),
            **said[one.id],
        }
        for one in sorted(wanted, key=lambda one: one.id)
    ]
    return pa.Table.from_pylist(rows, schema=SAMPLES)


def _ranked(suite: Suite, row: Mapping[str, Any]) -> str | None:
    reading = next((reading for reading in suite.readings if reading != "generated"), None)
    if reading is None or row["label_sums"] is None:
        return None
    return likeliest(suite.labels, row["label_sums"], row["blank_sums"], reading)
