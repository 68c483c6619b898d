# SPDX-License-Identifier: BSD-3-Clause
"""What browsers are told about the page: what it may load, and where it may connect."""

from collections.abc import Mapping, Sequence
from typing import Final

GUARDS: Final[Mapping[str, str]] = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer."""

NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The content security policy of all answers but the page itself."""


def content_security_policy(connect: Sequence[str], pictures: Sequence[str]) -> str:
    """The policy of the page.

    It runs its own scripts, turns no text into markup or code (Vue makes the only policy for
    trusted types, for its own templates), and connects to this server and to the origins in
    `connect`; pictures may also come from `pictures`.
    """
    return "; ".join(
        (
            NOTHING,
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self'", *pictures)),
            " ".join(("connect-src 'self'", *connect)),
            "require-trusted-types-for 'script'",
            "trusted-types vue",
        )
    )
