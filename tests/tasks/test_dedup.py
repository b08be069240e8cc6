"""The task of deduplication."""

from tests.tasks.conftest import Ended


def test_the_row_of_the_source_with_the_higher_priority_survives(ended: Ended) -> None:
    rejected = ended.artifact("dedup").rejected().to_pylist()
    assert [row["reason"] for row in rejected] == ["exact duplicate"] * 2
    assert {row["origin"]["source"] for row in rejected} == {"rows"}
    assert {row["duplicate_of"]["source"] for row in rejected} == {"twins"}


def test_it_reads_what_ingestion_kept(ended: Ended) -> None:
    assert ended.artifact("dedup").manifest.counts.rows_in == ended.artifact("ingest").manifest.counts.rows_out == 132
