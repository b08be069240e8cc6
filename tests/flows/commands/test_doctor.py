"""`tuneloom doctor`: what is wrong is told as what it is. The slow look at the machine is left to its own test."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.cli import main
from flows.commands import doctor
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages


@pytest.fixture(autouse=True)
def well_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the store can be ill."""
    for look in ("_versions", "_machine", "_model"):
        monkeypatch.setattr(doctor, look, lambda reporter: [])
    monkeypatch.setattr(doctor, "_training", lambda options, reporter: None)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that ran, seen from its folder."""
    run_data_stages(plan_to_run(options(config=make_project(tmp_path)), print))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sound_store_is_counted_and_verified(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--verify"]) == 0
    told = capsys.readouterr().out
    assert ": 4 artifacts" in told
    assert "all is well" in told


@pytest.mark.parametrize("gone", ["config.yaml", "rows.json"])
def test_a_store_is_verified_whatever_became_of_config_and_sources(
    project: Path, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    (project / gone).unlink()
    (shards,) = project.glob(".tuneloom/store/split/*/part-*")
    flip_a_byte(shards)
    assert main(["doctor", "--verify"]) == 1
    told = capsys.readouterr().out
    assert ": 4 artifacts" in told
    assert f"{shards.parent.name}/{shards.name}: its digest" in told
    assert gone in told.split("cannot be repeated")[1]
    assert "nothing ran" not in told


def flip_a_byte(path: Path) -> None:
    """Damages a file in a way that neither its size nor its time tells."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_where_nothing_ran_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (None, ".tuneloom"):
        if folder:
            (tmp_path / folder).mkdir()
        assert main(["doctor", "--verify"]) == 0
        assert "nothing ran yet" in capsys.readouterr().out


def test_a_damaged_note_of_the_last_run_is_a_fault(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".tuneloom" / "last.json").write_text("{")
    assert main(["doctor"]) == 1
    assert "last.json" in capsys.readouterr().out


def test_a_version_outside_its_range_is_a_fault_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    said: list[str] = []
    monkeypatch.setattr(doctor, "PINNED", {"fastapi": ("0.1", "0.2")})
    (fault,) = doctor._versions(SimpleNamespace(say=said.append))  # type: ignore[arg-type]
    assert "pip install 'fastapi>=0.1,<0.2'" in fault
    assert "torch " in said[0]
