"""The README is true: its config is a config, its commands are commands, its quickstart is the one that ships."""

import re
from pathlib import Path

import pytest
import yaml

from flows.cli import main
from tuneloom.config_file import parse_config

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text("utf-8")


def test_the_config_by_example_is_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    config = parse_config(yaml.safe_load(block))
    assert [source.name for source in config.sources] == ["faq", "chats", "gsm8k"]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^tuneloom (\w+)", README, re.MULTILINE))))
def test_each_command_it_names_is_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tuneloom {command}")


def test_it_is_short_and_begins_with_the_two_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert next(number for number, line in enumerate(lines, 1) if line.startswith("make run")) <= 12
