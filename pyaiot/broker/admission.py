# SPDX-License-Identifier: BSD-3-Clause
"""Who is let in, and as what: decided on the headers of the request to connect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pyaiot.accounts.permissions import HouseRules, Unclaimed, Viewer, at_best
from pyaiot.accounts.tokens import Signer
from pyaiot.broker.peers import (
    CLIENT_FEATURES,
    GATEWAY_FEATURES,
    SERVICE_FEATURES,
    Session,
)
from pyaiot.errors import AuthenticationFailed, InvalidToken, OriginRefused
from pyaiot.messages.keys import KeyPair
from pyaiot.messages.origin import check_origin
from pyaiot.messages.signing import (
    FEATURES_HEADER,
    NAME_HEADER,
    SUBPROTOCOL,
    TokenGate,
    offered_token,
)
from pyaiot.messages.types import MAX_FEATURES, Feature
from pyaiot.model.access import Permission
from pyaiot.model.moment import Moment

OFFER: Final = "Sec-WebSocket-Protocol"
MAX_NAME: Final = 64

PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = {
    "none": frozenset(),
    "view": frozenset({Permission.VIEW}),
    "control": frozenset({Permission.VIEW, Permission.CONTROL}),
    "script": frozenset(Permission),
}
"""What the words of ``--anonymous`` allow."""


_FORWARDED: Final = ("forwarded", "x-forwarded-for")
"""By these headers proxies say for whom they ask (RFC 7239)."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has been let in."""

    permissions: frozenset[Permission] = frozenset(Permission)
    features: frozenset[Feature] = frozenset()
    """What it asked for when it connected, and is granted."""
    name: str = ""
    """What it calls itself; proves nothing."""
    token: str = ""
    pair: KeyPair | None = None
    """What a service proved itself with; None for others."""
    viewer: Viewer = Viewer(trusted=True)  # noqa: RUF009 - frozen
    """Who it is."""
    session: Session | None = None
    """With what it came, if that was the token of an account."""


@dataclass(frozen=True, slots=True)
class House:
    """The rules of one broker."""

    anonymous: frozenset[Permission] = frozenset()
    """What clients without credentials may do."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may connect without credentials."""
    loopback: bool = True
    """Whether only this machine can connect."""
    accept_unsigned: bool = False
    unclaimed: Unclaimed = "public"
    """Whose the nodes are that nobody has claimed."""
    chosen: bool = True
    """The operator said what strangers may do; else it was concluded from where they come."""


def _nobody(_: str, __: Moment) -> tuple[Viewer, Session]:
    raise InvalidToken("Invalid token")


class Doorkeeper:
    """Looks at whoever comes. Headers are given with names in lower case."""

    def __init__(self, gate: TokenGate, house: House) -> None:
        self.rules = HouseRules(house.anonymous, house.unclaimed)
        self.signer = Signer(gate.ring)
        self._gate = gate
        self._house = house

    def gateway(self, headers: Mapping[str, str], now: Moment) -> Visitor:
        """A service that wants to be a gateway (WIRE.md section 2.1).

        Raises AuthenticationFailed.
        """
        visitor = self._service(headers, GATEWAY_FEATURES, now)
        if Feature.SIGNED not in visitor.features and not self._house.accept_unsigned:
            raise AuthenticationFailed(
                "This broker takes signed messages only. Services of the original pyaiot"
                " are let in with --accept-unsigned."
            )
        return visitor

    def service(self, headers: Mapping[str, str], now: Moment) -> Visitor:
        """A recorder or a directory. Raises AuthenticationFailed."""
        visitor = self._service(headers, SERVICE_FEATURES, now)
        if Feature.SIGNED not in visitor.features:
            raise AuthenticationFailed("Services must sign here: ask for the feature 'signed'.")
        if visitor.features.isdisjoint({Feature.RECORDER, Feature.DIRECTORY}):
            raise AuthenticationFailed(
                "Recorders and directories are let in here: ask for the feature 'recorder' or"
                " 'directory'."
            )
        return visitor

    def client(
        self,
        headers: Mapping[str, str],
        now: Moment,
        begin: Callable[[str, Moment], tuple[Viewer, Session]] = _nobody,
    ) -> Visitor:
        """A client, which may offer a token of a service or of an account, and need not.

        `begin` says who comes with the token of an account, or raises AuthenticationFailed.

        Raises AuthenticationFailed; OriginRefused for a web page of another site, whose user
        does not know what it does in his name.
        """
        if headers.get(OFFER.lower(), "").split(",")[0].strip() == SUBPROTOCOL:
            token = offered_token(headers.get(OFFER.lower()))
            if "." not in token:  # as the tokens of services are
                return self._service(headers, CLIENT_FEATURES, now)
            viewer, session = begin(token, now)
            return Visitor(
                at_best(viewer, self.rules),
                _features(headers) & CLIENT_FEATURES,
                _name(headers),
                token,
                viewer=viewer,
                session=session,
            )
        if not self._house.anonymous:
            raise AuthenticationFailed(
                "This broker wants credentials. It lets clients in without any"
                " with --anonymous=view, --anonymous=control or --anonymous=script."
            )
        if not self._house.chosen and any(name in headers for name in _FORWARDED):
            raise AuthenticationFailed(
                "Somebody comes by a proxy, and perhaps from anywhere: tell this broker with"
                " --anonymous what strangers may do."
            )
        self._check_origin(headers)
        features = _features(headers) & CLIENT_FEATURES
        permissions, viewer = self._house.anonymous, Viewer.anonymous()
        return Visitor(permissions, features, _name(headers), viewer=viewer)

    def _service(
        self, headers: Mapping[str, str], granted: frozenset[Feature], now: Moment
    ) -> Visitor:
        token = offered_token(headers.get(OFFER.lower()))
        pair = self._gate.admit(token, now)
        return Visitor(
            features=_features(headers) & granted, name=_name(headers), token=token, pair=pair
        )

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin, host = (headers.get(name) for name in ("origin", "host"))
        try:
            check_origin(
                [] if origin is None else [origin],
                [] if host is None else [host],
                loopback=self._house.loopback,
                allowed=self._house.origins,
            )
        except OriginRefused as exc:
            raise OriginRefused(f"{exc} They may with --allow-origin.") from None


def _features(headers: Mapping[str, str]) -> frozenset[Feature]:
    asked = headers.get(FEATURES_HEADER.lower(), "").split(",", MAX_FEATURES)[:MAX_FEATURES]
    known = {str(each): each for each in Feature}
    return frozenset(known[name.strip()] for name in asked if name.strip() in known)


def _name(headers: Mapping[str, str]) -> str:
    name = headers.get(NAME_HEADER.lower(), "")[:MAX_NAME]
    return name if name.isprintable() else ""
