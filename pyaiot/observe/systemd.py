# SPDX-License-Identifier: BSD-3-Clause
"""Tell the service manager how a service is (sd_notify(3)); elsewhere this does nothing."""

import asyncio
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The manager that started this process, if there is one that listens."""

    address: str = ""
    watchdog: float = 0.0
    """Seconds within which the manager wants to hear from the process; 0 if it does not."""

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> "ServiceManager":
        """The manager that the environment of process `pid` names."""
        address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(pid)) != str(pid):
            microseconds = "0"
        return cls(address, int(microseconds) / 1e6 if address else 0.0)

    def notify(self, state: str) -> None:
        """Send ``READY=1``, ``STOPPING=1``, ``WATCHDOG=1``; never waits, never fails."""
        if not self.address:
            return
        # A leading @ stands for the abstract namespace.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto(state.encode(), address)
        except OSError as exc:
            _log.warning("cannot tell the service manager %s: %s", state, exc)

    async def keep_informed(self) -> None:
        """Show, until cancelled, that the event loop turns."""
        while self.watchdog:
            self.notify("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 3)
