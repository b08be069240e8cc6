"""What a model came from: the chain of artifacts from its sources to its scores, checked before anything is registered.

Whole: every parent is there, back to ingestion. Unbroken: every stage conserved its rows and
took in what its parents handed on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from tuneloom.artifacts import Artifact, check_handover
from tuneloom.errors import BrokenArtifact
from tuneloom.records import ORIGIN

REMEDY = "Run the pipeline again; it makes what is missing. A model of unknown origin is not registered."


def check_lineage(tuned: Artifact, evaluation: Artifact, lineage: Sequence[Artifact]) -> None:
    """Raises BrokenArtifact unless `lineage` is the whole, conserved chain of both, TakenDown where a part of it was
    taken down."""
    chain = {artifact.reference: artifact for artifact in [*lineage, *(m for a in lineage for m in a.members)]}
    for wanted in (tuned, evaluation):
        if wanted.reference not in chain:
            raise BrokenArtifact(
                f"the lineage of the model lacks {wanted.reference}", where=str(wanted.reference), remedy=REMEDY
            )
    for artifact in chain.values():
        artifact.manifest.check_state()
        artifact.manifest.counts.check(artifact.reference.stage)
        for parent in artifact.manifest.parents:
            if parent not in chain:
                raise BrokenArtifact(
                    f"{artifact.reference} was made from {parent}, which the lineage lacks",
                    where=str(artifact.folder),
                    remedy=REMEDY,
                )
    manifests = {reference: artifact.manifest for reference, artifact in chain.items()}
    for manifest in manifests.values():
        check_handover(manifest, manifests)
    if not any(artifact.reference.stage == "ingest" for artifact in chain.values()):
        raise BrokenArtifact(
            "the lineage of the model does not reach ingestion", where=str(tuned.reference), remedy=REMEDY
        )


def stage_keys(lineage: Sequence[Artifact]) -> dict[str, str]:
    """Stage -> key, each stage's own artifact (not the files that ingest unites), by stage name."""
    members = {member.reference for artifact in lineage for member in artifact.members}
    kept = [artifact.reference for artifact in lineage if artifact.reference not in members]
    return dict(sorted((reference.stage, reference.key) for reference in kept))


@dataclass(frozen=True, order=True)
class Trained:
    """How many rows of one source and licence were there to train on; licence "unknown" where they name none."""

    source: str
    license: str
    rows: int


def trained_on(lineage: Sequence[Artifact]) -> list[Trained]:
    """The rows of the training side that the mixture chose and render kept, by source and licence."""
    stages = {artifact.reference.stage: artifact for artifact in lineage}
    if "mixture" not in stages or "render" not in stages:
        return []
    refused = _origins(stages["render"].rejected(["origin"]))
    found: Counter[tuple[str, str]] = Counter()
    for table in stages["mixture"].tables(["origin", "license", "side"]):
        rows = _origins(table).with_columns(
            license=pl.Series(table["license"].to_pylist(), dtype=pl.String).fill_null("unknown"),
            side=pl.Series(table["side"].to_pylist(), dtype=pl.String),
        )
        trained = rows.filter(pl.col("side") == "train").join(refused, on=refused.columns, how="anti")
        for source, license, count in trained.group_by("source", "license").len().iter_rows():
            found[source, license] += count
    return sorted(Trained(source, license, rows) for (source, license), rows in found.items())


def _origins(table: pa.Table) -> pl.DataFrame:
    """Columns source, file, row, part."""
    return pl.DataFrame({name: pl.from_arrow(table["origin"]).struct.field(name) for name in ORIGIN.names})
