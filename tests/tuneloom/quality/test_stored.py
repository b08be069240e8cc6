"""Signals beside the rows: what what-if questions read."""

from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import judged, table
from tuneloom.artifacts import Spec, Store, Writer
from tuneloom.config import Quality
from tuneloom.errors import BrokenArtifact
from tuneloom.quality.signals import CATEGORIES, SIGNALS
from tuneloom.quality.stored import read_signals


def test_a_row_has_its_id_its_rule_its_categories_and_every_signal(tmp_path: Path) -> None:
    stored = read_signals(judged(tmp_path, table([chat("Write it", "Word for word", language="en")])))
    assert stored.columns == ["id", "rule", *CATEGORIES, *SIGNALS]
    (row,) = stored.to_dicts()
    assert (row["rule"], row["verb"], row["answer_words"], row["language"]) == (None, "write", 3, "en")


def test_an_artifact_without_judged_rows_stores_an_empty_table(tmp_path: Path) -> None:
    suite = chat("q", "a", use="evaluate")
    assert len(read_signals(judged(tmp_path, table([suite]), Quality(rules="none")))) == 0


def test_no_text_is_stored(tmp_path: Path) -> None:
    made = judged(tmp_path, table([chat("Secretive", "Hiddenword")]))
    assert b"Hiddenword" not in made.path("signals.parquet").read_bytes()


def test_another_stages_artifact_stores_none(tmp_path: Path) -> None:
    def put(writer: Writer) -> None:
        writer.add(table([chat("a", "b")]))
        writer.count(rows_in=1)

    other = Store(tmp_path).ensure(Spec("split", "x"), put)
    with pytest.raises(BrokenArtifact, match="stores no signals"):
        read_signals(other)
