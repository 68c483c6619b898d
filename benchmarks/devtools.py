# SPDX-License-Identifier: BSD-3-Clause
"""A Chromium with one tab, asked about itself over its DevTools protocol.

No driver stands between: what is measured is the browser alone.
"""

import json
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from benchmarks.build import found
from benchmarks.machine import end

PATIENCE: Final = 60.0
"""Seconds for the browser to start, and for any single answer."""

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class BrowserFailed(Exception):
    """The browser cannot be used, or something on the page went wrong."""


class Browser:
    """Use it as a context."""

    def __init__(self, size: tuple[int, int] = (1440, 900)) -> None:
        self._size = size
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: ClientConnection
        self._session = ""
        self._calls = 0

    def __enter__(self) -> Self:
        program = found("chromium")
        if program is None:
            raise BrowserFailed("Chromium is missing: install it with 'apt-get install chromium'.")
        folder = tempfile.TemporaryDirectory(prefix="pyaiot-chromium-", ignore_cleanup_errors=True)
        profile = Path(self._stack.enter_context(folder))
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._attach(profile / "DevToolsActivePort")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            end(self._process, 10)
        self._stack.close()

    def _attach(self, told: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while not told.exists() or told.read_text().count("\n") < 1:
            if self._process is None or self._process.poll() is not None:
                raise BrowserFailed("Chromium ended at once.")
            if time.monotonic() > deadline:
                raise BrowserFailed("Chromium does not say where it listens.")
            time.sleep(0.02)
        port, path = told.read_text().split("\n")[:2]
        self._socket = connect(
            f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None, proxy=None
        )
        self._stack.callback(self._socket.close)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        width, height = self._size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        # Counts what the threads did, not how long others kept them from it.
        self.call("Performance.enable", timeDomain="threadTicks")
        self.call("Page.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; what it answers."""
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "SystemInfo.")):
            message["sessionId"] = self._session
        try:
            self._socket.send(json.dumps(message))
            while True:
                answer = json.loads(self._socket.recv(PATIENCE))
                if answer.get("id") == self._calls:
                    break
        except (TimeoutError, WebSocketException) as exc:
            raise BrowserFailed(f"{method}: no answer: {exc!r}") from exc
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Begin to load a page."""
        failure = self.call("Page.navigate", url=url).get("errorText")
        if failure:
            raise BrowserFailed(f"{url}: {failure}")

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression, once it is there."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserFailed(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script: str, within: float = 20.0) -> Any:
        """The first true value of a JavaScript expression."""
        deadline = time.monotonic() + within
        while not (value := self.ask(script)):
            if time.monotonic() > deadline:
                raise BrowserFailed(f"not within {within:.0f} s: {script}")
            time.sleep(0.02)
        return value

    def metrics(self) -> dict[str, float]:
        """What the page's main thread has done since it was opened, in seconds, and its sizes."""
        told = self.call("Performance.getMetrics")["metrics"]
        return {each["name"]: float(each["value"]) for each in told}

    def processes(self) -> dict[str, float]:
        """Seconds of processor time that the browser has used, by the kind of process."""
        spent: dict[str, float] = {}
        for each in self.call("SystemInfo.getProcessInfo")["processInfo"]:
            spent[each["type"]] = spent.get(each["type"], 0.0) + float(each["cpuTime"])
        return spent

    def heap(self) -> float:
        """Bytes of JavaScript that are in use, after all else was collected."""
        self.call("HeapProfiler.collectGarbage")
        return self.metrics()["JSHeapUsedSize"]
