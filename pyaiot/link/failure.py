# SPDX-License-Identifier: BSD-3-Clause
"""Why the broker cannot be reached, in one line each, and each line once."""

import os
import re
import socket
import ssl
from collections.abc import Callable
from typing import Final

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from pyaiot.errors import LinkFailed

_MAX_LINE: Final = 400
_REMEMBERED: Final = 32


def link_failure(exc: BaseException) -> LinkFailed:
    """The failure that a foreign exception stands for, in one printable line of bounded length.

    Peers have a say in these texts, but they do not write our log.
    """
    text = "".join(char if char.isprintable() else " " for char in _reason(exc))
    return LinkFailed(" ".join(text.split())[:_MAX_LINE])


def _reason(exc: BaseException) -> str:
    match exc:
        case InvalidStatus(response=response):
            said = f"HTTP {response.status_code} {response.reason_phrase}"
            # A broker says why in a line; a page is somebody else's.
            if "html" in response.headers.get("Content-Type", ""):
                return f"{said}, by something that is no broker"
            return f"{said}: {response.body.decode('utf-8', 'replace')}"
        case ConnectionClosed():
            return f"closed by the broker: {exc.rcvd}" if exc.rcvd else "connection lost"
        case InvalidHandshake():
            return f"no websocket answer: {exc}"
        case OSError():
            return _network_reason(exc)
        case _:
            return str(exc) or type(exc).__name__


def _network_reason(exc: OSError) -> str:
    match exc:
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"certificate not trusted: {exc.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {exc}"
        case socket.gaierror():
            return f"host not found: {exc.strerror}"
        case ConnectionError() if not exc.args:
            return "connection lost"
        case _:
            # asyncio lists all addresses of a host that it tried, each with its number.
            numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(exc)))
            return ", ".join(os.strerror(int(each)).lower() for each in numbers) or str(exc)


class Complaints:
    """Says each thing once, until all is well again."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def add(self, text: str) -> bool:
        """Say `text` unless it was said, whatever numbers were in it; whether it was said now."""
        kind = re.sub(r"\d+(\.\d+)?", "#", text)
        if kind in self._said:
            return False
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said.add(kind)
        self._say(text)
        return True

    def clear(self) -> None:
        """All is well."""
        self._said.clear()
