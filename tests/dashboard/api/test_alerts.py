# SPDX-License-Identifier: BSD-3-Clause
"""Rules, channels and alerts by REST, for people who may and people who may not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import UNSET
from sqlalchemy import insert

from pyaiot.accounts.permissions import HouseRules
from pyaiot.dashboard.api import past
from pyaiot.dashboard.api.services import House
from pyaiot.messages.types import Alert, AlertState, Severity
from pyaiot.model.access import EVERYTHING, LEVELS, Permission, Role
from pyaiot.model.node import Availability
from pyaiot.model.samples import Sample
from pyaiot.model.sighting import Sighting
from pyaiot.recorder.watch import LONGEST
from pyaiot.store import rules as limits
from pyaiot.store.accounts import Account
from pyaiot.store.alerts import Closed, Opened
from pyaiot.store.audit import NOBODY, TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.schema import RULES
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import Browser, Home, at_home
from tests.recorder.receiving import webhook
from tests.waiting import eventually

PEOPLE = {"Anna": Role.ADMIN, "Olaf": Role.OPERATOR, "Otto": Role.OPERATOR, "Vera": Role.VIEWER}
HOT: dict[str, Any] = {
    "name": "Hot", "condition": "above", "high": 30.0, "node": "oven", "resource": "t",
}  # fmt: skip

PREVIEW = "/rules/preview"


@dataclass
class Household:
    home: Home
    url: str
    accounts: dict[str, Account]
    people: dict[str, Browser]

    @property
    def told(self) -> list[Alert]:
        """What the broker is told."""
        return list(self.home.services.directory._alerts)


@asynccontextmanager
async def house(store: Store, clock: Clock) -> AsyncIterator[Household]:
    """Otto has an oven, which Vera may see; there is a lamp that is everybody's."""
    rules = House(HouseRules(EVERYTHING), chosen=True, local_channels=True)
    async with at_home(store, clock, PEOPLE, house=rules) as (home, url, accounts):
        people = {name: Browser(url) for name in PEOPLE}
        for name, browser in people.items():
            assert (await browser.log_in(name)).status == 200
        await store.nodes.change("oven", Edit(owner=accounts["Otto"].id, name="Oven"), TERMINAL)
        await store.nodes.share("oven", accounts["Vera"].id, Permission.VIEW, TERMINAL)
        await home.services.directory.changed()
        yield Household(home, url, accounts, people)


async def test_rules(fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RULES", 2)
    async with house(fast_store, clock) as place:
        anna, olaf, vera = (place.people[name] for name in ("Anna", "Olaf", "Vera"))
        made = await vera.call("POST", "/rules", HOT)
        assert made.status == 201
        rule = made.json
        assert (rule["owner"], rule["mine"], rule["muted_until"], rule["raised"]) == (
            "Vera", True, None, 0,
        )  # fmt: skip
        assert {key: rule["rule"][key] for key in HOT} == HOT
        path = f"/rules/{rule['id']}"
        got = await vera.get(path)
        assert got.json == rule
        assert (await vera.get("/rules")).json == {"items": [rule], "next": None}

        # Nobody else's, but for administrators.
        assert (await olaf.get("/rules")).json["items"] == []
        for method, where, body in (
            ("GET", path, None),
            ("PUT", path, HOT),
            ("DELETE", path, None),
            ("POST", f"{path}/mute", {"until": 1}),
        ):
            answer = await olaf.call(method, where, body)
            assert (answer.status, answer.code) == (404, "not_found")
        (seen,) = (await anna.get("/rules")).json["items"]
        assert seen == {**rule, "mine": False}

        changed = await vera.call(
            "PUT", path, {**HOT, "high": 40, "enabled": False}, If_Match=got.headers["etag"]
        )
        assert (changed.json["rule"]["high"], changed.json["rule"]["enabled"]) == (40.0, False)
        late = await vera.call("PUT", path, HOT, If_Match=got.headers["etag"])
        assert (late.status, late.code) == (412, "changed")
        until = clock.time + 3600
        muted = await vera.call("POST", f"{path}/mute", {"until": until})
        assert muted.json["muted_until"] == until
        spoken = await anna.call("POST", f"{path}/mute", {"until": None})
        assert (spoken.status, spoken.json["muted_until"]) == (200, None)

        for bad, code in (
            ({**HOT, "high": None}, "invalid_value"),
            ({**HOT, "condition": "odd"}, None),
            ({**HOT, "name": "\u200b"}, "invalid_value"),
            ({**HOT, "channels": ["no-such"]}, "invalid_value"),
            ({**HOT, "seconds": -1}, None),
        ):
            for method, where in (("POST", "/rules"), ("PUT", path)):
                answer = await vera.call(method, where, bad)
                assert answer.status == 400, bad
                assert code is None or answer.code == code
        clock.pass_(1)
        second = (await vera.call("POST", "/rules", {**HOT, "name": "More"})).json
        full = await vera.call("POST", "/rules", HOT)
        assert (full.status, full.code) == (429, "limit_exceeded")
        first = (await vera.get("/rules?limit=1")).json
        rest = (await vera.get(f"/rules?limit=1&cursor={first['next']}")).json
        assert (rest["items"], rest["next"]) == ([second], None)
        assert (await vera.call("DELETE", path)).status == 204
        assert (await vera.get(path)).status == 404


async def test_rules_of_nobody(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where strangers may control nodes they look after rules without an account."""
    monkeypatch.setattr(limits, "MAX_RULES", 2)
    async with house(fast_store, clock) as place:
        stranger, other = Browser(place.url), Browser(place.url)
        anna, olaf, vera = (place.people[name] for name in ("Anna", "Olaf", "Vera"))
        made = await stranger.call("POST", "/rules", HOT)
        assert made.status == 201
        rule, path = made.json, f"/rules/{made.json['id']}"
        assert (rule["owner"], rule["mine"]) == (None, True)
        await vera.call("POST", "/rules", {**HOT, "name": "Vera's"})
        # Whoever has an account may no less; a viewer changes nothing of others.
        shown = {"items": [rule], "next": None}
        for browser in (other, stranger):
            assert (await browser.get("/rules")).json == shown
            assert (await browser.get(path)).json == rule
        assert (await olaf.get("/rules")).json["items"] == [{**rule, "mine": False}]
        assert [each["rule"]["name"] for each in (await vera.get("/rules")).json["items"]] == [
            "Vera's"
        ]
        assert (await vera.get(path)).status == 404
        assert len((await anna.get("/rules")).json["items"]) == 2

        got = await other.get(path)
        changed = await other.call("PUT", path, {**HOT, "high": 9}, If_Match=got.headers["etag"])
        assert (changed.status, changed.json["rule"]["high"]) == (200, 9.0)
        assert (await olaf.call("PUT", path, HOT)).json["owner"] is None
        muted = await stranger.call("POST", f"{path}/mute", {"until": clock.time + 9})
        assert muted.json["muted_until"] == clock.time + 9

        # Channels lead anywhere: they need an account.
        named = {**HOT, "channels": ["some"]}
        for browser, method, where in (
            (stranger, "POST", "/rules"), (stranger, "PUT", path), (anna, "PUT", path),
        ):  # fmt: skip
            answer = await browser.call(method, where, named)
            assert (answer.status, answer.code) == (400, "invalid_value")
        assert (await stranger.get("/channels")).status == 401
        hook = {"name": "Hook", "url": "jsons://example.org"}
        assert (await stranger.call("POST", "/channels", hook)).status == 401

        body = {"rule": HOT, "from": clock.time - 9, "to": clock.time}
        assert (await stranger.call("POST", "/rules/preview", body)).status == 200
        assert (await stranger.call("POST", "/rules", HOT)).status == 201
        full = await stranger.call("POST", "/rules", HOT)
        assert (full.status, full.code) == (429, "limit_exceeded")

        await place.home.store.alerts.write([opened("a1", rule["id"], "lamp", clock.time)])
        await place.home.store.alerts.write([opened("a2", rule["id"], "oven", clock.time)])
        seen = await stranger.call("POST", "/alerts/a1/acknowledge")
        assert (seen.json["state"], seen.json["acknowledged_by"]) == ("acknowledged", None)
        assert place.told[-1].to is UNSET
        # One about a node that is not theirs to see is as if it were not there.
        assert (await stranger.call("POST", "/alerts/a2/acknowledge")).status == 404
        assert (await other.call("DELETE", path)).status == 204
        assert (await stranger.get(path)).status == 404
        entries = await place.home.store.audit.entries(1)
        assert [(each.action, each.user) for each in entries] == [("rule.remove", "")]


async def test_who_may_only_look_has_no_rules(fast_store: Store, clock: Clock) -> None:
    rules = House(HouseRules(LEVELS[Permission.VIEW]), chosen=True)
    async with at_home(fast_store, clock, PEOPLE, house=rules) as (home, url, _):
        rule = await home.store.alerts.add_rule(None, "Hot", {**HOT}, NOBODY)
        await home.store.alerts.write([opened("a1", rule.id, "lamp", clock.time)])
        stranger, olaf = Browser(url), Browser(url)
        await olaf.log_in("Olaf")
        for method, where, body in (
            ("GET", "/rules", None),
            ("POST", "/rules", HOT),
            ("GET", f"/rules/{rule.id}", None),
            ("DELETE", f"/rules/{rule.id}", None),
            ("POST", f"/rules/{rule.id}/mute", {"until": 1}),
            ("POST", "/alerts/a1/acknowledge", None),
        ):
            answer = await stranger.call(method, where, body)
            assert (answer.status, answer.code) == (401, "unauthenticated"), where
        assert [each["id"] for each in (await stranger.get("/alerts")).json["items"]] == ["a1"]
        assert (await olaf.get(f"/rules/{rule.id}")).status == 404
        assert (await olaf.get("/rules")).json["items"] == []


async def test_channels(fast_store: Store, clock: Clock) -> None:
    async with house(fast_store, clock) as place, webhook() as hook:
        anna, olaf, vera = (place.people[name] for name in ("Anna", "Olaf", "Vera"))
        url = f"JSON://vera:hunter2@127.0.0.1:{hook.port}/x"
        made = await vera.call("POST", "/channels", {"name": "Hook", "url": url})
        assert made.status == 201
        channel = made.json
        assert (channel["name"], channel["service"]) == ("Hook", "json")
        listed = await vera.get("/channels")
        assert listed.json == {"items": [channel], "next": None}
        path = f"/channels/{channel['id']}"

        for browser in (olaf, anna):
            assert (await browser.get("/channels")).json["items"] == []
        assert (await anna.get("/channels?all=true")).json["items"] == [channel]
        assert (await olaf.get("/channels?all=true")).json["items"] == []
        for method, where in (("POST", f"{path}/test"), ("DELETE", path)):
            assert (await olaf.call(method, where)).status == 404
        assert hook.asked == 0

        tried = await vera.call("POST", f"{path}/test")
        assert tried.json == {"delivered": True, "reason": ""}
        assert hook.heard[0]["message"] == "The channel 'Hook' works."
        hook.status = 500
        failed = await vera.call("POST", f"{path}/test")
        assert failed.json == {"delivered": False, "reason": "It answered with status 500."}
        for each in (made, listed, tried, failed):
            assert "hunter2" not in each.body.decode()
        # Nobody is flooded by it.
        hook.status = 200
        asked = [(await vera.call("POST", f"{path}/test")).status for _ in range(5)]
        assert asked == [200, 200, 200, 429, 429]
        assert hook.asked == 5
        assert (await vera.call("POST", f"{path}/test")).headers["retry-after"] == "10"
        clock.pass_(10)
        assert (await vera.call("POST", f"{path}/test")).status == 200

        for bad in ("nonsense", "file:///etc/passwd", "syslog://", "nothing://known", "json://"):
            answer = await vera.call("POST", "/channels", {"name": "Bad", "url": bad})
            assert (answer.status, answer.code) == (400, "invalid_value"), bad
            assert bad not in answer.body.decode()

        # Rules take their owner's channels and no others.
        rule = {**HOT, "channels": [channel["id"]]}
        assert (await olaf.call("POST", "/rules", rule)).status == 400
        mine = await vera.call("POST", "/rules", rule)
        assert mine.status == 201
        assert (await anna.call("PUT", f"/rules/{mine.json['id']}", rule)).status == 200
        assert (await vera.call("DELETE", path)).status == 204
        assert (await vera.get("/channels")).json["items"] == []


def opened(id_: str, rule: str, node: str, time: float) -> Opened:
    return Opened(id_, rule, node, "t", Severity.WARNING, "t is 31", "31", round(time * 1e6))


async def test_alerts(fast_store: Store, clock: Clock) -> None:
    store = fast_store
    async with house(store, clock) as place:
        anna, olaf, otto, vera = (place.people[name] for name in PEOPLE)
        rules = {
            name: (await place.people[name].call("POST", "/rules", HOT)).json["id"]
            for name in ("Otto", "Vera")
        }
        async with store._engine.writing() as connection:
            common = {"id": "common", "name": "Common", "rule": {}, "created": 1, "changed": 1}
            await connection.execute(insert(RULES).values(common))
        now = clock.time
        await store.alerts.write(
            [
                opened("a1", rules["Otto"], "oven", now),
                opened("a2", rules["Vera"], "oven", now + 1),
                opened("a3", "common", "oven", now + 2),
                opened("a4", "common", "lamp", now + 3),
                opened("a5", rules["Otto"], "oven", now + 4),
                Closed("a5", round((now + 9) * 1e6)),
            ]
        )

        async def ids(browser: Browser, query: str = "") -> list[str]:
            answer = await browser.get(f"/alerts{query}")
            assert answer.status == 200
            return [each["id"] for each in answer.json["items"]]

        assert await ids(anna) == ["a4", "a3", "a2", "a1"]
        assert await ids(otto) == ["a4", "a3", "a1"]
        assert await ids(vera) == ["a4", "a3", "a2"]
        assert await ids(olaf) == ["a4"] == await ids(Browser(place.url))
        assert await ids(otto, "?state=all") == ["a5", "a4", "a3", "a1"]
        assert await ids(otto, "?state=cleared") == ["a5"]
        assert await ids(otto, "?state=all&uid=lamp") == ["a4"]
        page = (await otto.get("/alerts?limit=2")).json
        assert await ids(otto, f"?limit=2&cursor={page['next']}") == ["a1"]
        (first,) = (await vera.get("/alerts?uid=oven&limit=1&cursor=" + page["next"])).json["items"]
        assert first == {
            "id": "a2", "rule": rules["Vera"], "rule_name": "Hot", "uid": "oven", "endpoint": "t",
            "severity": "warning", "state": "raised", "text": "t is 31", "value": "31",
            "finding": None, "raised": now + 1, "acknowledged": None, "acknowledged_by": None,
            "cleared": None,
        }  # fmt: skip

        for browser, alert in ((olaf, "a1"), (vera, "a1"), (olaf, "a3"), (anna, "none")):
            answer = await browser.call("POST", f"/alerts/{alert}/acknowledge")
            assert (answer.status, answer.code) == (404, "not_found")
        assert place.told == []
        seen = await vera.call("POST", "/alerts/a2/acknowledge")
        assert (seen.json["state"], seen.json["acknowledged_by"]) == ("acknowledged", "Vera")
        again = await anna.call("POST", "/alerts/a2/acknowledge")
        assert again.json == seen.json
        # Those who see it are told at once.
        (told,) = place.told
        assert (told.id, told.state, told.to, told.time) == (
            "a2", AlertState.ACKNOWLEDGED, (place.accounts["Vera"].id,), now,
        )  # fmt: skip
        assert (await olaf.call("POST", "/alerts/a4/acknowledge")).status == 200
        assert place.told[-1].to not in ((), ("",))
        assert await ids(anna, "?state=raised") == ["a3", "a1"]
        assert await ids(anna, "?state=acknowledged") == ["a4", "a2"]


async def test_preview(fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fast_store
    start = clock.time
    for node in ("oven", "lamp"):
        for number in range(60):
            value = 31.0 if 20 <= number < 40 else 20.0
            time = round((start + number) * 1e6)
            await store.history.put([Sample(node, "t", "", time, value, None)])
        seen = [
            Sighting(node, round((start + when) * 1e6), state)
            for when, state in (
                (-9, Availability.ONLINE), (50, Availability.OFFLINE), (55, Availability.ONLINE),
            )
        ]  # fmt: skip
        for each in seen:
            await store.nodes.note([each])
    clock.pass_(60)
    async with house(store, clock) as place:
        vera, olaf = place.people["Vera"], place.people["Olaf"]

        async def fired(browser: Browser, **rule: Any) -> list[tuple[str, float, float | None]]:
            body = {"rule": {**HOT, "node": "*", **rule}, "from": start, "to": start + 60}
            answer = await browser.call("POST", "/rules/preview", body)
            assert answer.status == 200, answer
            assert answer.json["complete"]
            return [
                (each["uid"], each["raised"] - start, each["cleared"] - start)
                for each in answer.json["fired"]
            ]

        # Of what one sees, and of nothing else.
        assert await fired(olaf) == [("lamp", 20.0, 40.0)]
        assert sorted(await fired(vera)) == [("lamp", 20.0, 40.0), ("oven", 20.0, 40.0)]
        assert await fired(vera, node="Oven", seconds=5) == [("oven", 25.0, 40.0)]
        assert await fired(olaf, node="Oven") == []
        assert await fired(olaf, resource="?", seconds=30) == []
        assert await fired(olaf, condition="offline") == [("lamp", 50.0, 55.0)]
        monkeypatch.setattr(past, "MAX_NODES", 1)
        body = {"rule": {**HOT, "node": "*"}, "from": start, "to": start + 60}
        assert not (await vera.call("POST", "/rules/preview", body)).json["complete"]
        for first, last in ((start + 9, start + 9), (start, start + 1e6)):
            answer = await vera.call("POST", "/rules/preview", {**body, "from": first, "to": last})
            assert (answer.status, answer.code) == (400, "invalid_value")


async def test_no_more_rules_are_tried_out_than_may_wait(fast_store: Store, clock: Clock) -> None:
    async with house(fast_store, clock) as place:
        services, vera = place.home.services, place.people["Vera"]
        body = {"rule": HOT, "from": clock.time - 60, "to": clock.time}
        async with services.previewing:
            waiting = [
                asyncio.create_task(Browser(place.url, vera.cookies).call("POST", PREVIEW, body))
                for _ in range(2)
            ]
            await eventually(lambda: len(services.previews) == 2)
            refused = await vera.call("POST", PREVIEW, body)
            assert (refused.status, refused.code) == (503, "too_many_connections")
        assert {(await each).status for each in waiting} == {200}
        assert (await place.people["Olaf"].call("POST", PREVIEW, body)).status == 200
        assert len(services.previews) == 0


async def test_preview_keeps_no_long_texts(fast_store: Store, clock: Clock) -> None:
    start = clock.time
    texts = ["on" + " " * 5000, "x" * 5000, "off"]
    await fast_store.history.put(
        [
            Sample("lamp", "led", "", round((start + n) * 1e6), None, text)
            for n, text in enumerate(texts)
        ]
    )
    await fast_store.nodes.change("lamp", Edit(kind="lamp"), TERMINAL)
    clock.pass_(60)
    kept: list[int] = []

    def brief(sample: Sample) -> Sample:
        found = cut(sample)
        kept.append(len(found.text or ""))
        return found

    cut = past._brief
    async with house(fast_store, clock) as place:
        rule = {"name": "On", "condition": "equals", "text": "on", "node": "lamp"}
        body = {"rule": rule, "from": start - 1, "to": start + 60}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(past, "_brief", brief)
            answer = await place.people["Olaf"].call("POST", PREVIEW, body)
        (fired,) = answer.json["fired"]
        assert (fired["raised"], fired["cleared"]) == (start, start + 1)
        assert kept == [2, LONGEST, 3]
