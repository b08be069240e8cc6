"""What a plan says of its suites before anything runs."""

from pathlib import Path

from flows.suites_view import suite_lines, suites_told
from tests.flows.projects import make_project
from tuneloom.config_file import load_config
from tuneloom.plan import make_plan


def test_each_suite_is_told_with_the_smallest_difference_its_items_find(tmp_path: Path) -> None:
    config = make_project(tmp_path / "p", evaluate={"suites": ["mood_en", "held_out_tasks"], "generate_rows": 48})
    plan = make_plan(load_config(config, []), config.parent)
    assert suite_lines(plan) == [
        "suite     held_out: at most 48 items tell differences from 13 % of the scale on",
        "suite     mood_en: 24 items tell differences from 18 % of the scale on",
        "suite     held_out_tasks: its items are test rows of the run, counted when it evaluates",
    ]
    assert [one["items"] for one in suites_told(plan)] == [48, 24, None]
