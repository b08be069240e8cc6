"""What the gate knows of the data before any model is asked: suite rows that trained, the ledger, the rejects."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.store import Store
from tuneloom.errors import BrokenArtifact
from tuneloom.evaluate.gate_plan import DataFacts, Leak
from tuneloom.records import Origin
from tuneloom.suites import Suite
from tuneloom.text.keys import fold
from tuneloom.text.scripts import TABLE_SIZE, UNSPACED, classes

SHORTEST = 24
"""Weight of the shortest question that is looked for: six Chinese characters, five or six English words."""
ORIGINS = 3
"""Training rows named for each."""
_BORDER = re.compile(r"(?<!\d)[^\w\s]|[^\w\s](?!\d)|\n")
"""What ends a clause: a mark that is no part of a number, or a line's end."""


def data_facts(
    rows: Artifact,
    suites: Sequence[Suite],
    lineage: Sequence[Artifact],
    breach: str | None,
    champion: Sequence[Artifact] | None,
) -> DataFacts:
    """`lineage` is the candidate's chain of artifacts and `breach` what is wrong with it; `champion` is its champion's
    chain where the store has it whole."""
    return DataFacts(
        contaminated(rows, suites) if suites else None,
        breach,
        reject_rate(lineage),
        reject_rate(champion) if champion else None,
    )


def contaminated(rows: Artifact, suites: Sequence[Suite]) -> tuple[Leak, ...]:
    """Suite rows whose question stands, word for word, in what a training row says, from the border of a clause to the
    border of one; letter case, marks and widths aside. One pass over the rows for all questions (Aho-Corasick)."""
    sought = _sought(suites)
    found: dict[tuple[str, str], list[str]] = {}
    for part in rows.tables(["messages", "side", "origin"]) if sought else ():
        trained = part.filter(pc.equal(part["side"], "train")).combine_chunks()
        messages = trained["messages"].combine_chunks()
        texts = pc.list_flatten(messages).field("content")
        said = pl.DataFrame({"row": pc.list_parent_indices(messages), "text": texts})
        folded = pl.Series(_folded(pa.array(said["text"].to_arrow(), pa.large_string())))
        for row, text in said.filter(folded.str.contains_any([one.folded for one in sought])).iter_rows():
            clauses = _Clauses(text)
            for one in sought:
                if one.clauses in clauses:
                    origins = found.setdefault((one.suite, one.text), [])
                    origins += [str(Origin(**trained["origin"][row].as_py()))] if len(origins) < ORIGINS else []
    return tuple(Leak(suite, text, tuple(dict.fromkeys(o))) for (suite, text), o in sorted(found.items()))


@dataclass(frozen=True)
class _Sought:
    """A question: its suite, and its text as it is, folded, and as clauses."""

    suite: str
    text: str
    folded: str
    clauses: "_Clauses"


class _Clauses:
    """A text without marks and white space, and where its clauses end: `"他说：好。"` -> `"他说好"`, `{0, 2, 3}`."""

    def __init__(self, text: str) -> None:
        parts = [part.replace(" ", "") for part in _folded(pa.array(_BORDER.split(text), pa.large_string()))]
        self._text, self._borders = "".join(parts), {0, *accumulate(map(len, parts))}

    @property
    def weight(self) -> int:
        """A character of a script without spaces counts as many as four letters of one with."""
        kinds = classes()
        return sum(4 if ord(c) < TABLE_SIZE and kinds[ord(c)] == UNSPACED else 1 for c in self._text)

    def __contains__(self, asked: "_Clauses") -> bool:
        at = self._text.find(asked._text)
        while at >= 0:
            if {at, at + len(asked._text)} <= self._borders:
                return True
            at = self._text.find(asked._text, at + 1)
        return False


def _sought(suites: Sequence[Suite]) -> list[_Sought]:
    asked = [(suite.name, row.content) for suite in suites for row in suite.rows]
    folded = _folded(pa.array([text for _, text in asked], pa.large_string()))
    every = [_Sought(*one, text.strip(), _Clauses(one[1])) for one, text in zip(asked, folded, strict=True)]
    return [one for one in every if one.clauses.weight >= SHORTEST]


def lineage_of(store: Store, artifact: Artifact) -> tuple[list[Artifact], str | None]:
    """The chain of artifacts as far as it goes, and what is wrong with it: a part that is gone, rows that were lost."""
    chain: list[Artifact] = []
    try:
        chain.extend(store.lineage(artifact))
    except BrokenArtifact as error:
        return chain, error.what
    return chain, None


def reject_rate(lineage: Iterable[Artifact]) -> float | None:
    """The share of all rows read (and made) that the data stages rejected; None without an ingest stage."""
    chain = list(lineage)
    members = {member.reference for artifact in chain for member in artifact.members}
    stages = {a.reference.stage: a.manifest.counts for a in chain if a.reference not in members}
    counts = [one for one in stages.values() if one.rows_in is not None]
    read = stages["ingest"].rows_in if "ingest" in stages else None
    made = sum(one.made or 0 for one in counts)
    return sum(one.rejected or 0 for one in counts) / (read + made) if read else None


def _folded(texts: pa.LargeStringArray) -> list[str]:
    return [text or "" for text in fold(texts, np.zeros(len(texts), np.uint8)).to_pylist()]
