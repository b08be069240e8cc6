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


CHINESE = (TOP / "README.zh.md").read_text("utf-8")


def test_the_chinese_page_is_as_short_and_its_config_is_valid() -> None:
    assert len(CHINESE.splitlines()) <= 120
    (block,) = re.findall(r"```yaml\n(.*?)```", CHINESE, re.DOTALL)
    assert parse_config(yaml.safe_load(block)).quality.rules == "zh"


def test_the_chinese_page_names_every_command_of_the_english_one() -> None:
    commands = re.compile(r"^tuneloom (\w+)", re.MULTILINE)
    assert set(commands.findall(CHINESE)) == set(commands.findall(README))


@pytest.mark.parametrize("page", [README, CHINESE])
def test_every_page_that_is_linked_is_there(page: str) -> None:
    assert not [link for link in re.findall(r"\]\(([\w./-]+)\)", page) if not (TOP / link).exists()]
