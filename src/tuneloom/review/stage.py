"""The stage: rows that people rejected leave, rows they edited change, rows in doubt are held; the run goes on without.

Only training rows are held; a decision holds for the row on whichever side it is. A decided row is never held again
for the same rule, and a row that anybody rejected stays out whatever the rule was; of several edits the last counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Review
from tuneloom.records import reject_rows
from tuneloom.review.decisions import Decision
from tuneloom.review.edit import edited
from tuneloom.review.pick import Doubt, sampled, undecided
from tuneloom.text.personal_data import mask
from tuneloom.text.private_rows import mask_rows

VERSION = "review-1"
REASON = "rejected in review"
DOUBTS = pa.list_(pa.struct([("rule", pa.string()), ("value", pa.float64()), ("bound", pa.float64())]))
"""The column `doubts` that held rows have besides those of the kept ones."""


def review(
    writer: Writer,
    rows: Artifact,
    config: Review,
    decisions: Sequence[Decision],
    seed: int,
    doubts: Iterable[Doubt] = (),
    masks: bool = True,
) -> None:
    """Applies the decisions and holds the rows of `doubts` (near a bound, or asked about by a policy) and of the sample
    that are not decided. `masks`: whether new words of a reviewer pass the personal-data mask.
    """
    words: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        words[decision.id].append(decision)
    drawn = sampled(_trained(rows), config.sample, seed) if config.sample else []
    held = undecided([*doubts, *drawn], {id: [one.rule for one in said] for id, said in words.items()})
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    met, overruled = set[str](), 0
    for table in rows.tables():
        writer.count(rows_in=len(table))
        ids, sides = table["id"].to_pylist(), table["side"].to_pylist()
        fates = [_fate(id, side, words, held) for id, side in zip(ids, sides, strict=True)]
        met |= words.keys() & ids
        counts.update(fate for fate in fates if fate)
        _reject(writer, table.filter(_mask(fates, "reject")), words)
        doubtful = table.filter(_mask(fates, "held"))
        rules.update(doubt.rule for id in doubtful["id"].to_pylist() for doubt in held[id])
        if len(doubtful):
            writer.hold(doubtful.append_column("doubts", _doubts(doubtful, held)))
        overruled += sum(len(_edits(words[id])) - 1 for id, fate in zip(ids, fates, strict=True) if fate == "edit")
        writer.add(_kept(table, fates, words, masks))
    writer.stats.update(
        decisions=len(decisions),
        applied={word: counts[word] for word in ("keep", "edit", "reject")},
        overruled_edits=overruled,
        held_by_rule=dict(sorted(rules.items())),
        without_row=len(set(words) - met),
    )


def _trained(rows: Artifact) -> list[str]:
    """Ids of the rows that may be drawn."""
    return [
        id
        for table in rows.tables(["id", "side"])
        for id, side in zip(table["id"].to_pylist(), table["side"].to_pylist(), strict=True)
        if side == "train"
    ]


def _fate(
    id: str, side: str, words: Mapping[str, Sequence[Decision]], held: Mapping[str, Sequence[Doubt]]
) -> str | None:
    """What becomes of a row; None for one that nobody spoke of."""
    said = {one.decision for one in words.get(id, ())}
    if "reject" in said:
        return "reject"
    if id in held and side == "train":
        return "held"
    return "edit" if "edit" in said else "keep" if said else None


def _mask(fates: Sequence[str | None], wanted: str) -> pa.Array:
    return pa.array([fate == wanted for fate in fates], pa.bool_())


def _reject(writer: Writer, table: pa.Table, words: Mapping[str, Sequence[Decision]]) -> None:
    details = []
    for id in table["id"].to_pylist():
        word = next(one for one in words[id] if one.decision == "reject")
        evidence = {"reviewer": word.reviewer, "time": word.time, "reason": mask(word.reason)}
        details.append({"rule": word.rule, "version": VERSION, "value": "reject", "evidence": evidence})
    writer.reject(reject_rows(table, REASON, details))


def _doubts(table: pa.Table, held: Mapping[str, Sequence[Doubt]]) -> pa.Array:
    listed = [[{k: v for k, v in asdict(one).items() if k != "id"} for one in held[id]] for id in _ids(table)]
    return pa.array(listed, DOUBTS)


def _kept(
    table: pa.Table, fates: Sequence[str | None], words: Mapping[str, Sequence[Decision]], masks: bool
) -> pa.Table:
    """The rows that go on, edited ones in their new words."""
    stay = table.filter(pa.array([fate in (None, "keep") for fate in fates], pa.bool_()))
    changed = table.filter(_mask(fates, "edit"))
    if not len(changed):
        return stay
    rows: list[dict[str, Any]] = [edited(row, _edits(words[row["id"]])[-1]) for row in changed.to_pylist()]
    new = pa.Table.from_pylist(rows, schema=table.schema)
    if masks:
        found = mask_rows(new)
        new = pa.concat_tables([found.clean, found.masked])
    return pa.concat_tables([stay, new])


def _edits(said: Iterable[Decision]) -> list[Decision]:
    """The edits of a row, the last word last: a row that two rules held may have been edited twice."""
    return sorted((one for one in said if one.decision == "edit"), key=lambda one: one.time)


def _ids(table: pa.Table) -> list[str]:
    ids: list[str] = table["id"].to_pylist()
    return ids
