# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import threading
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Use
from pyaiot.dashboard.api.devices import qr_of
from pyaiot.dashboard.api.services import House
from pyaiot.messages.types import Device
from pyaiot.model.access import EVERYTHING, Role
from pyaiot.model.node import Twin
from pyaiot.store import devices
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import Browser, Home, at_home
from tests.waiting import eventually

PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR, "Otto": Role.OPERATOR, "Vera": Role.VIEWER}
FORM = {"name": "Lamp", "kind": "lamp", "config": {"pin": 4}}


async def browsers(url: str) -> dict[str, Browser]:
    people = {name: Browser(url) for name in PEOPLE}
    for name, browser in people.items():
        assert (await browser.log_in(name)).status == 200
    return people


def device(home: Home, uid: str) -> Device:
    found = home.services.roll.device(uid)
    assert found is not None
    return found


async def make(admin: Browser, uid: str, owner: str) -> Any:
    """A node with that uid, of that account."""
    made = await admin.call("POST", "/devices", FORM | {"uid": uid})
    assert made.status == 201
    changed = await admin.call("PATCH", f"/nodes/{quote(uid, safe='')}", {"owner": owner})
    assert changed.status == 200
    return made.json


async def test_a_node_that_is_to_come(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        answer = await people["Olaf"].call("POST", "/devices", FORM)

        assert answer.status == 201
        node, made = answer.json["node"], answer.json["made"]
        assert (node["name"], node["owner"], node["mine"]) == ("Lamp", "Olaf", True)
        assert (node["kind"], node["config"], node["bound"]) == ("lamp", {"pin": 4}, True)
        assert node["permissions"] == ["view", "control", "script"]
        assert (node["availability"], node["public"], node["shares"]) == (None, None, [])
        claims = home.services.signer.check(made["secret"], Use.DEVICE, clock.time)
        assert (claims.sub, claims.jti) == (node["uid"], made["token"]["id"])
        assert device(home, node["uid"]) == Device(node["uid"], (claims.jti,), bound=True)
        link = urlsplit(made["link"])
        assert link.query == ""
        assert f"{link.scheme}://{link.netloc}{link.path}" == f"{url}/"
        wanted = parse_qs(urlsplit(link.fragment).query)
        assert wanted == {"uid": [node["uid"]], "token": [made["secret"]]}
        assert made["qr"] == list(qr_of(made["link"]))
        access = home.services.roll.node(node["uid"])
        assert access is not None
        assert access.owner == accounts["Olaf"].id

        again = await people["Olaf"].call("POST", "/devices", FORM | {"name": "LAMP"})
        assert (again.status, again.code) == (409, "name_taken")
        assert (await people["Otto"].call("POST", "/devices", FORM)).status == 201
        assert (await people["Vera"].call("POST", "/devices", FORM)).code == "denied"


async def test_a_code_is_square_and_can_be_read_back() -> None:
    rows = qr_of("https://example.org/#/device?uid=x&token=y")
    assert {len(row) for row in rows} == {len(rows)}
    assert set("".join(rows)) == {"0", "1"}
    # The corner that readers look for.
    assert [row[:7] for row in rows[:7]] == [
        "1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111",
    ]  # fmt: skip
    assert len(qr_of("x" * 2000)) > 120
    assert qr_of("x" * 3000) == ()


async def test_making_tokens_holds_nobody_up(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        people = await browsers(url)
        olaf = people["Olaf"]
        drawing, drawn = threading.Event(), threading.Event()

        def slow(link: str) -> tuple[str, ...]:
            drawing.set()
            assert drawn.wait(10)
            return (link[:1],)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pyaiot.dashboard.api.devices.qr_of", slow)
            making = [
                asyncio.create_task(
                    Browser(url, olaf.cookies).call("POST", "/devices", {"name": str(number)})
                )
                for number in range(4)
            ]
            await eventually(lambda: drawing.is_set() and len(home.services.makers) == 4)
            # One cannot have any number drawn at once; others are answered meanwhile.
            refused = await olaf.call("POST", "/devices", {"name": "5"})
            assert (refused.status, refused.code) == (503, "too_many_connections")
            assert (await people["Otto"].get("/nodes")).status == 200
            drawn.set()
            assert {(await each).status for each in making} == {201}
        assert (await olaf.call("POST", "/devices", {"name": "5"})).status == 201


async def test_a_node_that_is_there_is_nobody_s_to_take(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        people = await browsers(url)
        home.services.live.mirror.nodes["coap-1"] = Twin("coap-1", clock.time)
        made = await people["Ann"].call("POST", "/devices", FORM | {"uid": "coap-2"})
        assert made.json["node"]["uid"] == "coap-2"
        for uid in ("coap-1", "coap-2"):
            taken = await people["Ann"].call("POST", "/devices", FORM | {"uid": uid})
            assert (taken.status, taken.code) == (409, "name_taken")
        for uid in ("", "x" * 129, "a\nb"):
            answer = await people["Ann"].call("POST", "/devices", FORM | {"uid": uid})
            assert answer.code == "invalid_value"
        # Others do not learn whether there is one with that uid.
        answers = [
            await people["Olaf"].call("POST", "/devices", FORM | {"uid": uid})
            for uid in ("coap-1", "coap-2", "nothing")
        ]
        assert {(each.status, each.code, each.body) for each in answers} == {
            (403, "denied", answers[0].body)
        }


async def test_the_link_leads_where_the_operator_says(fast_store: Store, clock: Clock) -> None:
    house = House(HouseRules(EVERYTHING), public_url="https://iot.example/sub/")
    async with at_home(fast_store, clock, PEOPLE, house=house) as (_, url, _):
        browser = Browser(url)
        await browser.log_in("Ann")
        made = (await browser.call("POST", "/devices", FORM | {"uid": "é/?#&"})).json["made"]
        start = "https://iot.example/sub/#/device?uid=%C3%A9%2F%3F%23%26&token="
        assert made["link"].startswith(start)


async def test_tokens_of_a_node(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        people = await browsers(url)
        made = await make(people["Ann"], "n/1", "Olaf")
        path = "/nodes/n%2F1/tokens"
        clock.pass_(1)
        second = await people["Ann"].call("POST", path, {"label": "spare"})
        assert second.status == 201
        assert second.json["token"]["label"] == "spare"
        listed = (await people["Olaf"].get(path)).json["items"]
        assert [each["label"] for each in listed] == ["spare", ""]
        assert "secret" not in repr(listed)
        assert made["made"]["secret"] not in repr(listed)

        first = made["made"]["token"]["id"]
        # Who may not know of the node is told that there is none.
        for name in ("Otto", "Vera"):
            asked: list[tuple[str, object, str]] = [
                ("GET", None, path),
                ("POST", {}, path),
                ("DELETE", None, f"{path}/{first}"),
            ]
            for method, body, where in asked:
                answer = await people[name].call(method, where, body)
                assert answer.status in {403, 404}
                assert answer.code == (
                    "denied" if name == "Vera" and method != "GET" else "not_found"
                )
        assert (await people["Olaf"].call("DELETE", f"{path}/nothing")).code == "not_found"
        assert (await people["Olaf"].call("DELETE", f"{path}/{first}")).status == 204
        assert device(home, "n/1").tokens == (second.json["token"]["id"],)
        assert (await people["Olaf"].call("DELETE", f"{path}/{first}")).status == 204
        foreign = (await make(people["Ann"], "n2", "Otto"))["made"]["token"]["id"]
        assert (await people["Olaf"].call("DELETE", f"{path}/{foreign}")).code == "not_found"
        assert device(home, "n2").tokens == (foreign,)
        assert (await people["Ann"].call("POST", "/nodes/unheard/tokens", {})).code == "not_found"
        assert (await people["Ann"].call("POST", path, {"label": "x" * 65})).status == 400


async def test_a_node_that_is_forgotten_loses_tokens_that_are_not_listed_too(
    fast_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_LISTED", 1)
    async with at_home(fast_store, clock, PEOPLE) as (_, url, __):
        ann = (await browsers(url))["Ann"]
        first = (await make(ann, "n1", "Olaf"))["made"]["token"]["id"]
        clock.pass_(1)
        second = (await ann.call("POST", "/nodes/n1/tokens", {})).json["token"]["id"]
        path = f"/nodes/n1/tokens/{second}"
        assert (await ann.call("DELETE", path)).status == 204

        assert (await ann.call("DELETE", "/nodes/n1")).status == 204

        entries = (await ann.get("/audit")).json["items"]
        revoked = [each["detail"]["id"] for each in entries if each["action"] == "token.revoke"]
        assert revoked == [first, second]


async def test_sharing_a_node(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await make(people["Ann"], "n1", "Olaf")
        assert not home.services.roll.nodes["n1"].shares
        path = "/nodes/n1/shares"
        assert (await people["Otto"].call("PUT", f"{path}/Otto", {"level": "script"})).status == 404

        answer = await people["Olaf"].call("PUT", f"{path}/OTTO", {"level": "view"})

        assert answer.json["shares"] == [{"user": "Otto", "level": "view"}]
        shares = home.services.roll.nodes["n1"].shares
        assert shares == {accounts["Otto"].id: "view"}
        # Who may see it may still not share it on.
        denied = await people["Otto"].call("PUT", f"{path}/Vera", {"level": "view"})
        assert (denied.status, denied.code) == (403, "denied")
        more = await people["Ann"].call("PUT", f"{path}/otto", {"level": "control"})
        assert more.json["shares"] == [{"user": "Otto", "level": "control"}]
        assert (await people["Olaf"].call("PUT", f"{path}/nobody", {"level": "view"})).status == 404
        own = await people["Olaf"].call("PUT", f"{path}/Olaf", {"level": "view"})
        assert (own.status, own.code) == (409, "owner")
        assert (await people["Olaf"].call("PUT", f"{path}/Vera", {"level": "god"})).status == 400
        assert (
            await people["Ann"].call("PUT", "/nodes/x/shares/Otto", {"level": "view"})
        ).status == 404

        gone = await people["Olaf"].call("DELETE", f"{path}/Otto")
        assert gone.json["shares"] == []
        assert (await people["Olaf"].call("DELETE", f"{path}/Otto")).code == "not_found"
        assert (await people["Olaf"].call("DELETE", f"{path}/nobody")).code == "not_found"
        assert not home.services.roll.nodes["n1"].shares
