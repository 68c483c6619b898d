# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import OriginRefused
from pyaiot.messages.origin import check_origin

HOST = ["pi.lan:8001"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://pi.lan",
        "https://PI.lan:8080",
        "http://localhost:5173",
        "http://demo.localhost",
        "http://127.0.0.1",
        "http://127.8.9.10:80",
        "http://[::1]:8080",
    ],
)
def test_own_pages_may_connect(origin: str) -> None:
    check_origin([origin], HOST, loopback=False)


def test_programs_send_no_origin() -> None:
    check_origin([], HOST, loopback=False)
    check_origin([], [], loopback=False)


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.org",
        "https://pi.lan.example.org",
        "http://localhost.example.org",
        "http://128.0.0.1",
        "null",
        "",
        "pi.lan",
        "http://[::1",
        "http://[pi.lan]",
    ],
)
def test_pages_of_other_sites_may_not(origin: str) -> None:
    with pytest.raises(OriginRefused):
        check_origin([origin], HOST, loopback=False)


def test_host_that_is_none_allows_nobody() -> None:
    for hosts in ([], [""], ["[::1"]):
        with pytest.raises(OriginRefused):
            check_origin(["http://example.org"], hosts, loopback=False)


def test_named_sites_may_connect() -> None:
    allowed = ("https://Example.org/",)
    check_origin(["https://example.ORG"], HOST, allowed=allowed, loopback=False)
    for origin in ("http://example.org", "https://www.example.org", "https://example.org:8443"):
        with pytest.raises(OriginRefused):
            check_origin([origin], HOST, allowed=allowed, loopback=False)


def test_repeated_headers_are_refused() -> None:
    with pytest.raises(OriginRefused):
        check_origin(["http://pi.lan", "http://example.org"], HOST, loopback=False)
    with pytest.raises(OriginRefused):
        check_origin(["http://example.org"], ["pi.lan", "example.org"], loopback=False)


def test_loopback_has_no_other_name() -> None:
    # Somebody's domain that points to this machine makes his page one of "the same host".
    with pytest.raises(OriginRefused):
        check_origin(["http://pi.lan"], HOST, loopback=True)
    check_origin(["http://localhost:8080"], HOST, loopback=True)
    check_origin(["http://[::1]:8080"], ["localhost:8001"], loopback=True)
