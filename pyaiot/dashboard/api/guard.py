# SPDX-License-Identifier: BSD-3-Clause
"""Who asks, whether a page of another site makes them ask, and whether they may. Pure."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pyaiot.accounts.permissions import HouseRules, Viewer
from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.dashboard.address import host_of
from pyaiot.dashboard.api.call import Identity
from pyaiot.dashboard.api.endpoint import Who
from pyaiot.dashboard.api.services import House
from pyaiot.dashboard.roll import Roll
from pyaiot.errors import (
    AuthenticationFailed,
    InvalidToken,
    InvalidValue,
    OriginRefused,
    PermissionDenied,
    StaleToken,
)
from pyaiot.messages.origin import is_loopback
from pyaiot.model.access import NOTHING, Permission, Role

ACCESS: Final = "pyaiot_access"
"""The cookie with the access token."""
REFRESH: Final = "pyaiot_refresh"
REQUEST: Final = "pyaiot-request"
"""The header by which a page of ours shows that it is one: another site's cannot send it."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_FORWARDED: Final = ("forwarded", "x-forwarded-for")
"""By these headers proxies say for whom they ask (RFC 7239)."""


class Guard:
    """Looks at whoever asks. Headers are given with names in lower case."""

    def __init__(self, signer: Signer, roll: Roll, house: House) -> None:
        self._signer = signer
        self._roll = roll
        self._house = house

    def identify(
        self, headers: Mapping[str, str], cookies: Mapping[str, str], now_wall: float
    ) -> Identity:
        """Who asks: by the header ``Authorization``, else by the cookie, else a stranger.

        Raises AuthenticationFailed for a token in the header that does not hold.
        """
        rules = self._rules(headers)
        token = _bearer(headers)
        if token is not None:
            claims = self._claims(token, now_wall)
            return Identity(self._viewer(claims), claims, rules)
        if ACCESS in cookies:
            try:
                claims = self._claims(cookies[ACCESS], now_wall)
                return Identity(self._viewer(claims), claims, rules)
            except AuthenticationFailed as exc:
                return Identity(Viewer.anonymous(), None, rules, exc)
        return Identity(Viewer.anonymous(), None, rules)

    def check_page(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise OriginRefused where a page of another site may have made somebody ask.

        Who shows a token in a header can be no such page.
        """
        if method in SAFE or _bearer(headers) is not None:
            return
        if headers.get(REQUEST) != "1":
            raise OriginRefused("Requests that change something need the header Pyaiot-Request: 1.")
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise OriginRefused("Pages of other sites may change nothing here.")
        origin = headers.get("origin")
        if (
            origin is not None
            and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        ):
            raise OriginRefused("Pages of other sites may change nothing here.")

    def check(self, identity: Identity, who: Who) -> None:
        """Raise AuthenticationFailed or PermissionDenied for somebody who may not ask for this."""
        if who is Who.ANYONE:
            return
        if identity.trouble is not None:
            raise identity.trouble
        role = identity.who.role
        if role is None:
            if _enough(who, identity.rules.anonymous):
                return
            raise AuthenticationFailed("Log in first.")
        if who is Who.ADMIN and role is not Role.ADMIN:
            raise PermissionDenied("Only administrators may do this.")
        if who is Who.OPERATOR and role is Role.VIEWER:
            raise PermissionDenied("Viewers change nothing.")

    def renewed(
        self, identity: Identity, now_wall: float, *, begun: bool = False
    ) -> Identity | None:
        """The same one as things are now; None for somebody whose session has ended.

        What was `begun` in time may outlast the token; the session, it may not.
        """
        claims = identity.claims
        if claims is None:
            return identity
        try:
            if not begun and claims.exp is not None and now_wall >= claims.exp:
                return None
            return Identity(self._viewer(claims), claims, identity.rules)
        except AuthenticationFailed:
            return None

    def _claims(self, token: str, now_wall: float) -> Claims:
        return self._signer.check(token, Use.ACCESS, now_wall)

    def _viewer(self, claims: Claims) -> Viewer:
        person = self._roll.person(claims.sub)
        if person is None or person.gone:
            raise InvalidToken("There is no such account any more.")
        if claims.iat < person.since:
            raise StaleToken("This session has been ended.", person.since - claims.iat)
        # As it is now, not as it was when the token was made.
        return Viewer.account(person.id, person.role)

    def _rules(self, headers: Mapping[str, str]) -> HouseRules:
        """What strangers may do who come the way that this one came."""
        rules = self._house.rules
        if self._house.chosen or not rules.anonymous or self._at_home(headers):
            return rules
        return HouseRules(NOTHING, rules.unclaimed)

    def _at_home(self, headers: Mapping[str, str]) -> bool:
        """Whether only somebody on this machine can have sent this.

        Whoever comes by a proxy may come from anywhere, and anybody's domain may point here (DNS
        rebinding): loopback is the only name that this machine has.
        """
        if not self._house.loopback or any(name in headers for name in _FORWARDED):
            return False
        try:
            return is_loopback(host_of(headers.get("host", "")))
        except InvalidValue:
            return False


def _enough(who: Who, anonymous: frozenset[Permission]) -> bool:
    """Whether what strangers may do is enough for an endpoint."""
    if who is Who.KEEPER:
        return Permission.CONTROL in anonymous
    return who is Who.VISITOR and bool(anonymous)


def _bearer(headers: Mapping[str, str]) -> str | None:
    """The token in the header (RFC 6750); None where something else is there, as for a proxy."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address_of(peer: str, headers: Mapping[str, str]) -> str:
    """Where a request comes from: the last proxy on this machine is believed, and nobody else."""
    told = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told if told and _is_local(peer) and _is_address(told) else peer


def is_secure(peer: str, protocol: str, headers: Mapping[str, str]) -> bool:
    """Whether it came by TLS, at least to the proxy on this machine.

    Wherever the proxy is, browsers say themselves how they reach the page that changes something.
    """
    told = headers.get("x-forwarded-proto", "").strip().lower()
    page = headers.get("origin", "").lower().startswith("https://")
    return page or protocol == "https" or (told == "https" and _is_local(peer))


def _is_local(peer: str) -> bool:
    return _is_address(peer) and ipaddress.ip_address(peer).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
