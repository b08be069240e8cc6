"""What a run says of a source that is no longer what it was."""

import json
from pathlib import Path

from tasks.drift import drift_tags
from tests.flows.test_refresh import WORDS, write_project
from tests.tasks.conftest import Told, plan_run, walk


def test_a_source_that_turns_to_long_chinese_rows_is_told_in_lines_page_event_and_tag(
    told: Told, tmp_path: Path, tiny_model: Path
) -> None:
    config = write_project(tmp_path, tiny_model)
    first = plan_run(config, told)
    walk(first, last="mixture")
    assert not drift_tags(first)
    with (tmp_path / "rows.jsonl").open("a") as stream:
        for n in range(400):
            row = {
                "instruction": f"请详细说明第{n}件事，以及{WORDS[n % 12]}的来历。",
                "output": f"第{n}件事的来历很长。" * 60,
            }
            stream.write("\n" + json.dumps(row, ensure_ascii=False))
    second = plan_run(config, told)
    walk(second, last="mixture")
    lines = [line for line in told.lines if line.startswith("source rows changed: ")]
    assert [line.split()[3].rstrip(",") for line in lines] == ["lengths", "languages"]
    assert all(f"- {line}" in told.pages["drift"] for line in lines)
    events = [(event, payload["what"]) for event, _, payload in told.events if event == "tuneloom.source.drifted"]
    assert events == [("tuneloom.source.drifted", "length"), ("tuneloom.source.drifted", "language")]
    assert drift_tags(second) == {"tuneloom.drift": "rows: length, language"}
