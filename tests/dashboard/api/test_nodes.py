# SPDX-License-Identifier: BSD-3-Clause
"""Nodes and their past, on a real store; what the broker would say is put in the mirror."""

import csv
import io
import json

from pyaiot.accounts.permissions import HouseRules
from pyaiot.dashboard.api.services import House
from pyaiot.model.access import EVERYTHING, Permission, Role
from pyaiot.model.node import Availability, Reading, Twin
from pyaiot.model.samples import Sample
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import Browser, Home, at_home

PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR, "Vera": Role.VIEWER}


async def browsers(url: str) -> dict[str, Browser]:
    people = {name: Browser(url) for name in PEOPLE}
    for name, browser in people.items():
        assert (await browser.log_in(name)).status == 200
    return {**people, "": Browser(url)}


def report(home: Home, uid: str, **values: object) -> None:
    """Have the broker know that a node reported something."""
    twin = home.services.live.mirror.nodes.setdefault(uid, Twin(uid, home.moment().wall))
    for name, value in values.items():
        twin.put(Reading(name, value, home.moment().wall))  # type: ignore[arg-type]


async def furnish(home: Home, owners: dict[str, str]) -> None:
    for uid, owner in owners.items():
        await home.store.nodes.change(uid, Edit(owner=owner), TERMINAL)
    await home.services.directory.changed()


async def test_each_sees_their_nodes_page_by_page(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await furnish(
            home, {"n1": accounts["Olaf"].id, "n2": accounts["Ann"].id, "n4": accounts["Vera"].id}
        )
        await home.store.nodes.share("n2", accounts["Vera"].id, Permission.CONTROL, TERMINAL)
        await home.services.directory.changed()
        for uid in ("n1", "n2", "n3", "n5"):
            report(home, uid, protocol="CoAP", temperature=21)

        async def seen(who: str, query: str = "") -> list[str]:
            uids: list[str] = []
            cursor = ""
            while True:
                answer = await people[who].get(f"/nodes?limit=2{query}{cursor}")
                assert answer.status == 200
                uids += [each["uid"] for each in answer.json["items"]]
                if answer.json["next"] is None:
                    return uids
                cursor = f"&cursor={answer.json['next']}"

        assert await seen("Ann") == ["n1", "n2", "n3", "n4", "n5"]
        assert await seen("Olaf") == ["n1", "n3", "n5"]
        assert await seen("Vera") == ["n2", "n3", "n4", "n5"]
        assert await seen("") == ["n3", "n5"]
        assert await seen("Olaf", "&mine=true") == ["n1"]
        assert await seen("", "&mine=true") == []
        assert await seen("Ann", "&q=N3") == ["n3"]
        for who, uid, status in (("Olaf", "n2", 404), ("Olaf", "no", 404), ("", "n1", 404)):
            answer = await people[who].get(f"/nodes/{uid}")
            assert (answer.status, answer.code) == (status, "not_found")
            for path in ("resources", "resources/x", "series", "availability",
                         "resources/x/history", "resources/x/rows"):  # fmt: skip
                assert (await people[who].get(f"/nodes/{uid}/{path}")).status == 404
        shared = (await people["Vera"].get("/nodes/n2")).json
        assert (shared["permissions"], shared["shares"]) == (["view"], None)
        assert shared["availability"] == Availability.ONLINE
        for cursor in ("x", "WzFd", "MTc"):
            assert (await people["Ann"].get(f"/nodes?cursor={cursor}")).code == "invalid_value"


async def test_unclaimed_nodes_may_be_for_administrators(fast_store: Store, clock: Clock) -> None:
    house = House(HouseRules(EVERYTHING, "admins"))
    async with at_home(fast_store, clock, PEOPLE, house=house) as (home, url, accounts):
        people = await browsers(url)
        await furnish(home, {"n1": accounts["Olaf"].id})
        report(home, "n1", temperature=1)
        report(home, "n2", temperature=2)
        await home.store.history.put(
            [Sample(uid, "temperature", "", 1_000_000, 1.0, None) for uid in ("n1", "n2")]
        )
        for who, expected in (("Ann", ["n1", "n2"]), ("Olaf", ["n1"]), ("Vera", [])):
            listed = (await people[who].get("/nodes")).json["items"]
            assert [each["uid"] for each in listed] == expected
            table = (await people[who].get("/export")).body.decode()
            assert sorted({each["node"] for each in csv.DictReader(io.StringIO(table))}) == expected


async def test_a_node_is_called_something(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await furnish(home, {"n1": accounts["Olaf"].id, "n2": accounts["Olaf"].id})
        olaf = people["Olaf"]
        first = await olaf.call("PATCH", "/nodes/n1", {"name": "Desk"})
        assert (first.status, first.json["unchanged"]) == (200, False)
        assert first.json["node"]["name"] == "Desk"
        again = await olaf.call("PATCH", "/nodes/n1", {"name": "Desk"})
        assert (again.status, again.json["unchanged"]) == (200, True)
        taken = await olaf.call("PATCH", "/nodes/n2", {"name": "DESK"})
        assert (taken.status, taken.code) == (409, "name_taken")
        access = home.services.roll.node("n1")
        assert access is not None
        assert access.name == "Desk"

        place = {"lat": 48.7, "lng": 2.2, "place": "Room 12"}
        moved = await olaf.call("PATCH", "/nodes/n1", {"location": place, "public": "view"})
        assert moved.json["node"]["location"] == place
        assert moved.json["node"]["public"] == "view"
        half = await olaf.call("PATCH", "/nodes/n1", {"location": {"lat": 1.0}})
        assert half.code == "invalid_value"
        away = await olaf.call("PATCH", "/nodes/n1", {"location": None, "public": None})
        assert away.json["node"]["location"] is None

        mine = {"owner": "Vera"}
        assert (await olaf.call("PATCH", "/nodes/n1", mine)).code == "denied"
        given = await people["Ann"].call("PATCH", "/nodes/n1", mine)
        assert given.json["node"]["owner"] == "Vera"
        nobody = await people["Ann"].call("PATCH", "/nodes/n1", {"owner": "Nobody"})
        assert (nobody.status, nobody.code) == (400, "invalid_value")
        assert (await olaf.call("PATCH", "/nodes/n1", {"name": "Mine"})).status == 404
        assert (await people["Vera"].call("PATCH", "/nodes/n1", {"name": "x"})).status == 403
        assert (await people[""].call("PATCH", "/nodes/n2", {"name": "x"})).status == 401


async def test_only_what_was_seen_is_changed(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await furnish(home, {"n1": accounts["Olaf"].id})
        report(home, "n1", temperature=1)
        tag = (await people["Olaf"].get("/nodes/n1")).headers["etag"]
        # That it reports something is no change by anybody.
        clock.time += 5
        home.services.live.mirror.nodes["n1"].seen = clock.time
        fresh = await people["Olaf"].get("/nodes/n1", If_None_Match=tag)
        assert fresh.status == 200
        first = await people["Olaf"].call("PATCH", "/nodes/n1", {"kind": "lamp"}, If_Match=tag)
        second = await people["Olaf"].call("PATCH", "/nodes/n1", {"kind": "fan"}, If_Match=tag)
        assert (first.status, second.status, second.code) == (200, 412, "changed")
        assert (await people["Olaf"].call("DELETE", "/nodes/n1", If_Match=tag)).status == 412


async def test_the_past_of_a_node(fast_store: Store, clock: Clock) -> None:
    clock.time = 10_000.0
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        olaf = people["Olaf"]
        await furnish(home, {"n1": accounts["Olaf"].id, "n2": accounts["Ann"].id})
        await home.store.history.put(
            [
                *(
                    Sample("n1", "a/b", "", second * 1_000_000, float(second), None, "°C")
                    for second in range(9000, 9010)
                ),
                Sample("n1", "note", "", 9_000_500_000, None, "=1+1"),
                Sample("n1", "imu", "acc.x", 9_000_500_000, 0.5, None),
                Sample("n1", "imu", "acc.y", 9_000_500_000, 1.5, None),
                Sample("n2", "secret", "", 9_000_500_000, 1.0, None),
            ]
        )
        series = (await olaf.get("/nodes/n1/series")).json["items"]
        assert [(each["endpoint"], each["path"]) for each in series] == [
            ("a/b", ""), ("imu", "acc.x"), ("imu", "acc.y"), ("note", ""),
        ]  # fmt: skip
        assert series[0] | {"unit": "°C", "first": 9000.0, "last": 9009.0} == series[0]

        course = (await olaf.get("/nodes/n1/resources/a%2Fb/history?points=1000")).json
        assert (course["from"], course["to"]) == (6400.0, 10_000.0)
        assert sum(each[4] for each in course["points"]) == 10
        assert {each[1] for each in course["points"]} >= {9000.0}
        assert {each[3] for each in course["points"]} >= {9009.0}
        few = (await olaf.get("/nodes/n1/resources/a%2Fb/history?points=2&from=9000&to=9010")).json
        assert [each[1:] for each in few["points"]] == [
            [9000.0, 9002.0, 9004.0, 5], [9005.0, 9007.0, 9009.0, 5],
        ]  # fmt: skip

        rows: list[float] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await olaf.get(f"/nodes/n1/resources/a%2Fb/rows?limit=4{cursor}")).json
            rows += [each["value"] for each in page["items"]]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert rows == [float(second) for second in range(9000, 9010)]
        wrong = await olaf.get("/nodes/n1/resources/a%2Fb/rows?from=5&to=4")
        assert wrong.code == "invalid_value"

        now = (await olaf.get("/nodes/n1/resources")).json["items"]
        assert {each["endpoint"]: each["value"] for each in now} == {
            "a/b": 9009.0, "note": "=1+1", "imu": {"acc.x": 0.5, "acc.y": 1.5},
        }  # fmt: skip
        report(home, "n1", note="now")
        assert (await olaf.get("/nodes/n1/resources/note")).json["value"] == "now"
        assert (await olaf.get("/nodes/n1/resources/nothing")).status == 404


async def test_all_that_one_may_see_comes_as_a_file(fast_store: Store, clock: Clock) -> None:
    clock.time = 1_790_000_000.0
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await furnish(home, {"n1": accounts["Olaf"].id, "n2": accounts["Ann"].id})
        await home.store.history.put(
            [
                Sample("n1", "note", "", 1_789_999_000_000_000, None, "=1+1"),
                Sample("n1", "t", "", 1_789_999_001_000_000, 21.5, None, "°C"),
                Sample("n2", "t", "", 1_789_999_002_000_000, 1.0, None),
                Sample("n3", "t", "", 1_789_999_003_000_000, 2.0, None),
            ]
        )
        whole = await people["Olaf"].get("/export")
        assert whole.headers["content-type"].startswith("text/csv")
        assert whole.headers["content-disposition"] == (
            'attachment; filename="pyaiot-2026-09-21.csv"'
        )
        lines = list(csv.DictReader(io.StringIO(whole.body.decode())))
        assert sorted((each["node"], each["value"]) for each in lines) == [
            ("n1", "'=1+1"), ("n1", "21.5"), ("n3", "2"),
        ]  # fmt: skip
        one = await people["Olaf"].get(
            "/export?node=n1&resource=t&format=json&from=1789999000&to=1789999900"
        )
        assert [each["value"] for each in json.loads(one.body)] == [21.5]
        assert 'filename="pyaiot-n1-t-2026-09-21.json"' in one.headers["content-disposition"]
        senml = await people["Ann"].get("/export?format=senml")
        assert senml.headers["content-type"] == "application/senml+json"
        assert len(json.loads(senml.body)) == 4
        stranger = (await people[""].get("/export")).body.decode()
        assert [each["node"] for each in csv.DictReader(io.StringIO(stranger))] == ["n3"]
        assert (await people["Olaf"].get("/export?node=n2")).code == "not_found"
        assert (await people["Olaf"].get("/export?format=xml")).code == "invalid_value"
        assert len(home.services.exports) == 0


async def test_a_node_is_forgotten_with_all_that_it_reported(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        people = await browsers(url)
        await furnish(home, {"n1": accounts["Olaf"].id, "n2": accounts["Olaf"].id})
        await home.store.devices.make("n1", "", TERMINAL)
        await home.services.directory.changed()
        await home.store.history.put(
            [Sample(uid, "t", "", second, 1.0, None) for uid in ("n1", "n2") for second in range(9)]
        )
        assert home.services.roll.device("n1")
        assert (await people["Vera"].call("DELETE", "/nodes/n1")).status == 403
        assert (await people["Olaf"].call("DELETE", "/nodes/n1")).status == 204
        assert (await people["Ann"].call("DELETE", "/nodes/n1")).status == 404
        assert home.services.roll.device("n1") is None
        left = {each.key.node for each in await home.store.history.series()}
        assert left == {"n2"}
