# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of people and devices: JSON Web Tokens (RFC 7519), signed with HMAC-SHA256.

Whoever has the key file can check one without asking anybody: the broker and the gateways never
look into the store. The key is derived (HKDF, RFC 5869) from the key pair that services share, so
no token of a person is ever a token of a service, and keys are exchanged as those of services
are. What a token may be used for is in it: no token of one use passes for another.
"""

import base64
import re
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta, Struct

from pyaiot.errors import InvalidToken, InvalidValue, StaleToken
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.types import MAX_TOKEN, CommandId, Name, Seconds, Uid
from pyaiot.model.access import Role

LEEWAY: Final = 10.0
"""How far the clocks of two machines may be apart, in seconds, where nothing else is said."""

_ALGORITHM: Final = "HS256"
_INFO: Final = b"pyaiot accounts 1"
# Three parts, and a signature with one spelling only: the last of its characters holds 4 bits.
_FORM: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)

SessionId = Annotated[str, Meta(max_length=64)]


class Use(StrEnum):
    """What a token is for."""

    ACCESS = "access"
    """Asks the REST API; lets into the broker's websocket as well."""
    REFRESH = "refresh"
    """Gets the next access and refresh token of a session, once."""
    TICKET = "ticket"
    """Lets into the broker's websocket and nowhere else: scripts of the page may see it."""
    DEVICE = "device"
    """Lets one node in at a gateway."""


CONNECTING: Final = frozenset({Use.ACCESS, Use.TICKET})
"""What lets into the broker's websocket."""

_PERSONAL: Final = CONNECTING | {Use.REFRESH}


class Claims(Struct, frozen=True, omit_defaults=True):
    """What a token says; members are called as RFC 7519 has them.

    Raises InvalidToken where something is missing that its use needs.
    """

    use: Use
    sub: Uid
    """The account's id; of a device, the uid of its node."""
    jti: CommandId
    """The token's own id."""
    iat: Seconds
    """When it was made."""
    exp: Seconds | None = None
    """When it ends; tokens of devices hold until they are revoked."""
    role: Role | None = None
    name: Name = ""
    """What the account is called."""
    sid: SessionId = ""
    """The session that it belongs to."""

    def __post_init__(self) -> None:
        personal = self.use in _PERSONAL
        if personal != (self.exp is not None) or personal != bool(self.sid):
            raise InvalidToken("A token of a person has an end and a session, others have not.")
        if (self.use in CONNECTING) != (self.role is not None):
            raise InvalidToken("A token that lets people in says their role, others do not.")


class Signer:
    """Makes tokens with the first pair of a key ring, and checks them with all of its pairs."""

    __slots__ = ("_decoder", "_jws", "_keys")

    def __init__(self, ring: KeyRing) -> None:
        self._keys = [_derived(pair) for pair in ring.pairs]
        self._jws = jwt.PyJWS(algorithms=[_ALGORITHM])
        self._decoder = msgspec.json.Decoder(Claims)

    def make(self, claims: Claims) -> str:
        """The token that says `claims`.

        Raises InvalidValue when it would be longer than any peer takes; names and uids without
        control characters never are.
        """
        token = self._jws.encode(msgspec.json.encode(claims), self._keys[0], _ALGORITHM)
        if len(token) > MAX_TOKEN:
            raise InvalidValue("A token for such a name would be too long.")
        return token

    def check(
        self, token: str, use: Use | Collection[Use], now_wall: float, leeway: float = LEEWAY
    ) -> Claims:
        """What `token` says, if it is for `use` (one, or any of several).

        Args:
            token: As `make` made it.
            use: What it is offered for.
            now_wall: Seconds since the epoch.
            leeway: How far the clock of whoever made it may be off, in seconds.

        Raises InvalidToken when it is none of ours or for something else, StaleToken outside its
        time. Neither says anything of what is in the token.
        """
        claims = self._opened(token)
        uses = (use,) if isinstance(use, Use) else use
        if claims.use not in uses:
            raise InvalidToken("This token is for something else.")
        if claims.exp is not None and now_wall >= claims.exp + leeway:
            raise StaleToken("This token has expired.", now_wall - claims.exp)
        if claims.iat > now_wall + leeway:
            raise StaleToken(
                "This token is from the future: set the clocks right.", now_wall - claims.iat
            )
        return claims

    def _opened(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN or not _FORM.fullmatch(token):
            raise InvalidToken("Invalid token")
        for key in self._keys:
            try:
                return self._decoder.decode(self._jws.decode(token, key, [_ALGORITHM]))
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                # Their words, and what they hold, may quote the token.
                raise InvalidToken("Invalid token") from None
        raise InvalidToken("Invalid token")


def _derived(pair: KeyPair) -> bytes:
    material = base64.urlsafe_b64decode(pair.private) + pair.secret.encode()
    return HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(material)
