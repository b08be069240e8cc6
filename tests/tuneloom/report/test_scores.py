"""Scores and groups as the report tells them."""

import json
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import make_chain
from tuneloom.artifacts import Spec, Store, Writer
from tuneloom.report.scores import masked_groups, read_all_scores, read_groups, whiskers

PROMPTS = [(f"task {n % 2}", f"prompt {n}", "r", "b", "t") for n in range(8)]


def test_the_gates_metrics_come_first_and_only_a_sure_difference_is_good_or_bad(tmp_path: Path) -> None:
    scores = {score.name: score for score in read_all_scores(make_chain(tmp_path)["evaluate"])}
    assert list(scores) == ["loss", "rouge_l", "chrf"]
    assert {name: score.better for name, score in scores.items()} == {"loss": True, "rouge_l": True, "chrf": None}
    assert scores["loss"].champion is None
    assert [one.who for one in scores["loss"].against] == ["base"]


def test_beside_the_champion_the_base_is_compared_too_with_its_interval(tmp_path: Path) -> None:
    """Tuned less base is 7 n - 10, 14.5 in the mean: of a loss that is no gain, yet eight rows cannot tell."""
    scores = {
        score.name: score for score in read_all_scores(make_chain(tmp_path, prompts=PROMPTS, champion="c")["evaluate"])
    }
    champion, base = scores["chrf"].against
    assert (champion.who, base.who) == ("champion", "base")
    assert base.difference == pytest.approx(14.5)
    assert base.low is not None
    assert base.high is not None
    assert base.low < 14.5 < base.high
    assert base.better is (True if base.low > 0 else None)


def test_tasks_stand_worst_first_whichever_way_the_metric_goes(tmp_path: Path) -> None:
    groups = {
        (one.by, one.metric): one for one in read_groups(make_chain(tmp_path, prompts=PROMPTS)["evaluate"], "base")
    }
    assert [row.name for row in groups["task", "chrf"].rows] == ["task 0", "task 1"]
    assert [row.name for row in groups["task", "loss"].rows] == ["task 1", "task 0"]
    assert [one.label for one in whiskers(groups["task", "loss"])] == ["task 1 (4 rows)", "task 0 (4 rows)"]


def test_names_of_tasks_are_masked(tmp_path: Path) -> None:
    prompts = [("joe.bloggs@example.org" if n % 2 else "qa", "p", "r", "b", "t") for n in range(4)]
    (first, *_) = read_groups(make_chain(tmp_path, prompts=prompts)["evaluate"], "base")
    assert sorted(row.name for row in masked_groups(first, lambda text: text[:2]).rows) == ["jo", "qa"]


def test_what_is_not_assessable_is_told_with_its_reason_and_has_no_difference(tmp_path: Path) -> None:
    evaluation = make_chain(tmp_path, prompts=PROMPTS, champion="c")["evaluate"]
    path = evaluation.folder / "verdict.json"
    tree = json.loads(path.read_text("utf-8"))
    gaps = {**dict.fromkeys(("difference", "low", "high")), "not_assessable": {"tuned": "it refuses 0.0%"}}
    tree["metrics"]["chrf"] |= gaps
    told = Spec("evaluate", "gaps")

    def write(writer: Writer) -> None:
        for file in evaluation.manifest.files:
            if file.path not in ("verdict.json", "stats.json"):
                writer.file(file.path).write_bytes((evaluation.folder / file.path).read_bytes())
        writer.file("verdict.json").write_text(json.dumps(tree), "utf-8")

    scores = {score.name: score for score in read_all_scores(Store(tmp_path).ensure(told, write))}
    assert scores["chrf"].not_assessable == "tuned: it refuses 0.0%"
    assert [one.difference for one in scores["chrf"].against] == [None]
