# SPDX-License-Identifier: BSD-3-Clause
"""Keeps code that sends to channels away from this machine, and from its network if need be.

Channels are addresses that users write, and apprise speaks to a hundred services. So it is not
the address that is looked at but each connection as it is made, after names were resolved and
redirects followed, by an audit hook of the interpreter; files and programs likewise.
"""

import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from mimetypes import knownfiles
from typing import Any, Final

_FILES: Final = (
    # The interpreter, its libraries, and what those read of the system.
    *{os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)},
    *{os.path.realpath(each) for each in sysconfig.get_paths().values()},
    *knownfiles,
    "/dev/null",
    "/dev/urandom",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/pki/tls",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
)

_PROGRAMS: Final = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"}
    | {"subprocess.Popen", "ctypes.dlopen", "os.startfile", "webbrowser.open"}
)

# RFC 6052: these hold an IPv4 address in their last four bytes.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class Refused(OSError):
    """Code tried to reach what it may not."""


class Guard:
    """Watches over the code of one thread."""

    def __init__(self, *, local: bool) -> None:
        """`local`: addresses of this machine and its network may be reached."""
        self._local = local
        self.refused = ""
        """Why something was refused, in one sentence."""
        self.over = False
        """Nobody waits for the code any more; it is to reach nothing."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch over what this thread does meanwhile."""
        _install()
        thread = threading.current_thread()
        before = getattr(thread, _MARK, None)
        setattr(thread, _MARK, self)
        try:
            yield
        finally:
            setattr(thread, _MARK, before)

    def connecting(self, address: object) -> None:
        """Raises Refused unless `address` may be reached."""
        if self.over:
            raise self._no("It took too long.")
        if not isinstance(address, tuple) or not address:
            raise self._no("It is a program on this machine.")
        if not self._local and not is_public(str(address[0])):
            raise self._no("Its address is one of this machine or of a private network.")

    def opening(self, path: object) -> None:
        """Raises Refused unless the file may be opened."""
        if isinstance(path, int):
            return
        try:
            real = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type] # whatever it is
        except (TypeError, ValueError) as exc:
            raise self._no("It needs a file of this machine.") from exc
        if not any(real == each or real.startswith(f"{each}{os.sep}") for each in _FILES):
            raise self._no("It needs a file of this machine.")

    def starting(self) -> None:
        """Raises Refused: no programs."""
        raise self._no("It starts a program.")

    def _no(self, reason: str) -> Refused:
        self.refused = self.refused or reason
        return Refused(reason)


def is_public(host: str) -> bool:
    """Whether `host`, an address in numbers, is out in the internet."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        # A name: it is resolved later than one can look.
        return False
    if isinstance(address, IPv6Address):
        inner: IPv4Address | None = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


_MARK: Final = "_pyaiot_guard"
_installed = threading.Event()
_installing = threading.Lock()


def _install() -> None:
    """Have the interpreter ask; it goes on to do so until it ends."""
    with _installing:
        if not _installed.is_set():
            sys.addaudithook(_auditing())
            _installed.set()


def _auditing() -> Callable[[str, tuple[Any, ...]], None]:
    # While the interpreter ends it still asks, and the names of this module are gone.
    asked, ending = _ASKED, sys.is_finalizing

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        act = asked.get(event)
        if act is not None and not ending():
            thread = threading.current_thread()
            guard = getattr(thread, _MARK, None)
            if guard is None and thread.name.startswith(_BACKGROUND):
                guard = _no_more
            if guard is not None:
                act(guard, arguments)

    return audit


_BACKGROUND: Final = "paho-mqtt-client"
"""The one library with a thread of its own; that keeps up a connection, and needs no other."""

_no_more: Final = Guard(local=False)
_no_more.over = True

_ASKED: Final[dict[str, Callable[[Guard, tuple[Any, ...]], None]]] = {
    "socket.connect": lambda guard, arguments: guard.connecting(arguments[1]),
    "socket.sendto": lambda guard, arguments: guard.connecting(arguments[1]),
    "socket.sendmsg": lambda guard, arguments: (
        guard.connecting(arguments[1]) if arguments[1] is not None else None
    ),
    "open": lambda guard, arguments: guard.opening(arguments[0]),
    **dict.fromkeys(_PROGRAMS, lambda guard, _arguments: guard.starting()),
}
