"""The chain a model came from must be whole and conserve its rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import lineage_of, make_chain
from tuneloom.artifacts import Artifact, Counts
from tuneloom.errors import BrokenArtifact
from tuneloom.release.lineage import check_lineage, licenses, stage_keys


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Artifact], list[Artifact]]:
    folder = tmp_path_factory.mktemp("lineage")
    chain = make_chain(folder)
    return chain, lineage_of(folder, chain)


def test_the_stores_own_lineage_is_whole(made) -> None:
    chain, lineage = made
    check_lineage(chain["train"], chain["evaluate"], lineage)
    assert stage_keys(lineage) == {stage: artifact.reference.key for stage, artifact in chain.items()}


@pytest.mark.parametrize("stage", ["ingest", "dedup", "split", "quality", "mixture", "render", "train", "evaluate"])
def test_no_link_may_be_missing(made, stage: str) -> None:
    chain, lineage = made
    with pytest.raises(BrokenArtifact, match=stage):
        check_lineage(chain["train"], chain["evaluate"], [a for a in lineage if a.reference.stage != stage])


def test_a_stage_that_lost_a_row_breaks_the_chain(made) -> None:
    chain, lineage = made
    counts = Counts(rows_in=10, made=0, rows_out=8, rejected=1, held=0)
    forged = [
        replace(a, manifest=replace(a.manifest, counts=counts)) if a.reference.stage == "quality" else a
        for a in lineage
    ]
    with pytest.raises(BrokenArtifact, match="quality lost or invented rows"):
        check_lineage(chain["train"], chain["evaluate"], forged)


def test_rows_without_a_licence_are_named_unknown(made, tmp_path: Path) -> None:
    assert licenses(made[1]) == ["Apache-2.0", "unknown"]
