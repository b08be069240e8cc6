"""`tuneloom approve RUN`: who lets pass what, and why."""

import json
from pathlib import Path

from flows.cli import main
from tuneloom.approvals import ask, read_approval
from tuneloom.artifacts import Reference, Store
from tuneloom.runs import RunRecord, write_run


def test_an_approval_is_recorded_with_reviewer_and_reason(tmp_path: Path, capsys) -> None:
    home, artifact = tmp_path / ".tuneloom", Reference("dedup", "0" * 32)
    store = Store(home / "store")
    write_run(store, RunRecord("aaaa1", "p"))
    last = {"config": "c", "overrides": [], "limit": None, "store": str(home / "store")}
    (home / "last.json").write_text(json.dumps(last))
    line = ["approve", "--home", str(home), "aaaa", "--reviewer", "Ada", "--reason", "a template"]
    assert main(line) == 2
    assert "waits for no approval" in capsys.readouterr().err
    ask(store, artifact, "aaaa1", ["half is one cluster"])
    assert main(line) == 0
    assert "approved by Ada: half is one cluster" in capsys.readouterr().out
    given = read_approval(store, artifact)
    assert (given.reviewer, given.reason, given.approved) == ("Ada", "a template", ("half is one cluster",))
    assert given.time.startswith("20")
