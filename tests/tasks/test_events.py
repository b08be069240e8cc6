"""The events that automations may react to."""

import pytest

from tasks.events import tell_released
from tests.tasks.conftest import Told

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
