"""The chain a model came from must be whole and conserve its rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import lineage_of, make_chain
from tuneloom.artifacts import Artifact, Counts
from tuneloom.artifacts.manifest import Takedown
from tuneloom.errors import BrokenArtifact, TakenDown
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


def test_a_stage_that_took_in_less_than_was_handed_on_breaks_the_chain(made) -> None:
    chain, lineage = made
    quality = chain["quality"].manifest.counts
    counts = replace(quality, rows_in=quality.rows_out, rejected=0)
    forged = [
        replace(a, manifest=replace(a.manifest, counts=counts)) if a.reference.stage == "quality" else a
        for a in lineage
    ]
    told = f"took in {quality.rows_out} rows, but {chain['split'].reference} handed on {quality.rows_in}"
    with pytest.raises(BrokenArtifact, match=told):
        check_lineage(chain["train"], chain["evaluate"], forged)


def test_a_chain_with_a_taken_down_part_is_not_called_breached(made) -> None:
    chain, lineage = made
    forged = [
        replace(a, manifest=replace(a.manifest, takedown=Takedown(("id",), "asked by the author")))
        if a.reference.stage == "ingest"
        else a
        for a in lineage
    ]
    with pytest.raises(TakenDown, match="asked by the author"):
        check_lineage(chain["train"], chain["evaluate"], forged)


def test_rows_without_a_licence_are_named_unknown(made, tmp_path: Path) -> None:
    assert licenses(made[1]) == ["Apache-2.0", "unknown"]
