"""A page in headless Chromium, driven by the DevTools protocol: scripts, what it logs, what it fetches, screenshots."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.conftest import needed

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
)  # fmt: skip


class Tab:
    """A tab; `logged` are its errors and warnings, `asked` the addresses that it wanted, `dialogs` what it alerted."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0
        self.logged: list[str] = []
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method answers; events that come before its answer are kept."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            found = json.loads(self._socket.recv(timeout=60))
            if found.get("id") == self._last:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return found["result"]
            self._keep(found)

    def open(self, path: Path, width: int = 1280, dark: bool = False) -> None:
        """Shows a file in a window of this width, by day or by night, and waits until it is loaded."""
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=theme)
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=phone)
        self.call("Page.navigate", url=path.as_uri())
        wait = "new Promise(f => document.readyState === 'complete' ? f() : addEventListener('load', f))"
        self.call("Runtime.evaluate", expression=wait, awaitPromise=True)

    def run(self, script: str) -> Any:
        """The value of an expression in the page. Raises RuntimeError where it throws."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def shoot(self, path: Path) -> None:
        """A picture of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        made = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(made["data"]))

    def _keep(self, event: dict[str, Any]) -> None:
        said = event["params"]
        match event["method"]:
            case "Runtime.exceptionThrown":
                self.logged.append(str(said["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if said["type"] in ("error", "warning", "assert"):
                self.logged.append(str(said["args"]))
            case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                self.logged.append(said["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(said["request"]["url"])
            case "Page.javascriptDialogOpening":
                self.dialogs.append(said["message"])
                closed = {"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
                self._socket.send(json.dumps(closed))


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A tab of a Chromium of its own, with its profile in that folder; skips where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    needed("Chromium", program is not None)
    command = [str(program), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with open(profile.with_suffix(".log"), "w") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        with connect(_page_address(process, profile), max_size=None, proxy=None) as socket:
            yield Tab(socket)
    finally:
        process.terminate()
        process.wait(30)


def _page_address(process: "subprocess.Popen[bytes]", profile: Path) -> str:
    """Where the first tab's protocol is spoken; Chromium writes its port into the profile."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        told = profile / "DevToolsActivePort"
        port = told.read_text().split("\n")[0] if told.exists() else ""
        if port:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                f"http://127.0.0.1:{port}/json"
            ) as r:
                pages = [one for one in json.load(r) if one["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not begin to listen: {profile.with_suffix('.log').read_text()[-2000:]}")
