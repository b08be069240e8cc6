"""One training at a time by a limit of the server; without one, or without a server, nothing waits."""

import threading
import time

import pytest
from prefect import flow

from flows.embedded_server import EmbeddedServer
from tasks import slots
from tasks.slots import TRAINING, make_training_slot, training_slot
from tests.flows.conftest import ask, migrated_home, server

__all__ = ["migrated_home", "server"]


def test_without_a_flow_run_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "get_client", lambda **_: pytest.fail("it asks a server"))
    with training_slot():
        pass


@pytest.mark.slow
def test_of_two_trainings_the_second_waits_and_without_the_limit_neither(server: EmbeddedServer) -> None:
    inside, most, meeting = [0], [0], threading.Barrier(2)

    @flow
    def training(meet: bool) -> None:
        with training_slot():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if meet:
                meeting.wait(60)
            else:
                time.sleep(3)
            inside[0] -= 1

    def both(meet: bool) -> int:
        most[0] = 0
        threads = [threading.Thread(target=training, args=[meet]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return most[0]

    assert both(meet=True) == 2
    make_training_slot()
    make_training_slot(5)  # a limit that is there keeps its slots
    assert both(meet=False) == 1
    limit = ask(server.api_url, f"/v2/concurrency_limits/{TRAINING}")
    assert (limit["name"], limit["limit"], limit["active_slots"]) == (TRAINING, 1, 0)
