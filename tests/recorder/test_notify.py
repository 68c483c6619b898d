# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pyaiot.errors import QueueFull
from pyaiot.recorder import notify
from pyaiot.recorder.courier import Channel, Outcome
from pyaiot.recorder.notice import Notice
from pyaiot.recorder.notify import MAX_WAITING, Notifier, Pace
from tests.waiting import eventually

FAST = Pace(rate=1000, burst=1000, pauses=(0.01, 0.01), crowded=0.01)


class Post:
    """A courier that keeps what it is given."""

    def __init__(self) -> None:
        self.delivered: list[tuple[str, str]] = []
        self.dead: set[str] = set()
        self.stuck: dict[str, asyncio.Event] = {}
        self.crowded = 0
        self.attempts = 0

    async def deliver(self, channel: Channel, notice: Notice) -> Outcome:
        self.attempts += 1
        if self.crowded:
            self.crowded -= 1
            raise QueueFull("Crowded.")
        if channel.id in self.stuck:
            await self.stuck[channel.id].wait()
        if channel.id in self.dead:
            return Outcome(delivered=False, reason="It is dead.")
        self.delivered.append((channel.id, notice.title))
        return Outcome(delivered=True)


@asynccontextmanager
async def running(post: Post, pace: Pace = FAST) -> AsyncIterator[Notifier]:
    notifier = Notifier(post, asyncio.get_running_loop().time, pace)
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        task.cancel()
        await asyncio.wait([task])


def channel(name: str) -> Channel:
    return Channel(name, f"Channel {name}", "json://user:hunter2@example.org")


async def test_delivers_in_order() -> None:
    post = Post()
    post.crowded = 2
    async with running(post) as notifier:
        for number in range(5):
            notifier.send(channel("a"), Notice(str(number), ""))
        await eventually(lambda: len(post.delivered) == 5)
        notifier.send(channel("a"), Notice("later", ""))
        await eventually(lambda: len(post.delivered) == 6)
    assert [title for _, title in post.delivered] == ["0", "1", "2", "3", "4", "later"]


async def test_tries_again_and_gives_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    post = Post()
    post.dead.add("a")
    async with running(post) as notifier:
        notifier.send(channel("a"), Notice("x", ""))
        await eventually(lambda: notifier.failed == 1)
        assert post.attempts == 3
        post.dead.clear()
        notifier.send(channel("a"), Notice("y", ""))
        await eventually(lambda: post.delivered == [("a", "y")])
    (record,) = caplog.records
    assert record.getMessage() == "Channel 'Channel a' gets no notices: It is dead."


async def test_a_dead_channel_holds_up_no_other() -> None:
    post = Post()
    post.stuck["a"] = asyncio.Event()
    async with running(post) as notifier:
        for number in range(MAX_WAITING + 6):
            notifier.send(channel("a"), Notice(str(number), ""))
            notifier.send(channel("b"), Notice(str(number), ""))
            await asyncio.sleep(0)
        await eventually(lambda: len(post.delivered) == MAX_WAITING + 6)
        assert {name for name, _ in post.delivered} == {"b"}
        post.delivered.clear()
        post.stuck["a"].set()
        await eventually(lambda: len(post.delivered) == 2)
        # The first was under way; of the others there were too many to keep.
        assert post.delivered == [("a", "0"), ("a", f"{MAX_WAITING + 5} alerts")]


async def test_what_comes_too_fast_is_summed_up() -> None:
    post = Post()
    async with running(post, Pace(rate=5, burst=3)) as notifier:
        for number in range(10):
            notifier.send(channel("a"), Notice(str(number), ""))
        await eventually(lambda: len(post.delivered) == 4)
        assert [title for _, title in post.delivered] == ["0", "1", "2", "7 alerts"]


async def test_a_channel_that_is_gone() -> None:
    post = Post()
    post.dead.add("a")
    async with running(post, Pace(pauses=(0.05, 60.0))) as notifier:
        for number in range(3):
            notifier.send(channel("a"), Notice(str(number), ""))
        await eventually(lambda: post.attempts == 1)
        notifier.forget("a")
        notifier.forget("a")
        await eventually(lambda: notifier.failed == 1)
        assert post.attempts == 2


async def test_channels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "MAX_CHANNELS", 1)
    async with running(Post()) as notifier:
        notifier.send(channel("a"), Notice("", ""))
        notifier.send(channel("b"), Notice("", ""))
        assert notifier.failed == 1
