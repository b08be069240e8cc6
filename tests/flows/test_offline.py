"""No connection leaves loopback and no other name is looked up, by the run or by its server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.flows.conftest import living
from tests.network_audit import Contact, audited, contacts, outside

WHOLE_RUN = """
import sys
from pathlib import Path
from flows.embedded_server import EmbeddedServer
from flows.reconcile import reconcile

with EmbeddedServer.start(Path(sys.argv[1]), print) as server:
    server.wait_ready()
    from prefect import flow, task
    from prefect.artifacts import create_markdown_artifact

    @task
    def step():
        create_markdown_artifact("# A step", key="step")

    @flow(name="whole")
    def whole():
        step()

    reconcile(server.standing)
    run = whole(return_state=True)
    server.drain([run.state_details.flow_run_id], expected=1)
    print(server.child.process.pid)
"""


def test_a_run_and_its_server_stay_on_loopback(tmp_path: Path, script: Callable[..., subprocess.Popen]) -> None:
    record = tmp_path / "network"
    process = script(WHOLE_RUN, str(tmp_path / ".tuneloom"), **audited(record), PYTHONSAFEPATH="1")
    told, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    server = int(told.split()[-1])
    assert {contact.pid for contact in contacts(record)} >= {process.pid}
    assert outside(record) == []
    assert not living(server)
    assert "Traceback" not in error


def test_the_audit_sees_parents_and_children_and_what_is_outside(tmp_path: Path) -> None:
    look_up = "import sys; sys.audit('socket.getaddrinfo', {!r}, 443, 0, 0, 0)"  # told to the hook, not done
    connect = "import sys; sys.audit('socket.connect', None, {!r})"
    record = tmp_path / "network"
    for code in (look_up.format("telemetry.example.org"), connect.format(("203.0.113.7", 443))):
        child = f"import subprocess, sys; subprocess.run([sys.executable, '-P', '-c', {code!r}], check=True)"
        subprocess.run([sys.executable, "-P", "-c", child], env=audited(record), check=True)
    inside = ("127.0.0.1", "::1", "localhost")
    for code in (*(look_up.format(host) for host in inside), connect.format("/run/a.socket")):
        subprocess.run([sys.executable, "-P", "-c", code], env=audited(record), check=True)
    assert [(seen.event, seen.host) for seen in outside(record)] == [
        ("socket.getaddrinfo", "telemetry.example.org"),
        ("socket.connect", "203.0.113.7"),
    ]
    assert [seen.host for seen in contacts(record)][2:] == list(inside)
    assert isinstance(contacts(record)[0], Contact)
