"""`tuneloom diff RUN RUN`: what came, went and changed between the data of two runs."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.tuneloom.test_snapshot import ROWS, ran
from tuneloom.artifacts import Store
from tuneloom.runs import write_run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that remembers two runs."""
    home = tmp_path / ".tuneloom"
    store = Store(home / "store")
    write_run(store, ran(store, "aaaa1", {"a": "1", "b": "1"}, ROWS))
    write_run(store, ran(store, "bbbb2", {"a": "1"}, {place: row for place, row in ROWS.items() if place[0] == "a"}))
    last = {"config": "c", "overrides": [], "limit": None, "store": str(home / "store")}
    (home / "last.json").write_text(json.dumps(last))
    return home


def test_runs_are_named_by_their_first_digits(home: Path, capsys) -> None:
    assert main(["diff", "--home", str(home), "aaaa", "last"]) == 0
    said = capsys.readouterr().out
    assert "train      3 -> 2 rows: 1 gone" in said
    assert "its file is gone: web:b:1" in said


def test_json_is_one_object(home: Path, capsys) -> None:
    assert main(["diff", "--home", str(home), "aaaa", "bbbb2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["before"], told["now"], told["sides"]["train"]["gone"]) == ("aaaa1", "bbbb2", 1)


def test_equal_runs_and_unknown_ones(home: Path, capsys) -> None:
    assert main(["diff", "--home", str(home), "last", "last"]) == 0
    assert "the same rows" in capsys.readouterr().out
    assert main(["diff", "--home", str(home), "zzz", "last"]) == 2
    assert "no run 'zzz'" in capsys.readouterr().err
    assert main(["diff", "--home", str(home), "last", "released"]) == 2
