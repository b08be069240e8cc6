"""What the gate knows of the data before any model is asked: suite rows that trained, the ledger, the rejects."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.store import Store
from tuneloom.errors import BrokenArtifact
from tuneloom.evaluate.gate_plan import DataFacts
from tuneloom.suites import Suite
from tuneloom.text.keys import fold

SHORTEST = 24
"""Folded bytes of the shortest question that is looked for: eight Chinese characters, four or five English words."""


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


def contaminated(rows: Artifact, suites: Sequence[Suite]) -> tuple[str, ...]:
    """Ids of suite rows whose question stands, word for word, in what a training row says; letter case, marks and
    widths aside. One pass over the rows, for all questions at once (Aho-Corasick)."""
    ids = [row.id for suite in suites for row in suite.rows]
    asked = _folded(pa.array([row.content for suite in suites for row in suite.rows], pa.large_string()))
    sought = {text.strip(): i for i, text in zip(ids, asked, strict=True) if len(text.strip().encode()) >= SHORTEST}
    found: set[str] = set()
    for part in rows.tables(["messages", "side"]) if sought else ():
        said = pc.list_flatten(part.filter(pc.equal(part["side"], "train"))["messages"]).combine_chunks()
        texts = pl.Series(_folded(pa.array(said.field("content"), pa.large_string())))
        hits = texts.filter(texts.str.contains_any(list(sought)))
        for text in hits.to_list():
            found |= {i for question, i in sought.items() if question in text}
    return tuple(sorted(found))


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
