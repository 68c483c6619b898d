# SPDX-License-Identifier: BSD-3-Clause
from urllib.parse import parse_qs, urlsplit

from pyaiot.accounts.links import device_link


def test_the_token_is_in_no_request() -> None:
    link = device_link("https://iot.example/iot/", "é/?#&", "a.b.c")
    parts = urlsplit(link)
    assert (parts.path, parts.query) == ("/iot/", "")
    place, _, words = parts.fragment.partition("?")
    assert place == "/device"
    assert parse_qs(words) == {"uid": ["é/?#&"], "token": ["a.b.c"]}
