# SPDX-License-Identifier: BSD-3-Clause
"""Which web pages may open a websocket where nobody has to prove who they are.

A browser lets any page connect to any server, and tells the server whose page it is (RFC 6455
section 10.2). Programs that are no browsers send no origin, and are not held up.
"""

import ipaddress
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from pyaiot.errors import OriginRefused


def check_origin(
    origins: Sequence[str],
    hosts: Sequence[str],
    *,
    loopback: bool,
    allowed: Collection[str] = (),
) -> None:
    """Raise OriginRefused for a page that is neither of this host nor of a loopback host.

    `origins` and `hosts` are the request's headers of these names, of which there should be one
    or none. `loopback` says that only this machine can connect; then loopback is the only name
    that this host has, as anybody's domain may point to it (DNS rebinding). `allowed` names other
    sites, such as ``https://example.org``.
    """
    if not origins:
        return
    origin = origins[0].strip().lower()
    if len(origins) > 1 or len(hosts) > 1:
        raise OriginRefused("Repeated Origin or Host header.")
    if origin in {site.lower().rstrip("/") for site in allowed}:
        return
    page = _host_of(origin)
    own = None if loopback else _host_of(f"//{''.join(hosts)}")
    if page is None or not (is_loopback(page) or page == own):
        raise OriginRefused("Pages of this origin may not connect.")


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
