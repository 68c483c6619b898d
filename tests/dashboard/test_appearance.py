# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

import pytest

from pyaiot.dashboard.appearance import MAX_TITLE, Appearance
from pyaiot.errors import SettingsInvalid


def test_pictures_are_addresses_by_http_or_paths() -> None:
    look = Appearance(
        "My things ☀",
        logo="/assets/logo.svg",
        favicon="https://example.org/icon.png",
        camera_url="http://[fd00::1]:8081/?action=stream;x=1,2",
    )
    assert look.picture_origins == ("https://example.org", "http://[fd00::1]:8081")
    assert Appearance(logo="logo.png", favicon="").picture_origins == ()
    twice = Appearance(logo="http://a/1", favicon="http://a/2")
    assert twice.picture_origins == ("http://a",)


def test_pictures_of_nodes_come_from_sites_that_are_allowed() -> None:
    look = Appearance(
        camera_url="http://a/1", allow_picture=("http://a", "https://b:8443/", "http://[fd00::1]")
    )
    assert look.picture_origins == ("http://a", "https://b:8443", "http://[fd00::1]")


@pytest.mark.parametrize(
    "site",
    ["", "*", "a", "/", "/a.png", "https:", "http://a/b", "http://a/?b", "http://a/#b", "data:",
     "http://u:p@a", "http://a;script-src", "http://a http://b", "http://*.a", "http://a:x"],
)  # fmt: skip
def test_what_is_no_site_is_refused(site: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^allow_picture: "):
        Appearance(allow_picture=("http://ok", site))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:image/svg+xml,<svg/>",
        "ftp://example.org/a.png",
        "//example.org/a.png",
        "http://",
        "http:///a.png",
        "http://user:word@example.org/",
        "http://a;script-src/",
        "http://a:port/",
        "http://a:99999/",
        "http://[::1",
        "http://a/ b",
        "http://a/\n",
        "http://a/\"'<>",
        "http://ä/",
        "http://a/" + "a" * 2048,
    ],
)
@pytest.mark.parametrize("name", ["logo", "favicon", "camera_url"])
def test_what_is_no_picture_is_refused_by_name(name: str, url: str) -> None:
    wrong: dict[str, Any] = {name: url}
    with pytest.raises(SettingsInvalid, match=f"^{name}: "):
        Appearance(**wrong)


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "a\u202eb", "a" * (MAX_TITLE + 1)])
def test_a_title_is_one_line(title: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^title: "):
        Appearance(title)
