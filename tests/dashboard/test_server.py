# SPDX-License-Identifier: BSD-3-Clause
"""The real server, asked over real sockets."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pyaiot import __version__
from pyaiot.dashboard.service import serve
from pyaiot.errors import KeyFileInvalid, SettingsInvalid, StartFailed
from pyaiot.settings import DashboardSettings
from tests.dashboard.conftest import INDEX
from tests.dashboard.running import running_dashboard
from tests.dashboard.test_ground import png


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(
    url: str, path: str = "/", *, method: str = "GET", body: bytes = b"", **headers: str
) -> Answer:
    """Ask as an HTTP client does that does nothing of its own accord."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = {"Host": place.netloc, "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    start, _, content = raw.partition(b"\r\n\r\n")
    first, *rest = start.decode().split("\r\n")
    found = dict(line.split(": ", 1) for line in rest)
    return Answer(int(first.split()[1]), {k.lower(): v for k, v in found.items()}, content)


def rule(answer: Answer, name: str) -> str:
    """What the answer's content security policy says about `name`."""
    rules = answer.headers["content-security-policy"].split("; ")
    return next(each.removeprefix(f"{name} ") for each in rules if each.startswith(f"{name} "))


async def test_the_page_comes_compressed_and_guarded(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        plain = await ask(url)
        small = await ask(url, Accept_Encoding="gzip, br")
    assert (plain.status, plain.body) == (200, INDEX)
    assert "content-encoding" not in plain.headers
    assert (small.headers["content-encoding"], small.body) == ("br", b"(brotli)")
    assert small.headers["vary"] == "Accept-Encoding"
    assert small.headers["cache-control"] == "no-cache"
    assert small.headers["content-type"] == "text/html; charset=utf-8"
    assert small.headers["x-content-type-options"] == "nosniff"
    assert small.headers["referrer-policy"] == "no-referrer"
    assert small.headers["x-frame-options"] == "DENY"
    assert rule(small, "frame-ancestors") == "'none'"
    assert "unsafe" not in small.headers["content-security-policy"]
    assert "server" not in small.headers


async def test_a_page_that_did_not_change_is_not_sent_again(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        first = await ask(url)
        again = await ask(url, If_None_Match=first.headers["etag"])
        other_encoding = await ask(url, If_None_Match=first.headers["etag"], Accept_Encoding="br")
        other_policy = await ask(url, If_None_Match=first.headers["etag"], Host="pi.local:8080")
    assert (again.status, again.body) == (304, b"")
    assert other_encoding.status == 200
    assert other_policy.status == 200


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        script = await ask(url, "/assets/page-Dk3.js")
    assert script.body == b"let a = 1;"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert rule(script, "default-src") == "'none'"


async def test_head_is_get_without_the_body(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        for path in ("/", "/assets/page-Dk3.js", "/config.json", "/health", "/metrics"):
            head = await ask(url, path, method="HEAD")
            assert (head.status, head.body) == (200, b""), path
            assert int(head.headers["content-length"]) > 0


async def test_facts_for_the_page_and_its_policy_agree_on_the_broker(built: Path) -> None:
    settings = {
        "static_path": str(built),
        "broker_port": 8123,
        "title": "</script><b>",
        "logo": "/logo.svg",
        "camera_url": "http://camera:81/x?y",
        "allow_picture": ("https://pictures.example",),
    }
    async with running_dashboard(**settings) as url:
        near = await ask(url, "/config.json")
        far = await ask(url, "/config.json", Host="pi.local:8080")
        far_page = await ask(url, Host="pi.local:8080")
        v6_page = await ask(url, Host="[fd00::7]:8080")
    assert json.loads(near.body) == {
        "title": "</script><b>",
        "version": __version__,
        "broker": {"url": None, "host": "localhost", "port": 8123, "secure": False},
        "camera_url": "http://camera:81/x?y",
        "logo": "/logo.svg",
        "favicon": None,
        "pictures": ["http://camera:81", "https://pictures.example"],
        "map": {"plan": None, "tiles": None},
    }
    assert near.headers["content-type"].startswith("application/json")
    assert near.headers["cache-control"] == "no-store"
    assert json.loads(far.body)["broker"]["host"] == "pi.local"
    assert rule(far_page, "connect-src") == "'self' ws://pi.local:8123 http://pi.local:8123"
    assert rule(far_page, "img-src") == "'self' http://camera:81 https://pictures.example"
    assert rule(v6_page, "connect-src") == "'self' ws://[fd00::7]:8123 http://[fd00::7]:8123"
    # The title is no part of the page's text.
    assert far_page.body == INDEX


async def test_a_broker_elsewhere_by_tls(built: Path) -> None:
    settings = {"broker_host": "broker.example", "broker_port": 0, "broker_ssl": True}
    async with running_dashboard(static_path=str(built), **settings) as url:
        page = await ask(url)
        config = await ask(url, "/config.json")
    assert rule(page, "connect-src") == "'self' wss://broker.example https://broker.example"
    expected = {"url": None, "host": "broker.example", "port": None, "secure": True}
    assert json.loads(config.body)["broker"] == expected


@pytest.mark.parametrize(
    ("url", "may_connect"),
    [
        ("broker/ws", "'self'"),
        ("wss://iot.example/ws", "'self' wss://iot.example https://iot.example"),
    ],
)
async def test_a_broker_behind_a_proxy(built: Path, url: str, may_connect: str) -> None:
    async with running_dashboard(static_path=str(built), broker_url=url) as served:
        page = await ask(served)
        config = await ask(served, "/config.json")
    assert rule(page, "connect-src") == may_connect
    assert json.loads(config.body)["broker"] == {"url": url}


async def test_a_broker_at_no_address(built: Path) -> None:
    with pytest.raises(SettingsInvalid, match="broker_url"):
        async with running_dashboard(static_path=str(built), broker_url="https://a/ws"):
            pass


async def test_a_host_that_would_change_the_policy_is_refused(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        answer = await ask(url, Host="a;script-src")
    assert answer.status == 400
    assert b"cannot be understood" in answer.body
    assert "script-src" not in answer.headers["content-security-policy"]


async def test_errors_are_small_plain_pages(built: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with running_dashboard(static_path=str(built)) as url:
        missing = await ask(url, "/<script>alert(1)</script>")
        up = await ask(url, "/../../etc/passwd")
        encoded = await ask(url, "/%2e%2e/%2e%2e/etc/passwd")
        posted = await ask(url, "/", method="POST", body=b"a=1")
        deleted = await ask(url, "/nothing", method="DELETE")
        odd = await ask(url, "/", method="BREW")
        large = await ask(url, "/", method="POST", body=b"a" * 10_000)
    assert [each.status for each in (missing, up, encoded)] == [404, 404, 404]
    assert b"There is nothing at this address." in missing.body
    assert b"alert" not in missing.body
    for refused in (posted, deleted, odd, large):
        assert refused.status == 405
        assert refused.headers["allow"] == "GET, HEAD"
        assert refused.headers["x-content-type-options"] == "nosniff"
    assert len(missing.body) < 400
    about_asking = [each for each in caplog.records if each.name.startswith("tornado")]
    assert not [record for record in about_asking if record.levelno >= logging.WARNING]


async def test_no_address_leads_out_of_the_page(built: Path) -> None:
    (built.parent / "secret").write_text("told to nobody")
    ways = [
        "/../secret", "/..%2fsecret", "/%2e%2e%2Fsecret", "/%2e%2e/secret", "/..%5csecret",
        "/..\\secret", "//secret", f"/{built.parent}/secret", f"/%2f{built.parent}/secret",
        "/assets/..%2f..%2fsecret", "/%252e%252e%252fsecret", "/..;/secret", "/../secret%00.js",
        "/api/v1/..%2f..%2fsecret", "/api/v1/nodes/..%2f..%2fsecret", "/floor-plan/..%2fsecret",
    ]  # fmt: skip
    async with running_dashboard(static_path=str(built), anonymous="control") as url:
        for way in ways:
            answer = await ask(url, way)
            assert answer.status in {400, 404}, way
            assert b"told to nobody" not in answer.body, way
        # The server is none the worse for it.
        assert (await ask(url)).status == 200


async def test_a_head_that_is_too_large_ends_its_connection_alone(
    built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        place = urlsplit(url)
        for head in (b"X: " + b"a" * 100_000, b"X: a\r\n" * 20_000, b"a" * 100_000):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            with contextlib.suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + head)
                await writer.drain()
                # Neither read to its end nor waited for: it has no end.
                said = await asyncio.wait_for(reader.read(), 10)
                assert said == b"" or said.startswith(b"HTTP/1.1 4")
            writer.close()
        assert (await ask(url, X="a" * 10_000)).status == 200
    assert not [each for each in caplog.records if each.exc_info]


async def test_who_says_little_or_nothing_keeps_nobody_out(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyaiot.dashboard.server.CONNECTIONS", 5)
    async with running_dashboard(static_path=str(built)) as url:
        place = urlsplit(url)
        body = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nPyaiot-Request: 1\r\n"
        body += b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        slow = (b"", b"GET / HTTP/1.1\r\nX-Slow:", body)
        opened = []
        # One that has asked for something is answered for as long as it takes.
        reader, events = await asyncio.open_connection(place.hostname, place.port)
        events.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"retry: 2000")
        for number in range(12):
            opened.append(await asyncio.open_connection(place.hostname, place.port))
            opened[-1][1].write(slow[number % 3])
            assert (await ask(url)).status == 200
        for old, _ in opened[:6]:
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(old.read(), 5)
        assert not reader.at_eof()
        for writer in (events, *(each for _, each in opened)):
            writer.close()


async def test_health_and_metrics(built: Path) -> None:
    async with running_dashboard(static_path=str(built)) as url:
        await ask(url, "/nothing")
        health = await ask(url, "/health")
        metrics = await ask(url, "/metrics")
    report = json.loads(health.body)
    assert (report["status"], report["version"]) == ("ok", __version__)
    assert b'pyaiot_dashboard_answers_total{status="404"} 1.0' in metrics.body
    assert metrics.headers["content-type"].startswith("text/plain")


async def test_a_fault_of_our_own_shows_no_traceback(
    built: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("pyaiot.dashboard.server.content_security_policy", broken)
    async with running_dashboard(static_path=str(built)) as url:
        answer = await ask(url)
    assert answer.status == 500
    assert b"This did not work." in answer.body
    assert b"secret" not in answer.body
    assert "a secret of the inside" in caplog.text


async def test_several_dashboards_run_in_one_process(built: Path) -> None:
    async with (
        running_dashboard(static_path=str(built)) as one,
        running_dashboard(static_path=str(built)) as other,
    ):
        assert (await ask(one, "/metrics")).status == 200
        assert (await ask(other, "/metrics")).status == 200


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"camera_url": "javascript:alert(1)"}, SettingsInvalid, "camera_url: "),
        ({"broker_host": "a b"}, SettingsInvalid, "broker_host: "),
        ({"static_path": "/nowhere/at/all"}, StartFailed, "there is no page in /nowhere/at/all"),
        ({"key_file": "/nowhere/keys"}, KeyFileInvalid, "There is no key file '/nowhere/keys'"),
        ({"web_host": "host.invalid"}, StartFailed, "Cannot listen on host.invalid, port 0"),
        ({"web_host": "2001:db8::1"}, StartFailed, "Cannot listen on 2001:db8::1: no such address"),
    ],
)
async def test_what_cannot_be_served_is_one_clear_error(
    built: Path, settings: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        async with running_dashboard(**{"static_path": str(built), **settings}):
            pass


async def test_a_port_that_is_taken_is_one_clear_error(built: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed, match=f"Cannot listen on 127.0.0.1, port {port}"):
            async with running_dashboard(static_path=str(built), web_port=port):
                pass


async def test_an_address_that_is_listed_but_not_there_is_passed_over(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    look_up = loop.getaddrinfo

    async def listed(host: str | None, port: int, **options: int) -> list[object]:
        missing = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", port, 0, 0))
        return [missing, *await look_up(host, port, **options)]

    monkeypatch.setattr(loop, "getaddrinfo", listed)
    async with running_dashboard(static_path=str(built)) as url:
        assert (await ask(url, "/health")).status == 200


async def test_all_interfaces_are_an_empty_host(built: Path) -> None:
    words: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = DashboardSettings(
        web_host="", web_port=0, static_path=str(built), store=str(built / "store.db")
    )
    service = asyncio.create_task(serve(settings, words.set_result))
    text = await words
    assert text.startswith("listening on http://*:")
    assert (await ask(f"http://127.0.0.1:{text.rpartition(':')[2]}", "/health")).status == 200
    service.cancel()
    with pytest.raises(asyncio.CancelledError):
        await service


async def test_grounds_of_the_map_are_served_and_allowed(
    built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = tmp_path / "plan"
    plan.write_bytes(png(640, 480))
    settings = {
        "static_path": str(built),
        "floor_plan": str(plan),
        "map_tiles": "https://tile.example.org/{z}/{x}/{y}.png",
        "map_attribution": "© Those who <b>measured</b>",
        "map_api_key": "a-key",
    }
    async with running_dashboard(**settings) as url:
        page = await ask(url)
        facts = json.loads((await ask(url, "/config.json")).body)["map"]
        picture = await ask(url, "/" + facts["plan"])
        again = await ask(url, "/floor-plan", If_None_Match=picture.headers["etag"])
    assert rule(page, "img-src") == "'self' https://tile.example.org"
    assert "tile.example.org" not in rule(page, "connect-src")
    assert facts["tiles"] == {
        "template": "https://tile.example.org/{z}/{x}/{y}.png",
        "attribution": "© Those who <b>measured</b>",
    }
    assert (picture.status, picture.body) == (200, plan.read_bytes())
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"] == "no-cache"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert rule(picture, "default-src") == "'none'"
    assert again.status == 304
    assert [each.getMessage() for each in caplog.records if "map_api_key" in each.getMessage()] == [
        "map_api_key is not used: the map needs no key (see map_tiles)"
    ]


async def test_without_grounds_nothing_is_served_or_allowed(built: Path) -> None:
    async with running_dashboard(static_path=str(built), map_attribution="nobody") as url:
        assert (await ask(url, "/floor-plan")).status == 404
        assert rule(await ask(url), "img-src") == "'self'"


async def test_a_floor_plan_that_is_none_keeps_the_page_from_starting(built: Path) -> None:
    with pytest.raises(StartFailed, match="neither a PNG nor a JPEG"):
        async with running_dashboard(static_path=str(built), floor_plan=str(built / "index.html")):
            pass
