"""The command line's contract: exit codes, one paragraph an error, one JSON object, lazy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows.cli import main

ROWS = [{"instruction": f"Say the number {n} in words", "input": "", "output": f"word {n}"} for n in range(30)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A config with one small source; the model is the packaged one, only resolved, never loaded."""
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    tree = {"model": "smollm2-135m-instruct", "sources": [{"name": "rows", "path": "rows.json"}]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    return tmp_path


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> dict:
    """Runs a command that must fail with `code`; returns the JSON error."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)["error"]


def test_a_misspelt_key_suggests_the_right_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, ["run", str(project / "config.yaml"), "--set", "trian.rank=4"], 2)
    assert "`trian`" in error["what"]
    assert "`train`" in error["remedy"]


def test_a_missing_source_names_file_and_key(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "rows.json").unlink()
    error = error_of(capsys, ["run", str(project / "config.yaml")], 2)
    assert "rows.json" in error["what"] + error["where"]
    assert "sources" in error["where"]
    assert error["remedy"]


def test_a_missing_config_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no config file" in error_of(capsys, ["run", str(tmp_path / "gone.yaml")], 2)["what"]


def test_an_unknown_model_suggests_the_known_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, ["run", str(project / "config.yaml"), "--set", "model=smolm2-135m-instruct"], 2)
    assert "smolm2-135m-instruct" in error["what"]
    assert "smollm2-135m-instruct" in error["remedy"]


def test_an_unknown_stage_lists_the_stages(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "dedup" in error_of(capsys, ["run", str(project / "config.yaml"), "--until", "dedupe"], 2)["remedy"]


def test_a_home_that_cannot_be_made_is_a_clear_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "file").write_text("")
    arguments = ["--home", str(project / "file" / "home"), "run", str(project / "config.yaml")]
    assert "cannot be created" in error_of(capsys, arguments, 2)["what"]


def test_a_folder_without_write_permission_is_a_clear_error(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    error = error_of(capsys, ["run", str(project / "config.yaml")], 2)
    assert "Permission denied" in error["what"]
    assert ".tuneloom" in error["where"]


def test_without_json_the_error_is_one_paragraph_on_standard_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(project / "config.yaml"), "--set", "trian.rank=4"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tuneloom: the config is wrong")
    assert "Traceback" not in captured.err


def test_plan_says_what_never_ran_and_reads_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(project / "config.yaml"), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {line["stage"]: line["why"] for line in plan["stages"]}["ingest"] == "never ran"
    assert plan["new_files"] == ["rows:rows.json"]
    assert not list((project / ".tuneloom").glob("store/ingest/*"))


def test_a_limit_has_keys_of_its_own(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = []
    for more in ([], ["--limit", "5"], ["--limit", "5"]):
        assert main(["plan", str(project / "config.yaml"), "--json", *more]) == 0
        runs.append(json.loads(capsys.readouterr().out)["run"])
    assert runs[0] != runs[1] == runs[2]


def test_the_schema_lists_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"sources", "model", "dedup", "train", "release"} <= set(schema["properties"])
    assert schema["properties"]["seed"]["description"]


def test_trace_and_show_before_a_run_say_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(project / "config.yaml"), "number 3"]) == 3
    assert "prepare" in capsys.readouterr().err
    assert main(["show", "dedup", "--config", str(project / "config.yaml")]) == 2
    assert "has not run" in capsys.readouterr().err


def test_help_and_planning_import_nothing_heavy(project: Path) -> None:
    script = (
        "import sys; from flows.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'transformers', 'mlflow', 'prefect', 'datasets', 'numba', 'peft', 'matplotlib', 'polars'}; "
        "print(sorted(heavy & set(sys.modules)), code, file=sys.stderr)"
    )
    for arguments in (["plan", str(project / "config.yaml")], ["config", "--schema"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, env=os.environ
        )
        assert done.stderr.strip().endswith("[] 0")
