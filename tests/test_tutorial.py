"""docs/tutorial.md and docs/extend.md are true: their commands are run where they need no model and parsed where they
do, their examples work."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from flows.cli import _parser, main
from tuneloom.config import Quality
from tuneloom.suites import load_suites

TOP = Path(__file__).parents[1]
TUTORIAL, EXTEND = ((TOP / "docs" / name).read_text("utf-8") for name in ("tutorial.md", "extend.md"))
QUICK = ("init", "config", "plan", "gc")
"""Commands that start no server and train nothing."""


def commands() -> list[str]:
    return [line for block in re.findall(r"```\n(.*?)```", TUTORIAL, re.DOTALL) for line in block.splitlines()]


def test_the_commands_of_the_tutorial_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data/quickstart").mkdir(parents=True)
    shutil.copytree(TOP / "data/quickstart/sources", tmp_path / "data/quickstart/sources")
    monkeypatch.chdir(tmp_path)
    for line in commands():
        if not line.startswith("tuneloom "):
            subprocess.run(["sh", "-c", line], check=True)
            continue
        arguments = shlex.split(line)[1:]
        command = _parser().parse_args(arguments).command
        if command in QUICK:
            assert main(arguments) == 0, line
    assert (tmp_path / "first/config.yaml").is_file()


def test_the_metric_of_the_page_is_one() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", EXTEND, re.DOTALL)
    known: dict = {}
    exec(code, known)
    assert known["score"]("the cat sat", ["a cat sat down"]) == pytest.approx(2 / 3)
    assert (known["DIRECTION"], known["INTERVAL"]) == ("higher", "mean")


def test_the_rule_and_the_suite_of_the_page_are_accepted(tmp_path: Path) -> None:
    rule, suite = re.findall(r"```yaml\n(.*?)```", EXTEND, re.DOTALL)
    assert Quality.model_validate(yaml.safe_load(rule)["quality"]).more[0].min == 3
    (tmp_path / "sums.yaml").write_text(suite)
    (loaded,) = load_suites(["./sums.yaml"], tmp_path)
    assert loaded.rows


@pytest.mark.parametrize("folder", re.findall(r"`((?:src|data|flows)/[\w/]+/)`", EXTEND))
def test_the_folders_of_the_page_are_there(folder: str) -> None:
    assert (TOP / folder).is_dir()
