# SPDX-License-Identifier: BSD-3-Clause
"""Joins a broker as a signing service, by what ``docs/reference/wire.md`` says of it."""

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.sockets import Socket
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.signing import (
    FEATURES_HEADER,
    NAME_HEADER,
    NONCE_HEADER,
    Session,
    make_token,
)


@dataclass(frozen=True)
class Keys:
    """What proves a service."""

    pair: KeyPair

    @classmethod
    def written(cls, path: Path) -> "Keys":
        """New keys in a file."""
        pair = KeyPair.generate(os.urandom)
        write_keys(path, KeyRing((pair,)))
        return cls(pair)

    def join(self, sock: Socket) -> tuple[bytes, Session]:
        """Make `sock` a gateway's connection; what it signs with."""
        token = make_token(self.pair, time.time())
        answer = sock.upgrade(
            "/gw",
            {
                "Sec-WebSocket-Protocol": f"token, {token}",
                FEATURES_HEADER: "availability, batch, result, signed",
                NAME_HEADER: "bench",
            },
        )
        text = answer[NONCE_HEADER.lower()]
        nonce = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return self._sending(token, nonce), Session.of_service(self.pair, token, nonce)

    def join_unsigned(self, sock: Socket) -> Socket:
        """Make `sock` the connection of a gateway of the original."""
        token = make_token(self.pair, time.time())
        sock.upgrade("/gw", {"Sec-WebSocket-Protocol": f"token,{token}"})
        return sock

    def _sending(self, token: str, nonce: bytes) -> bytes:
        """The key of what the service sends; `Session` keeps only what it makes of it."""
        material = base64.urlsafe_b64decode(self.pair.private) + self.pair.secret.encode()
        info = b"pyaiot link 1" + hashlib.sha256(token.encode()).digest()
        return HKDF(SHA256(), length=64, salt=nonce, info=info).derive(material)[:32]
