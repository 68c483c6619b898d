# SPDX-License-Identifier: BSD-3-Clause
"""Which passwords may be chosen."""

import unicodedata
from typing import Final

from pyaiot.accounts.names import name_key
from pyaiot.errors import InvalidValue

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 256
"""Characters. There is no need for more, and hashing takes longer the more there is."""


def check_new(password: str, name: str) -> None:
    """Raise InvalidValue unless `name` may choose `password`.

    Length is what counts; rules on what must be in it make passwords worse (NIST SP 800-63B).
    """
    if len(password) < MIN_PASSWORD:
        raise InvalidValue(f"A password must have {MIN_PASSWORD} characters or more.")
    if len(password) > MAX_PASSWORD:
        raise InvalidValue(f"A password may have {MAX_PASSWORD} characters.")
    if name_key(password) == name_key(name):
        raise InvalidValue("A password must not be the name of the account.")
    if len(set(password)) == 1:
        raise InvalidValue("A password must not be one character again and again.")
    as_bytes(password)


def as_bytes(password: str) -> bytes:
    """What is hashed: the same however the keyboard composes its letters (RFC 8265).

    Raises InvalidValue where it is no text at all: halves of characters.
    """
    try:
        return unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise InvalidValue("A password must be text.") from None
