"""A user's own formats, from the files that the config names."""

import json
from pathlib import Path

import pytest

from tests.tuneloom.ingest.built import rejects, rows, turns, write_jsonl
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Source
from tuneloom.config_file import parse_config
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import discover
from tuneloom.ingest.formats import formats
from tuneloom.ingest.stage import ingest_file
from tuneloom.plan import make_plan
from tuneloom.plugin_files import plugin_digests

PLUGIN = '''"""Flash cards: {"front": "Paris?", "back": "A city."}."""

from __future__ import annotations

from dataclasses import dataclass

from tuneloom.ingest.formats import known
from tuneloom.ingest.turns import exchange
from tuneloom.records import Conversation


@dataclass
class Card:
    front: str
    back: str


def claims(row):
    return known(row, "front", "back")


def parse(row):
    card = Card(row.text("front"), row.text("back"))
    yield Conversation(exchange(card.front, card.back))
'''


def plugin(folder: Path, text: str = PLUGIN, name: str = "cards.py") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def ingested(file: Path, plugins: tuple[Path, ...], **source: str) -> Artifact:
    config = Source.model_validate({"name": "s", "path": str(file), "language": "en", **source})
    (found,) = discover(config, file.parent)
    return Store(file.parent / ".store").ensure(
        Spec("ingest", "test", inputs={"file": str(file), **source, **plugin_digests([*map(str, plugins)], Path())}),
        lambda writer: ingest_file(writer, found, config, Terms(plugins=plugins)),
    )


def test_rows_of_a_users_format_are_found_and_read(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [{"front": "Paris?", "back": "A city.", "deck": 3}])
    cards = (plugin(tmp_path),)
    assert ingested(file, ()).manifest.reasons == {"unknown format": 1}
    for format in ("auto", "cards"):
        artifact = ingested(file, cards, format=format)
        assert artifact.stats["format"] == "cards"
        (row,) = rows(artifact)
        assert turns(row) == [("user", "Paris?"), ("assistant", "A city.")]
        assert json.loads(row["meta"]) == {"deck": 3}


def test_a_plugin_joins_the_formats_that_ship(tmp_path: Path) -> None:
    assert list(formats((plugin(tmp_path),))) == [*formats(), "cards"]


def test_an_edited_plugin_is_loaded_anew(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [{"front": "Paris?", "back": "A city."}])
    assert turns(rows(ingested(file, (plugin(tmp_path),)))[0])[1] == ("assistant", "A city.")
    edited = plugin(tmp_path, PLUGIN.replace("card.back)", "card.back.upper())"))
    assert turns(rows(ingested(file, (edited,)))[0])[1] == ("assistant", "A CITY.")


@pytest.mark.parametrize(
    ("name", "text", "what", "line"),
    [
        ("alpaca.py", PLUGIN, "'alpaca' comes with Tuneloom", ""),
        ("cards.py", "def claims(row): return 0\n", "no function `parse`", ""),
        ("cards.py", "claims = 3\ndef parse(row): return []\n", "no function `claims`", ""),
        ("cards.py", "import json\n\nimport no_such_module\n", "No module named 'no_such_module'", ":3"),
        ("cards.py", "import json\ndef claims(row) return 0\n", "SyntaxError", ":2"),
        ("cards.py", "def half():\n    return 1 / 0\n\nhalf()\n", "ZeroDivisionError", ":2"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_told_with_file_line_and_remedy(
    tmp_path: Path, name: str, text: str, what: str, line: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        formats((plugin(tmp_path, text, name),))
    assert what in caught.value.what
    assert caught.value.where == f"plugins: {tmp_path / name}{line}"
    assert caught.value.remedy


def test_a_row_on_which_a_plugin_fails_is_rejected_with_the_line_and_the_others_are_read(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [{"front": "a", "back": "b"}, {"front": "boom", "back": "c"}])
    text = PLUGIN.replace("    yield", "    assert card.front != 'boom', 'no'\n    yield")
    artifact = ingested(file, (plugin(tmp_path, text),))
    assert len(rows(artifact)) == 1
    ((number, reason, detail, _),) = rejects(artifact)
    line = 1 + text.splitlines().index("    assert card.front != 'boom', 'no'")
    assert (number, reason, detail["evidence"]) == (2, "plugin failed", f"AssertionError: no (cards.py:{line})")


def test_a_plugin_that_fails_to_tell_its_rows_is_a_config_error(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "f.jsonl", [{"x": 1}])
    cards = plugin(tmp_path, "def claims(row):\n    return row['front']\ndef parse(row): return []\n")
    with pytest.raises(ConfigError, match="cannot tell whether a row is its own: KeyError") as caught:
        ingested(file, (cards,))
    assert caught.value.where == f"plugins: {cards}:2"


def test_two_plugins_of_one_name_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="'cards' is another plugin's"):
        formats((plugin(tmp_path), plugin(tmp_path / "other")))
    with pytest.raises(MissingFile, match=r"no plugin gone\.py"):
        formats((tmp_path / "gone.py",))


def test_the_text_of_a_plugin_is_part_of_the_key_and_its_place_is_not(tmp_path: Path) -> None:
    def planned(folder: Path, *plugins: str) -> str:
        config = parse_config({"model": "m", "sources": [{"name": "s", "path": "f.jsonl"}], "plugins": list(plugins)})
        return make_plan(config, folder, home=tmp_path / "home").files[0].spec.key

    for folder in (tmp_path / "a", tmp_path / "b"):
        (folder / "m").mkdir(parents=True)
        (folder / "m" / "config.json").write_text("{}")
        (folder / "m" / "model.safetensors").write_text("weights")
        write_jsonl(folder / "f.jsonl", [{"front": "Paris?", "back": "A city."}])
        plugin(folder)
    key = planned(tmp_path / "a", "cards.py")
    assert key == planned(tmp_path / "b", "cards.py") != planned(tmp_path / "a")
    plugin(tmp_path / "a", PLUGIN + "\n\nEDITED = True\n")
    assert planned(tmp_path / "a", "cards.py") != key
    with pytest.raises(MissingFile, match=r"no plugin gone\.py"):
        planned(tmp_path / "a", "gone.py")
