"""What a model came from: the chain of artifacts from its sources to its scores, checked before anything is registered.

Whole: every parent is there, back to ingestion. Unbroken: every stage conserved its rows and
took in what its parents handed on.
"""

from collections.abc import Sequence

import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, check_handover
from tuneloom.errors import BrokenArtifact

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


def licenses(lineage: Sequence[Artifact]) -> list[str]:
    """Licences of the rows that trained, `unknown` for rows that name none."""
    mixture = next((artifact for artifact in lineage if artifact.reference.stage == "mixture"), None)
    if mixture is None:
        return []
    found: set[str] = set()
    for table in mixture.tables(["license", "side"]):
        trained = table.filter(pc.equal(table["side"], "train"))
        found.update(name or "unknown" for name in pc.unique(trained["license"]).to_pylist())
    return sorted(found)
