"""The chain a model came from must be whole and conserve its rows."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.tuneloom.release.chain import lineage_of, make_chain
from tuneloom.artifacts import Artifact, Counts
from tuneloom.artifacts.manifest import Takedown
from tuneloom.errors import BrokenArtifact, TakenDown
from tuneloom.release.lineage import check_lineage, stage_keys, trained_on


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
    told = f"took in {quality.rows_out} rows, but {chain['decontaminate'].reference} handed on {quality.rows_in}"
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


def test_what_was_trained_on_is_the_training_side_after_the_mixture_and_what_render_kept(made) -> None:
    chain, lineage = made
    rows = [row for row in chain["mixture"].table().to_pylist() if row["side"] == "train"]
    lost = {row["origin"]["row"] for row in chain["render"].rejected().to_pylist()}
    expected = Counter(
        (row["origin"]["source"], row["license"] or "unknown") for row in rows if row["origin"]["row"] not in lost
    )
    assert lost
    assert sum(expected.values()) < len(rows)
    assert [(one.source, one.license, one.rows) for one in trained_on(lineage)] == sorted(
        (*pair, count) for pair, count in expected.items()
    )
    assert {one.license for one in trained_on(lineage)} == {"Apache-2.0", "unknown"}
