"""The command line's contract: exit codes, one paragraph an error, one JSON object, nothing heavy imported."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import main
from flows.commands import plan
from tests.flows.projects import make_project
from tuneloom.errors import BrokenArtifact, ConfigError, NoUsableData, TuneloomError, WaitingForPerson


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Lets `tuneloom plan` fail."""

    def fail(options: object) -> int:
        raise error

    monkeypatch.setattr(plan, "run", fail)


def test_an_error_is_one_paragraph_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(make_project(tmp_path)), "--set", "trian.rank=4"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tuneloom: the config is wrong")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (NoUsableData("x"), 3),
        (WaitingForPerson("x"), 4),
        (BrokenArtifact("x"), 1),
        (TuneloomError("x"), 1),
        (PermissionError(13, "x", "/p"), 2),
        (KeyboardInterrupt(), 1),
        (ValueError("x"), 1),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_every_failure_has_its_exit_code_and_one_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, as_json: bool
) -> None:
    failing(monkeypatch, error)
    assert main(["plan", "c.yaml", *(["--json"] if as_json else [])]) == code
    captured = capsys.readouterr()
    if as_json:
        assert set(json.loads(captured.out)) == {"error"}
        assert set(json.loads(captured.out)["error"]) == {"what", "where", "remedy"}
        assert captured.err == ""
    else:
        assert captured.out == ""
        assert captured.err.startswith("tuneloom: ")


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "c.yaml", "--util", "split"], ["runn", "c.yaml"], [], ["plan", "c.yaml", "--limit"]]
)
def test_a_wrong_call_is_an_error_like_any(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main([*arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"]
    assert "--help" in error["remedy"]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_help_stays_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["run", "--help", "--json"], ["--json", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        assert told.startswith("usage: tuneloom")
        assert "the nearest one above it" in told


def test_the_traceback_goes_to_the_log_of_a_home_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ValueError("quite unexpected"))
    config = make_project(tmp_path)
    assert main(["plan", str(config)]) == 1
    assert not (tmp_path / ".tuneloom").exists()
    (tmp_path / ".tuneloom").mkdir()
    assert main(["plan", str(config)]) == 1
    assert "Traceback" not in capsys.readouterr().err
    log = (tmp_path / ".tuneloom" / "logs" / "tuneloom.log").read_text()
    assert "Traceback" in log
    assert "ValueError: quite unexpected" in log


@pytest.mark.parametrize(
    "arguments",
    [["config", "--schema"], ["plan", "CONFIG"], ["plan", "CONFIG", "--json"], ["plan", "gone.yaml", "--json"]],
)
def test_a_pipe_that_nobody_reads_is_no_accident(tmp_path: Path, arguments: list[str]) -> None:
    config = str(make_project(tmp_path))
    script = "import sys; from flows.cli import main; sys.exit(main(sys.argv[1:]))"
    given = [config if argument == "CONFIG" else argument for argument in arguments]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-c", script, *given], stdout=closed, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
    assert done.stderr == ""
    assert done.returncode == 1


def test_help_imports_nothing_that_is_not_pythons_or_the_command_lines() -> None:
    script = (
        "import contextlib, sys; before = set(sys.modules); from flows.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "named = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(named - sys.stdlib_module_names), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "['flows', 'tuneloom']"


def test_planning_data_imports_nothing_heavy(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    script = (
        "import sys; from flows.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'transformers', 'mlflow', 'prefect', 'datasets', 'numba', 'peft', 'polars'}; "
        "print(sorted(heavy & set(sys.modules)), code, file=sys.stderr)"
    )
    for arguments in (["plan", str(config), "--until", "render"], ["config", "--schema"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        assert done.stderr.strip().endswith("[] 0")


def test_a_disk_that_is_full_outside_a_stage_is_told_like_one_that_is_full_within(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "/store/runs/x.json"))
    assert main(["plan", str(make_project(tmp_path))]) == 1
    told = capsys.readouterr().err
    assert "the disk is full: No space left on device (/store/runs/x.json)" in told
    assert "Free some" in told
