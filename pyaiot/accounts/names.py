# SPDX-License-Identifier: BSD-3-Clause
"""What accounts and nodes may be called, and when two names are the same."""

import unicodedata

from pyaiot.errors import InvalidValue
from pyaiot.messages.types import MAX_NAME


def checked_name(text: str) -> str:
    """`text` as a name: without blanks around it, composed (Unicode NFC), 1 to 64 characters.

    Raises InvalidValue when it is empty, too long, or holds characters that nobody sees.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidValue("A name must not be empty.")
    if len(name) > MAX_NAME:
        raise InvalidValue(f"A name may have {MAX_NAME} characters.")
    # Controls, and what changes direction or has no width: two names would look the same.
    if any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in name):
        raise InvalidValue("A name must not hold characters that nobody sees.")
    return name


def name_key(name: str) -> str:
    """Equal for names that differ in nothing but capitals; at most 192 characters."""
    return unicodedata.normalize("NFC", name).strip().casefold()
