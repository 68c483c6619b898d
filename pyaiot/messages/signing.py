# SPDX-License-Identifier: BSD-3-Clause
"""How services prove themselves, and how they sign what they send each other.

A service offers a token (WIRE.md section 2.1): the shared secret, encrypted with the shared
private key. From both, the token and a nonce of the broker, each side derives one key for each
direction (HKDF, RFC 5869). A signed message is a JSON object whose last two members are ``seq``,
counting up from 0 in each direction, and ``sig``, a keyed BLAKE2s (RFC 7693) over all bytes
before it::

    {"type":"update",…,"seq":7,"sig":"0123456789abcdef0123456789abcdef"}

So a message can be neither forged, altered, replayed, reordered, dropped, nor sent back.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from typing import Final

from cryptography.fernet import Fernet
from cryptography.fernet import InvalidToken as _ForeignInvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pyaiot.errors import InvalidSignature, InvalidToken, ReplayedToken, StaleToken
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.model.moment import Moment

FEATURES_HEADER: Final = "Pyaiot-Features"
NONCE_HEADER: Final = "Pyaiot-Nonce"
NAME_HEADER: Final = "Pyaiot-Name"

SUBPROTOCOL: Final = "token"
TOKEN_LIFE: Final = 60.0
"""Seconds for which a token is fresh."""
MAX_TOKEN: Final = 1024
REMEMBERED_TOKENS: Final = 16_384
NONCE_SIZE: Final = 32

_MAC_SIZE: Final = 16
_SIG: Final = b',"sig":"'
_END: Final = b'"}'
_SIGNED_END: Final = b',"seq":%d' + _SIG + b"%b" + _END
_TRAILER: Final = len(_SIG) + 2 * _MAC_SIZE + len(_END)


def make_token(pair: KeyPair, wall: float) -> str:
    """A token for one connection attempt, made at `wall` seconds since the epoch."""
    # A whole number of bytes divisible by three: without padding it is a legal header token.
    return Fernet(pair.private).encrypt_at_time(pair.secret.encode(), int(wall)).decode()


def offered_token(subprotocols: str | None) -> str:
    """The token in a ``Sec-WebSocket-Protocol`` header.

    Raises InvalidToken unless it has exactly the two items of WIRE.md section 2.1.
    """
    items = [item.strip(" \t") for item in (subprotocols or "").split(",")]
    if len(items) != 2 or items[0] != SUBPROTOCOL or not items[1]:
        raise InvalidToken("Invalid subprotocols")
    return items[1]


class TokenGate:
    """Admits each token once, and only while it is fresh."""

    def __init__(self, ring: KeyRing, clock_skew: float = 0.0) -> None:
        """`clock_skew`: how far the clocks of services may be off, in seconds."""
        self.ring = ring
        """With what tokens are made that are let in."""
        self._known = [(pair, Fernet(pair.private)) for pair in ring.pairs]
        self._tolerance = TOKEN_LIFE + clock_skew
        self._used: OrderedDict[bytes, int] = OrderedDict()
        self._floor = -1

    def admit(self, token: str, now: Moment) -> KeyPair:
        """The pair that `token` was made with.

        Raises InvalidToken when it was made with none of ours, StaleToken when it is too old or
        from the future, ReplayedToken when it was admitted before.
        """
        raw = _decoded(token)
        pair, made = self._opened(token)
        age = now.wall - made
        if abs(age) > self._tolerance:
            when = "ago" if age > 0 else "in the future"
            raise StaleToken(
                f"Stale token: made {abs(age):.0f} s {when} by this broker's clock, which allows"
                f" {self._tolerance:.0f} s. Set both clocks right, or see --clock-skew.",
                age,
            )
        # Base64 has many spellings of the same bytes, so the bytes are what is remembered.
        digest = hashlib.blake2s(raw, digest_size=_MAC_SIZE).digest()
        if digest in self._used or made <= self._floor:
            raise ReplayedToken("Token already used")
        self._used[digest] = made
        if len(self._used) > REMEMBERED_TOKENS:
            # What is no longer remembered can only be told apart by its age.
            self._floor = max(self._floor, self._used.popitem(last=False)[1])
        return pair

    def _opened(self, token: str) -> tuple[KeyPair, int]:
        for pair, fernet in self._known:
            try:
                secret = fernet.decrypt(token)
            except _ForeignInvalidToken:
                continue
            if hmac.compare_digest(secret, pair.secret.encode()):
                return pair, fernet.extract_timestamp(token)
        raise InvalidToken("Invalid token")


def _decoded(token: str) -> bytes:
    if len(token) > MAX_TOKEN or not token.isascii():
        raise InvalidToken("Invalid token")
    try:
        return base64.urlsafe_b64decode(token)
    except ValueError:
        raise InvalidToken("Invalid token") from None


class Session:
    """One side of one signed connection."""

    __slots__ = ("_received", "_receiving", "_sending", "_sent")

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        """Use `of_broker` and `of_service`; the keys are 32 bytes each."""
        # Keyed once and copied for each message: a third of the time of keying anew.
        self._sending = hashlib.blake2s(key=sending, digest_size=_MAC_SIZE)
        self._receiving = hashlib.blake2s(key=receiving, digest_size=_MAC_SIZE)
        self._sent = 0
        self._received = 0

    @classmethod
    def of_broker(cls, pair: KeyPair, token: str, nonce: bytes) -> "Session":
        """The broker's side of the connection that was opened with `token`."""
        upward, downward = _session_keys(pair, token, nonce)
        return cls(downward, upward)

    @classmethod
    def of_service(cls, pair: KeyPair, token: str, nonce: bytes) -> "Session":
        """The service's side of the connection that it opened with `token`."""
        upward, downward = _session_keys(pair, token, nonce)
        return cls(upward, downward)

    def seal(self, message: bytes) -> bytes:
        """`message`, a JSON object with at least one member, as the next signed frame."""
        body = b'%b,"seq":%d' % (message[:-1], self._sent)
        self._sent += 1
        mac = self._sending.copy()
        mac.update(body)
        return b"%b%b%b%b" % (body, _SIG, mac.hexdigest().encode(), _END)

    def open(self, frame: str | bytes) -> bytes:
        """The message in the next frame of the peer, as it was before `seal`.

        Raises InvalidSignature; the connection is then of no more use.
        """
        raw = frame if type(frame) is bytes else str(frame).encode("utf-8", "surrogatepass")
        mac = self._receiving.copy()
        mac.update(raw[:-_TRAILER])
        end = _SIGNED_END % (self._received, mac.hexdigest().encode())
        if not hmac.compare_digest(raw[-len(end) :], end):
            genuine = hmac.compare_digest(raw[-_TRAILER:], end[-_TRAILER:])
            raise InvalidSignature("Message out of sequence" if genuine else "Invalid signature")
        self._received += 1
        return raw[: -len(end)] + b"}"


def _session_keys(pair: KeyPair, token: str, nonce: bytes) -> tuple[bytes, bytes]:
    """The keys of the two directions, service to broker first."""
    material = base64.urlsafe_b64decode(pair.private) + pair.secret.encode()
    info = b"pyaiot link 1" + hashlib.sha256(token.encode()).digest()
    derived = HKDF(SHA256(), length=64, salt=nonce, info=info).derive(material)
    return derived[:32], derived[32:]
