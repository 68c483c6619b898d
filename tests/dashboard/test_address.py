# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.dashboard.address import BrokerAddress, BrokerUrl, host_of
from pyaiot.errors import InvalidValue, SettingsInvalid


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("Pi.local:8080", "pi.local"),
        ("192.168.1.5:", "192.168.1.5"),
        ("[::1]:8080", "::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("example.org.", "example.org."),
        ("my_host-2", "my_host-2"),
    ],
)
def test_the_host_of_a_request(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":8080",
        "a;script-src *",
        "a;b",
        "a,b",
        "a'b",
        "a b",
        "*",
        "::1",
        "[::1",
        "[::1%25eth0]",
        "[1.2.3.4]",
        "[dead]",
        "a:123456",
        "a:port",
        "a..b",
        ".a",
        "a" * 254,
        "ä",
        "a\n",
    ],
)
def test_what_can_be_no_host_is_refused(header: str) -> None:
    with pytest.raises(InvalidValue):
        host_of(header)


@pytest.mark.parametrize(
    ("settings", "origins"),
    [
        (("broker", 8000, False), ("ws://broker:8000", "http://broker:8000")),
        (("broker", 80, False), ("ws://broker", "http://broker")),
        (("broker", 443, True), ("wss://broker", "https://broker")),
        (("broker", 80, True), ("wss://broker:80", "https://broker:80")),
        (("[fd00::1]", 8000, False), ("ws://[fd00::1]:8000", "http://[fd00::1]:8000")),
        (("", 8000, False), ("ws://localhost:8000", "http://localhost:8000")),
    ],
)
def test_where_the_page_may_connect(
    settings: tuple[str, int, bool], origins: tuple[str, str]
) -> None:
    host, port, secure = settings
    assert BrokerAddress.of(host, port, secure=secure).origins == origins


@pytest.mark.parametrize("host", ["http://broker", "broker:8000", "a b", "a;b", "*"])
def test_a_setting_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="broker_host"):
        BrokerAddress.of(host, 8000, secure=False)


@pytest.mark.parametrize(
    ("configured", "opened", "seen"),
    [
        # This machine, as seen from elsewhere, is the one that the page came from.
        ("localhost", "pi.local", "pi.local"),
        ("127.0.0.1", "192.168.1.5", "192.168.1.5"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("0.0.0.0", "localhost", "localhost"),
        ("::", "pi", "pi"),
        # On this machine it is what it was.
        ("localhost", "127.0.0.1", "localhost"),
        ("127.0.0.1", "localhost", "127.0.0.1"),
        # Another machine is another machine, from everywhere.
        ("broker.example", "localhost", "broker.example"),
        ("10.0.0.1", "pi.local", "10.0.0.1"),
        ("localhost", "", "localhost"),
    ],
)
def test_the_broker_as_a_browser_elsewhere_reaches_it(
    configured: str, opened: str, seen: str
) -> None:
    address = BrokerAddress.of(configured, 8000, secure=False).seen_from(opened)
    assert address == BrokerAddress(seen, 8000, secure=False)


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("broker/ws", ()),
        ("/iot/broker/ws?x=1", ()),
        ("../ws", ()),
        ("wss://iot.example/ws", ("wss://iot.example", "https://iot.example")),
        ("ws://[fd00::1]:81/ws", ("ws://[fd00::1]:81", "http://[fd00::1]:81")),
    ],
)
def test_the_whole_address(url: str, origins: tuple[str, ...]) -> None:
    address = BrokerUrl.of(url)
    assert address.origins == origins
    assert address.seen_from("elsewhere.example").facts == {"url": url}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://a/ws",
        "javascript:alert(1)",
        "data:,x",
        "//elsewhere/ws",
        "ws://",
        "wss://a b/ws",
        "wss://a/ws;script-src *",
        "wss://user@a/ws",
        "wss://a/ws#x",
        "wss://a:99999/ws",
        "wss://[/ws",
        "ws'x",
        "a,b",
        "\\\\elsewhere",
        "x" * 2049,
    ],
)
def test_a_setting_that_is_no_address_of_a_websocket_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="broker_url"):
        BrokerUrl.of(url)
