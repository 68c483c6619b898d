# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import logging
import socket
import sys
from pathlib import Path

import pytest

from pyaiot.errors import InvalidValue, QueueFull
from pyaiot.messages.types import Severity
from pyaiot.recorder import courier as module
from pyaiot.recorder.courier import MAX_THREADS_EACH, Channel, Courier, check_channel
from pyaiot.recorder.notice import Notice
from tests.mosquitto import Tools, free_port, mosquitto
from tests.recorder.receiving import mailbox, webhook
from tests.waiting import eventually

NOTICE = Notice("Critical: Too hot", "It is 31°C.", Severity.CRITICAL)
MARKUP = Notice("Hot", '"<a href=//x.test>Lamp</a>" is *off*.', Severity.INFO)
"""What nodes say may be anything."""


def channel(url: str, *, local: bool = True, owner: str | None = "ann") -> Channel:
    return Channel("c", "mine", url, owner=owner, local=local)


async def test_webhook() -> None:
    courier = Courier()
    async with webhook() as hook:
        url = f"json://user:secret@127.0.0.1:{hook.port}/x"
        assert await courier.deliver(channel(url), NOTICE) == module.Outcome(delivered=True)
        assert {key: hook.heard[0][key] for key in ("title", "message", "type")} == {
            "title": "Critical: Too hot",
            "message": "It is 31°C.",
            "type": "failure",
        }
        hook.status = 503
        outcome = await courier.deliver(channel(url), NOTICE)
        assert outcome == module.Outcome(delivered=False, reason="It answered with status 503.")


async def test_mail() -> None:
    with mailbox(free_port()) as box:
        url = f"mailto://127.0.0.1:{box.port}?from=pyaiot@example.org&to=ann@example.org&mode=insecure"
        for notice in (NOTICE, MARKUP):
            assert (await Courier().deliver(channel(url), notice)).delivered
    mail, marked = box.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Critical: Too hot")
    (part, *_) = [each for each in mail.walk() if not each.is_multipart()]
    body = part.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "It is 31°C." in body.decode()
    for part in marked.walk():
        if not part.is_multipart():
            assert part.get_content_type() == "text/plain"
            text = part.get_payload(decode=True)
            assert isinstance(text, bytes)
            assert text.decode().strip() == MARKUP.body


async def test_mqtt(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port, Tools(port).subscribe("alerts/#") as heard:
        outcome = await Courier().deliver(channel(f"mqtt://127.0.0.1:{port}/alerts/mine"), NOTICE)
        assert outcome.delivered
        topic, message = await heard.next()
        assert (topic, "Critical: Too hot" in message) == ("alerts/mine", True)


async def test_nothing_local_unless_allowed() -> None:
    courier = Courier()
    async with webhook() as hook, webhook() as other:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::1]"):
            outcome = await courier.deliver(
                channel(f"json://{host}:{hook.port}", local=False), NOTICE
            )
            assert not outcome.delivered
            assert "private network" in outcome.reason, host
        assert hook.asked == 0
        # Those who may, may be sent on; the others are stopped there as well.
        other.location = f"http://127.0.0.1:{hook.port}/"
        outcome = await courier.deliver(channel(f"json://127.0.0.1:{other.port}"), NOTICE)
        assert (outcome.delivered, hook.asked) == (True, 1)


async def test_no_files() -> None:
    url = "fcm://project@key/device?keyfile=/etc/passwd"
    outcome = await Courier().deliver(channel(url), NOTICE)
    assert not outcome.delivered
    for bad in ("syslog://", "file:///etc/passwd", "nonsense://x", "json://"):
        assert not (await Courier().deliver(channel(bad), NOTICE)).delivered
        with pytest.raises(InvalidValue):
            await asyncio.to_thread(check_channel, bad)
    assert await asyncio.to_thread(check_channel, "JSON://example.org/x") == "json"
    # A word of that name is a program elsewhere.
    assert await asyncio.to_thread(check_channel, "mailto://a:b@gmail.com") == "mailto"


async def test_the_first_that_a_process_does_works_as_well() -> None:
    """The library is loaded then, which no channel is to be blamed for."""
    async with webhook() as hook:
        code = f"""
import asyncio
from pyaiot.recorder.courier import Channel, Courier, check_channel
from pyaiot.recorder.notice import Notice
print(check_channel("jsons://example.org"))
channel = Channel("c", "mine", "json://127.0.0.1:{hook.port}", local=True)
print(asyncio.run(Courier().deliver(channel, Notice("t", "b"))))
"""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert said.decode().split("\n")[:2] == ["jsons", "Outcome(delivered=True, reason='')"]


async def test_one_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READING", 2.0)
    courier = Courier(timeout=0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"json://127.0.0.1:{silent.getsockname()[1]}?rto=1000&retry=9"
        dead = channel(url, owner="bob")
        outcomes = await asyncio.gather(
            *[courier.deliver(dead, NOTICE) for _ in range(MAX_THREADS_EACH)]
        )
        assert {outcome.reason for outcome in outcomes} == {"It took too long."}
        with pytest.raises(QueueFull):
            await courier.deliver(dead, NOTICE)
        async with webhook() as hook:
            slow = Courier()
            slow._busy = courier._busy
            mine = channel(f"json://127.0.0.1:{hook.port}")
            assert (await slow.deliver(mine, NOTICE)).delivered
        await eventually(lambda: not courier._busy["bob"])


async def test_secrets_are_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "apprise")
    mine = channel(f"json://user:hunter2@127.0.0.1:{free_port()}/hunter2?+X-Token=hunter2")
    outcome = await Courier().deliver(mine, NOTICE)
    assert not outcome.delivered
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(mine) + outcome.reason
