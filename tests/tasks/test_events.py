"""The events that automations may react to."""

import re
from pathlib import Path

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore

from tasks.events import tell_drifted, tell_released
from tests.tasks.conftest import Told
from tuneloom.drift import Drift

SAID = {"model_name": "smol", "version": 3, "model_uri": "models:/smol/3", "verdict": "promote", "why_not": None}


@pytest.mark.parametrize(
    ("promoted", "events"),
    [
        (True, ["tuneloom.candidate.registered", "tuneloom.model.promoted"]),
        (False, ["tuneloom.candidate.registered"]),
    ],
)
def test_a_promotion_is_told_only_where_there_was_one(told: Told, promoted: bool, events: list[str]) -> None:
    tell_released({**SAID, "promoted": promoted})
    assert [event for event, *_ in told.events] == events
    assert {resource for _, resource, _ in told.events} == {"tuneloom.model.smol"}
    assert told.events[0][2] == {name: SAID[name] for name in ("version", "model_uri", "verdict", "why_not")}


def test_the_automation_of_the_docs_is_one_that_prefect_takes_and_waits_for_an_event_of_ours(told: Told) -> None:
    page = (Path(__file__).parents[2] / "docs/schedule.md").read_text()
    (block,) = re.findall(r"```yaml\n(name: a source drifted.*?)```", page, re.DOTALL)
    automation = AutomationCore.model_validate(yaml.safe_load(block))
    tell_drifted("faq", Drift("web", "length", 0.9, 0.5, "lengths"))
    ((event, resource, payload),) = told.events
    assert automation.trigger.expect == {event}
    assert resource.startswith(automation.trigger.match.root["prefect.resource.id"].rstrip("*"))
    assert payload["told"] == "source web changed: lengths"
