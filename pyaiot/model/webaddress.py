# SPDX-License-Identifier: BSD-3-Clause
"""Addresses of pages and services, as people give them."""

from urllib.parse import SplitResult, urlsplit

from pyaiot.errors import InvalidValue


def check_web_address(text: str) -> SplitResult:
    """The parts of an address of the web. Raises InvalidValue for what is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or port == 0
        or not text.isprintable()
    ):
        raise InvalidValue("expected an address that begins with http:// or https://")
    return parts


def check_page_address(text: str) -> None:
    """Raise InvalidValue for what can be no address of the page itself."""
    parts = check_web_address(text)
    if parts.query or parts.fragment:
        raise InvalidValue("the page's own address has neither ? nor #")
