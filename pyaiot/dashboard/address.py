# SPDX-License-Identifier: BSD-3-Clause
"""Where the page finds the broker."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from pyaiot.errors import InvalidValue, SettingsInvalid
from pyaiot.messages.origin import is_loopback

# Letters that can stand in a header without meaning anything there; a name may end in a dot.
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
_URL: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+=%-]{1,2048}")
"""No blank, quote, backslash, comma or semicolon: it ends up in a header."""
_PLAIN: Final = frozenset({"ws", "wss"})
_HOST_HEADER: Final = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F.]*:[0-9a-fA-F:.]*)\]|(?P<name>[^\[\]:]+))(?::\d{0,5})?"
)


def is_host(text: str) -> bool:
    """Whether this is a host's name or address, with no letter that means anything in a header."""
    if ":" not in text:
        return _NAME.fullmatch(text) is not None
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host that a request's ``Host`` header names, without its port and brackets.

    Raises InvalidValue for what can be no host: the name ends up in other headers.
    """
    match = _HOST_HEADER.fullmatch(header)
    host = match["v6"] or match["name"] if match else ""
    if not is_host(host):
        raise InvalidValue("Invalid Host header")
    return host.lower()


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The broker as browsers reach it; the port is None where it is the usual one."""

    host: str
    port: int | None
    secure: bool

    @classmethod
    def of(cls, host: str, port: int, *, secure: bool) -> Self:
        """The address in the settings.

        An empty host stands for this machine. Raises SettingsInvalid for what can be no host.
        """
        host = host.strip().removeprefix("[").removesuffix("]") or "localhost"
        if not is_host(host):
            raise SettingsInvalid(f"broker_host: '{host}' is no host")
        return cls(host, None if port == (443 if secure else 80) else port, secure)

    def seen_from(self, page_host: str) -> "BrokerAddress":
        """The address for a page that was opened under the name `page_host`.

        To a browser elsewhere ``localhost`` is not the machine that was meant: the broker stands
        beside this server then, and is reached under the same name.
        """
        elsewhere = is_loopback(self.host) and not is_loopback(page_host)
        if not page_host or not (elsewhere or _is_unspecified(self.host)):
            return self
        return BrokerAddress(page_host, self.port, self.secure)

    @property
    def facts(self) -> dict[str, str | int | bool | None]:
        """What the page is told."""
        return {"url": None, "host": self.host, "port": self.port, "secure": self.secure}

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that a page must be allowed to connect to: of the socket, and of HTTP."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = host if self.port is None else f"{host}:{self.port}"
        return (
            f"{'wss' if self.secure else 'ws'}://{place}",
            f"{'https' if self.secure else 'http'}://{place}",
        )


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """The broker's websocket where the operator named its whole address, or its path.

    A path is meant as a link on the page would be: it begins where the page is.
    """

    text: str
    origins: tuple[str, ...]
    """The origins that a page must be allowed to connect to, other than its own."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises SettingsInvalid for what can be no address of a websocket."""
        try:
            return cls(text, _origins_of(text))
        except ValueError as exc:
            raise SettingsInvalid(f"broker_url: {exc}") from None

    def seen_from(self, _page_host: str) -> "BrokerUrl":
        """The same from everywhere."""
        return self

    @property
    def facts(self) -> dict[str, str]:
        """What the page is told."""
        return {"url": self.text}


def _origins_of(url: str) -> tuple[str, ...]:
    if _URL.fullmatch(url) is None:
        raise ValueError("the address is empty or too long, or holds letters to be written as %XX")
    parts = urlsplit(url)
    if parts.scheme in _PLAIN:
        address = BrokerAddress(parts.hostname or "", parts.port, secure=parts.scheme == "wss")
        if not is_host(address.host) or "@" in parts.netloc or parts.fragment:
            raise ValueError("expected a host, and neither a user nor a fragment, in the address")
        return address.origins
    if parts.scheme or parts.netloc or parts.fragment:
        raise ValueError("expected an address that begins with ws:// or wss://, or a path")
    return ()


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
