"""`tuneloom forget`: what it says and what it leaves to do by hand."""

import json
from pathlib import Path

from flows.cli import main
from tests.flows.projects import make_project, run_data_stages
from tuneloom.config_file import load_config
from tuneloom.plan import make_plan
from tuneloom.review.decisions import Decision, add_decisions


def prepared(folder: Path, **config: object) -> tuple[Path, str]:
    """A project whose data stages ran, and the id of one of its rows."""
    config_path = make_project(folder, **config)
    made = run_data_stages(make_plan(load_config(config_path), folder))
    return config_path, made["ingest"].table(["id"])["id"][0].as_py()


def test_it_makes_the_list_and_says_how_to_name_it(tmp_path: Path, capsys) -> None:
    config, identity = prepared(tmp_path / "p")
    assert main(["forget", str(config), identity]) == 0
    said = capsys.readouterr().out
    assert "1 row taken down: 1 new in" in said
    assert "No registered model saw them." in said
    assert "takedowns: takedowns.txt" in said
    assert (tmp_path / "p" / "takedowns.txt").read_text().split() == [identity]


def test_a_list_that_the_config_names_is_added_to_and_json_tells_all(tmp_path: Path, capsys) -> None:
    config, identity = prepared(tmp_path / "p")
    config.write_text(config.read_text() + "takedowns: gone.txt\nreview: {decisions: said.jsonl}\n")
    add_decisions(tmp_path / "p" / "said.jsonl", [Decision(identity, "sample", "keep", "ada", "")])
    (tmp_path / "p" / "gone.txt").write_text("0" * 32)
    assert main(["forget", str(config), identity, "--why", "their author asked", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ids"], told["listed"], told["models"]) == ([identity], 1, [])
    assert {name.split("/")[0] for name in told["artifacts"]} == {"ingest", "dedup", "split"}
    assert (tmp_path / "p" / "said.jsonl").read_text() == ""
    assert (tmp_path / "p" / "gone.txt").read_text() == "0" * 32 + "\n" + identity + "\n"


def test_a_rejected_row_is_named_by_the_origin_that_show_prints(tmp_path: Path, capsys) -> None:
    config, _ = prepared(tmp_path / "p")
    (folder,) = (tmp_path / "p" / ".tuneloom" / "store" / "ingest").glob("*/part-*")
    assert main(["show", str(folder.parent)]) == 0
    assert "rows:rows.json:33  empty answer" in capsys.readouterr().out
    assert main(["forget", str(config), "rows:rows.json:33"]) == 0
    assert (tmp_path / "p" / "takedowns.txt").read_text().endswith(" # rows:rows.json:33\n")
    assert main(["forget", str(config), "rows:rows.json:34"]) == 2
    assert "nothing is kept of a row rows:rows.json:34" in capsys.readouterr().err


def test_an_unknown_id_is_a_wrong_call(tmp_path: Path, capsys) -> None:
    config, _ = prepared(tmp_path / "p")
    assert main(["forget", str(config), "0" * 32]) == 2
    assert "nothing was changed" in capsys.readouterr().err
