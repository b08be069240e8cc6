"""An approval is of what was asked, for one artifact, and stays."""

from pathlib import Path

import pytest

from tuneloom.approvals import Approval, approve, ask, read_approval
from tuneloom.artifacts import Reference, Store
from tuneloom.errors import ConfigError

DEDUP = Reference("dedup", "0" * 32)


def test_what_a_run_asked_is_approved_with_reviewer_time_and_reason(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert read_approval(store, DEDUP) is None
    ask(store, DEDUP, "run1", ["too much"])
    given = approve(store, "run1", "Ada", "2026-11-24", "a template")
    assert given == Approval("run1", str(DEDUP), ("too much",), ("too much",), "Ada", "2026-11-24", "a template")
    assert read_approval(store, DEDUP) == given


def test_what_is_asked_later_of_the_same_artifact_needs_another_approval(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ask(store, DEDUP, "run1", ["too much"])
    approve(store, "run1", "Ada", "t", "r")
    ask(store, DEDUP, "run2", ["far too much"])
    assert read_approval(store, DEDUP).approved == ("too much",)
    assert approve(store, "run2", "Ada", "t", "r").approved == ("too much", "far too much")


def test_a_run_that_waits_for_nothing_cannot_be_approved(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ask(store, DEDUP, "run1", ["too much"])
    approve(store, "run1", "Ada", "t", "r")
    for run in ("run1", "run2"):
        with pytest.raises(ConfigError, match=f"run {run} waits for no approval"):
            approve(store, run, "Ada", "t", "r")


def test_a_damaged_approval_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.documents.write(f"approvals/{DEDUP.key}.json", "{")
    assert read_approval(store, DEDUP) is None
