# SPDX-License-Identifier: BSD-3-Clause
"""Channels that carry alerts to people. Their addresses may hold passwords: none is shown again."""

import asyncio
from typing import Any, Final

from pyaiot.dashboard.api import forms
from pyaiot.dashboard.api.call import Call
from pyaiot.dashboard.api.cursor import cursor_of, place_of
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.problem import not_found
from pyaiot.recorder.courier import Channel, check_channel
from pyaiot.recorder.notice import Notice
from pyaiot.store.rules import ChannelRecord


async def channels(call: Call[forms.ChannelsWanted, None]) -> forms.Page[forms.Channel]:
    """One's own channels, or all, the oldest first."""
    limit = call.query.limit
    after = place_of(call.query.cursor, tuple[int, str])
    owner = None if call.query.all and call.who.unlimited else call.who.id
    found = await call.services.store.alerts.channels(limit + 1, after, owner)
    shown, last = found[:limit], None
    if len(found) > limit:
        last = cursor_of((shown[-1].created, shown[-1].id))
    return forms.Page(tuple(_told(each) for each in shown), last)


async def add(call: Call[NoQuery, forms.NewChannel]) -> forms.Channel:
    """A new channel of whoever asks."""
    # Loads the library that knows all services the first time.
    await asyncio.to_thread(check_channel, call.body.url)
    return _told(
        await call.services.store.alerts.add_channel(
            call.who.id, call.body.name, call.body.url, call.actor
        )
    )


async def remove(call: Call[NoQuery, None]) -> None:
    """Forget a channel."""
    channel = await _own(call)
    await call.services.store.alerts.remove_channel(channel.id, call.actor)


async def test(call: Call[NoQuery, None]) -> forms.Tried:
    """Send something by a channel, and say what became of it."""
    found = await _own(call)
    services = call.services
    # They reach people who may not have asked for it.
    services.trials.take(call.who.id, call.now.steady)
    channel = Channel(
        found.id, found.name, found.url, owner=found.owner, local=services.house.local_channels
    )
    outcome = await services.courier.deliver(channel, Notice.test(found.name))
    return forms.Tried(outcome.delivered, outcome.reason)


async def _own(call: Call[Any, Any]) -> ChannelRecord:
    channel = await call.services.store.alerts.channel(call.params["id"])
    if channel is None or not (call.who.unlimited or channel.owner == call.who.id):
        raise not_found("channel")
    return channel


def _told(channel: ChannelRecord) -> forms.Channel:
    service = channel.url.partition("://")[0].lower()
    return forms.Channel(channel.id, channel.name, service, channel.created / 1e6)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/channels", Who.USER, channels,
        "One's own channels for alerts, the oldest first; for administrators those of all, if they"
        " want them.",
        query=forms.ChannelsWanted, answer=forms.Page[forms.Channel],
    ),
    Endpoint(
        "POST", "/channels", Who.USER, add,
        "Make a channel for alerts. Its address is not shown again.",
        body=forms.NewChannel, answer=forms.Channel, status=201, problems=(429,),
        refuses=f"{forms.BAD_NAME}; an address of no service that is known and allowed",
    ),
    Endpoint(
        "DELETE", "/channels/{id}", Who.USER, remove,
        "Remove a channel. Rules that name it tell it nothing any more.",
        problems=(404,),
    ),
    Endpoint(
        "POST", "/channels/{id}/test", Who.USER, test,
        "Send a message that only shows that a channel works.",
        answer=forms.Tried, problems=(404, 429),
    ),
)  # fmt: skip
