# SPDX-License-Identifier: BSD-3-Clause
"""What a node's request for a websocket says of who it is (RFC 6455 section 4.1)."""

from collections.abc import Sequence
from typing import Final

from pyaiot.gateway.adapter import Refusal

SUBPROTOCOL: Final = "token"
"""Offered by nodes that cannot set headers, before their token; the answer repeats it."""

TRY_AGAIN: Final = 1013
"""Close code of a node that may come in later (RFC 6455, IANA's registry)."""

UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_STATUS: Final = {
    "needs_token": UNAUTHORIZED,
    "invalid_token": UNAUTHORIZED,
    "unknown_token": UNAUTHORIZED,
    "not_ready": 503,
}


def token_of(authorization: Sequence[str], offered: Sequence[str]) -> str:
    """The device token in a request, given its headers of these two names; empty without one.

    ``Authorization: Bearer T``, or ``Sec-WebSocket-Protocol: token, T``. Other credentials are not
    for us.
    """
    for value in authorization:
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    words = [word.strip() for word in ",".join(offered).split(",")]
    return words[1] if len(words) == 2 and words[0] == SUBPROTOCOL else ""


def status_of(refusal: Refusal) -> int:
    """The HTTP status by which a request is refused."""
    return _STATUS.get(refusal.code, _FORBIDDEN)


def close_code_of(refusal: Refusal) -> int:
    """How a connection is closed whose node is refused."""
    return TRY_AGAIN if refusal.code == "not_ready" else 1008
