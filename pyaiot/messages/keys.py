# SPDX-License-Identifier: BSD-3-Clause
"""The keys that services share, and the text of a key file (WIRE.md section 8)."""

import base64
import binascii
import configparser
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from pyaiot.errors import KeyFileInvalid

SECRET_LENGTH: Final = 32
_LENGTHS: Final = range(32, 48)
_ALPHABET: Final = string.ascii_letters + string.digits
_SECTION: Final = "keys"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What proves a service to a broker: a secret, and the key that encrypts it.

    Raises KeyFileInvalid when the private key is no Fernet key, or the secret cannot be used.
    """

    secret: str = field(repr=False)
    private: str = field(repr=False)

    def __post_init__(self) -> None:
        # Of other lengths a token would end in "=", which no header token may hold (RFC 9110).
        if len(self.secret) not in _LENGTHS or not self.secret.isascii():
            raise KeyFileInvalid(
                f"The secret in the key file must be {_LENGTHS[0]} to {_LENGTHS[-1]} ASCII"
                " characters, such as aiot-generate-keys makes."
            )
        try:
            raw = base64.urlsafe_b64decode(self.private)
        except (binascii.Error, ValueError) as exc:
            raise KeyFileInvalid("The private key in the key file is not base64 text.") from exc
        if len(raw) != 32:
            raise KeyFileInvalid("The private key in the key file must hold 32 bytes.")

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> "KeyPair":
        """A new pair in the original's form; `random_bytes` must be cryptographically strong."""
        secret: list[str] = []
        limit = 256 - 256 % len(_ALPHABET)
        while len(secret) < SECRET_LENGTH:
            # Bytes beyond the last whole round of the alphabet would favour its first letters.
            secret += [_ALPHABET[b % len(_ALPHABET)] for b in random_bytes(64) if b < limit]
        private = base64.urlsafe_b64encode(random_bytes(32)).decode()
        return cls("".join(secret[:SECRET_LENGTH]), private)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The pairs that are valid at the moment, the one to use first.

    Several may be valid at once, so that keys can be exchanged one service at a time.
    """

    pairs: tuple[KeyPair, ...]

    def __post_init__(self) -> None:
        if not self.pairs:
            raise KeyFileInvalid("The key file holds no keys.")

    @property
    def current(self) -> KeyPair:
        """The pair to make tokens with."""
        return self.pairs[0]

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """The keys in a key file: section ``[keys]``, then any ``[keys NAME]`` still valid.

        Raises KeyFileInvalid; its reason never quotes the file.
        """
        config = configparser.ConfigParser(interpolation=None)
        try:
            config.read_string(text)
        except (configparser.Error, ValueError):
            # The parser's own words would quote the line, which may be a key.
            raise KeyFileInvalid("The key file is not in INI format.") from None
        names = [name for name in config.sections() if name.split(" ")[0] == _SECTION]
        if _SECTION not in names:
            raise KeyFileInvalid("The key file has no section [keys].")
        names.sort(key=lambda name: name != _SECTION)
        for name in names:
            for option in ("secret", "private"):
                if not config.has_option(name, option):
                    raise KeyFileInvalid(f"Section [{name}] of the key file has no '{option}'.")
        return cls(tuple(KeyPair(config[n]["secret"], config[n]["private"]) for n in names))

    def text(self) -> str:
        """The text of a key file with these keys; the original reads the first pair of it."""
        config = configparser.ConfigParser(interpolation=None)
        for index, pair in enumerate(self.pairs):
            name = _SECTION if index == 0 else f"{_SECTION} previous-{index}"
            config[name] = {"secret": pair.secret, "private": pair.private}
        out = StringIO()
        config.write(out)
        return out.getvalue()

    def rotated(self, new: KeyPair, keep: int = 1) -> "KeyRing":
        """`new` in front, and at most `keep` of the pairs that were valid until now."""
        return KeyRing((new, *self.pairs[:keep]))
