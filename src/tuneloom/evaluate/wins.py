"""Items on which one of two models does better, with what both said: what a difference looks like."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc

from tuneloom.evaluate import held_out
from tuneloom.evaluate.comparison import sign
from tuneloom.evaluate.sides import Side, pairs_of
from tuneloom.text.personal_data import mask


@dataclass(frozen=True)
class Sample:
    """An item on which one did better (`gain` is the first's): what was asked, wanted and said."""

    suite: str
    metric: str
    better: str
    gain: float
    prompt: str | None
    references: tuple[str, ...]
    first: str | None
    second: str | None


def samples(first: Side, second: Side, most: int) -> Iterator[Sample]:
    """Of each suite at most `most` items that the first does better, and as many that the second does, by the suite's
    first metric of answers; the largest differences first."""
    told: set[str] = set()
    for metric, found in pairs_of(first, second).items():
        measured = first.measured[metric]
        if measured.suite in told or measured.file == held_out.METRIC:
            continue
        told.add(measured.suite)
        gains = (found.differences * sign(measured.direction)).tolist()
        ranked = sorted(zip(gains, found.tuned.ids, strict=True), key=lambda one: (-abs(one[0]), one[1]))
        for better, way in (("first", 1), ("second", -1)):
            for gain, row_id in [one for one in ranked if one[0] * way > 0][:most]:
                yield _sample(first, second, metric, better, row_id, gain)


def masked(sample: Sample) -> Sample:
    """The same with personal data replaced by their marks: what people see."""
    texts = (mask(text) if text else text for text in (sample.prompt, sample.first, sample.second))
    prompt, first, second = texts
    return replace(
        sample, prompt=prompt, first=first, second=second, references=tuple(mask(one) for one in sample.references)
    )


def _sample(first: Side, second: Side, metric: str, better: str, row_id: str, gain: float) -> Sample:
    suite = first.measured[metric].suite
    said = [_said(side, suite, row_id) for side in (first, second)]
    asked = first.questions.get(row_id) or second.questions.get(row_id)
    references = asked.references if asked else _references(first, suite, row_id)
    return Sample(suite, metric, better, gain, asked.prompt if asked else None, references, *said)


def _said(side: Side, suite: str, row_id: str) -> str | None:
    found = _output(side, suite, row_id)
    return found["output"] if found else None


def _references(side: Side, suite: str, row_id: str) -> tuple[str, ...]:
    found = _output(side, suite, row_id)
    return tuple(found["references"] or ()) if found else ()


def _output(side: Side, suite: str, row_id: str) -> dict[str, Any] | None:
    mine = pc.and_(pc.equal(side.outputs["suite"], suite), pc.equal(side.outputs["id"], row_id))
    rows = side.outputs.filter(mine).to_pylist()
    return rows[0] if rows else None
