"""No row is lost between stages: what a stage takes in is what its parents handed on.

Inside a stage `Counts.check` says it: in + made = out + rejected + held.
"""

from collections.abc import Mapping

from tuneloom.artifacts.keys import Reference
from tuneloom.artifacts.manifest import DEFECT, Manifest, reference_from
from tuneloom.errors import BrokenArtifact


def check_handover(manifest: Manifest, manifests: Mapping[Reference, Manifest]) -> None:
    """Raises BrokenArtifact unless rows in = the parents' rows out (of a union: its members' rows in, and its own).

    `manifests` holds at least the parents and members. Stages without row counts (train to report) are not asked, nor
    are parents without them; a stage without such parents reads its rows from a source.

    dedup 5 out -> split 3 in: "split/... took in 3 rows, but dedup/... handed on 5"
    """
    if manifest.counts.rows_in is None:
        return
    members = [reference_from(member) for member in manifest.members]
    consulted = {reference_from(read) for read in manifest.spec["consulted"]}
    givers = [
        parent
        for parent in manifest.parents
        if parent not in members and parent not in consulted and manifests[parent].counts.rows_out is not None
    ]
    united = sum(manifests[member].counts.rows_in or 0 for member in members)
    handed = united + sum(manifests[giver].counts.rows_out or 0 for giver in givers)
    reads_source = not givers and (not members or any(file.rows is not None for file in manifest.files))
    taken = manifest.counts.rows_in
    if taken < handed or (taken > handed and not reads_source):
        names = ", ".join(str(giver) for giver in [*members, *givers]) or "no parent"
        raise BrokenArtifact(
            f"{manifest.reference} took in {taken} rows, but {names} handed on {handed}",
            where=str(manifest.reference),
            remedy=DEFECT,
        )
