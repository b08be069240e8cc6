"""The config tree: every fault is named with its path, its value and what to do."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_origin

import pytest
import yaml

from tuneloom.config import Config, Section
from tuneloom.config_file import load_config, parse_config
from tuneloom.errors import ConfigError, MissingFile

MINIMAL = {"model": "m", "sources": [{"name": "a", "path": "a.json"}]}


def every_key(section: type[Section] = Config, path: tuple = ()) -> Iterator[tuple]:
    """The path of each key of the tree, sources' and nested sections' too."""
    for name, field in section.model_fields.items():
        yield (*path, name)
        for part in [field.annotation, *getattr(field.annotation, "__args__", ())]:
            if isinstance(part, type) and issubclass(part, Section):
                yield from every_key(part, (*path, name, 0) if get_origin(field.annotation) is tuple else (*path, name))


def misspelt(word: str) -> set[str]:
    """The word with one letter added, doubled, dropped, replaced, or swapped with the next."""
    found = set()
    for at, rest in ((at, word[at:]) for at in range(len(word) + 1)):
        start = word[:at]
        found |= {f"{start}x{rest}", f"{start}{rest[:1]}{rest}"}
        found |= {start + rest[1:], f"{start}x{rest[1:]}", f"{start}{rest[1:2]}{rest[:1]}{rest[2:]}"}
    return found


@pytest.mark.parametrize("path", list(every_key()), ids=lambda path: ".".join(map(str, path)))
def test_a_key_misspelt_in_any_letter_is_named_with_the_right_one(path: tuple) -> None:
    beside = {other[-1] for other in every_key() if other[:-1] == path[:-1]}
    for wrong in sorted(misspelt(path[-1]) - beside):
        tree: dict = {"model": "m", "sources": [{"name": "a", "path": "a.json"}]}
        place = tree
        for part, following in pairwise(path):
            inside: list | dict = [{}] if isinstance(following, int) else {}
            place = place[part] if isinstance(part, int) or part in place else place.setdefault(part, inside)
        place[wrong] = 1
        with pytest.raises(ConfigError) as caught:
            parse_config(tree)
        shown = ".".join(map(str, (*path[:-1], wrong)))
        assert f"unknown key `{shown}`" in caught.value.what
        assert f"Did you mean `{path[-1]}`?" in caught.value.remedy


def test_every_key_is_documented() -> None:
    undocumented = []
    for path in every_key():
        section: type = Config
        for part in path[:-1]:
            if isinstance(part, str):
                annotation = section.model_fields[part].annotation
                parts = [annotation, *getattr(annotation, "__args__", ())]
                section = next(p for p in parts if isinstance(p, type) and issubclass(p, Section))
        if not section.model_fields[path[-1]].description:
            undocumented.append(path)
    assert undocumented == []


def test_a_wrong_value_is_shown() -> None:
    with pytest.raises(ConfigError, match=r"`train.rank`.*not -1"):
        parse_config({**MINIMAL, "train": {"rank": -1}})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="`sources` is missing"):
        parse_config({"model": "m"})


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two sources are named 'a'"):
        parse_config({**MINIMAL, "sources": MINIMAL["sources"] * 2})


def test_a_weight_names_a_source_and_is_not_negative() -> None:
    with pytest.raises(ConfigError, match="names no source 'fa'") as caught:
        parse_config({"model": "m", "sources": [{"name": "faq", "path": "a"}], "mixture": {"weights": {"fa": 1}}})
    assert "`faq`" in caught.value.remedy
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=r"`mixture.weights.a`"):
            parse_config({**MINIMAL, "mixture": {"weights": {"a": wrong}}})


def test_overrides_reach_into_sections(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    config = load_config(path, ["train.rank=4", "dedup.near=null", "split.held_out_tasks=[x]"])
    assert (config.train.rank, config.dedup.near, config.split.held_out_tasks) == (4, None, ("x",))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rank", "no key=value"),
        ("model.x=1", "holds no keys"),
        ("train.rank=[1", "'\\[1' is not readable YAML"),
        ("name=2024-99-99", "not readable YAML: month must be"),
    ],
)
def test_a_broken_override_is_explained(tmp_path: Path, override: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(ConfigError, match=message):
        load_config(path, [override])


def test_a_missing_file_and_broken_yaml_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no config file gone\.yaml"):
        load_config(tmp_path / "gone.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match="not readable YAML"):
        load_config(tmp_path / "bad.yaml")
    (tmp_path / "date.yaml").write_text("name: 2024-99-99")
    with pytest.raises(ConfigError, match="not readable YAML: month must be"):
        load_config(tmp_path / "date.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="holds list"):
        load_config(tmp_path / "list.yaml")


def test_a_token_budget_of_no_source_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"`mixture.tokens` names no source 'fa'") as caught:
        parse_config({"model": "m", "sources": [{"name": "faq", "path": "a"}], "mixture": {"tokens": {"fa": 1}}})
    assert "Did you mean `faq`?" in str(caught.value)
