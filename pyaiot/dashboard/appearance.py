# SPDX-License-Identifier: BSD-3-Clause
"""What the operator chose about the look of the page."""

import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pyaiot.dashboard.address import is_host
from pyaiot.errors import SettingsInvalid

MAX_TITLE: Final = 120
MAX_URL: Final = 2048


@dataclass(frozen=True, slots=True)
class Appearance:
    """A title and pictures; each picture is an address by HTTP, or a path on this server.

    From the sites in `allow_picture` come the pictures whose addresses nodes tell. Raises
    SettingsInvalid for anything else, such as ``javascript:`` addresses.
    """

    title: str = "IoT Dashboard"
    logo: str | None = None
    favicon: str | None = None
    camera_url: str | None = None
    allow_picture: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.title.strip() or len(self.title) > MAX_TITLE or _has_controls(self.title):
            raise SettingsInvalid(f"title: expected a line of at most {MAX_TITLE} characters")
        for name in ("logo", "favicon", "camera_url"):
            try:
                origin_of(getattr(self, name) or "/")
            except ValueError as exc:
                raise SettingsInvalid(f"{name}: {exc}") from None
        for site in self.allow_picture:
            try:
                _check_site(site)
            except ValueError as exc:
                raise SettingsInvalid(f"allow_picture: {exc}") from None

    @property
    def picture_origins(self) -> tuple[str, ...]:
        """Where pictures come from, other than from this server."""
        pictures = (self.logo, self.favicon, self.camera_url, *self.allow_picture)
        origins = (origin_of(each) for each in pictures if each)
        return tuple(dict.fromkeys(origin for origin in origins if origin))


def origin_of(url: str) -> str:
    """The origin of a picture, or nothing for one on this server; ValueError if it is no picture.

    The origin ends up in a header, so that nothing with a meaning there may be in it.
    """
    if (
        len(url) > MAX_URL
        or not url.isascii()
        or not url.isprintable()
        or set(url) & set(" \"'<>\\")
    ):
        raise ValueError("the address holds letters that must be written as %XX, or too many")
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"}:
        host = parts.hostname or ""
        if not is_host(host) or "@" in parts.netloc:
            raise ValueError("expected a host, and no user, in the address")
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}" + ("" if parts.port is None else f":{parts.port}")
    if parts.scheme or parts.netloc or url.startswith("//"):
        raise ValueError("expected an address that begins with http:// or https://, or a path")
    return ""


def _check_site(site: str) -> None:
    parts = urlsplit(site)
    if not origin_of(site) or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("expected a site without a path, such as https://camera.example")


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)
