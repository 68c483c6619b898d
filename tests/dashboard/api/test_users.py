# SPDX-License-Identifier: BSD-3-Clause
from sqlalchemy import insert, select

from pyaiot.model.access import Role
from pyaiot.store.schema import NODES
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import PASSWORD, Browser, at_home

NEW = "battery staple"
NAMES = ("Ann", "ann", "ANN")
PEOPLE = {"Ann": Role.ADMIN, "Olaf": Role.OPERATOR, "Vera": Role.VIEWER}


async def test_accounts_page_by_page(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, accounts):
        browser = Browser(url)
        await browser.log_in("Ann")
        clock.pass_(5)
        first = (await browser.get("/users?limit=2")).json
        rest = (await browser.get(f"/users?limit=2&cursor={first['next']}")).json
        assert [each["name"] for each in first["items"] + rest["items"]] == ["Ann", "Olaf", "Vera"]
        assert rest["next"] is None
        assert first["items"][0] == {
            "id": accounts["Ann"].id, "name": "Ann", "role": "admin",
            "created": clock.time - 5, "seen": clock.time - 5,
        }  # fmt: skip
        assert rest["items"][0]["seen"] is None
        assert (await browser.get(f"/users/{accounts['Vera'].id}")).json == rest["items"][0]
        assert (await browser.get("/users/nobody")).code == "not_found"
        assert (await browser.get("/users?cursor=x")).code == "invalid_value"
        operator = Browser(url)
        await operator.log_in("Olaf")
        assert (await operator.get("/users")).code == "denied"
        assert (await operator.get("/users/names?q=v")).json == {"items": ["Vera"], "next": None}
        viewer = Browser(url)
        await viewer.log_in("Vera")
        assert (await viewer.get("/users/names")).code == "denied"


async def test_making_accounts(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        browser = Browser(url)
        await browser.log_in("Ann")
        form = {"name": "Bob", "password": NEW}
        answer = await browser.call("POST", "/users", form)
        assert answer.status == 201
        assert (answer.json["name"], answer.json["role"]) == ("Bob", "operator")
        assert (await browser.call("POST", "/users", form | {"name": "BOB"})).code == "name_taken"
        for bad in (
            {"name": ""}, {"name": "\u202ex"}, {"password": "short"}, {"password": "b" * 10},
            {"role": "god"}, {"name": "battery staple"}, {"name": 5}, {"password": None},
        ):  # fmt: skip
            assert (await browser.call("POST", "/users", form | bad)).code == "invalid_value"
        assert (await Browser(url).log_in("Bob", NEW)).status == 200
        entries = await home.store.audit.entries(99)
        entry = next(each for each in entries if each.subject == "Bob" and "add" in each.action)
        assert (entry.user, entry.detail) == ("Ann", {"role": "operator"})


async def test_another_role_holds_at_once(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        admin, olaf = Browser(url), Browser(url)
        await admin.log_in("Ann")
        await olaf.log_in("Olaf")
        path = f"/users/{accounts['Olaf'].id}"
        tag = (await admin.get(path)).headers["etag"]
        clock.pass_(1)
        answer = await admin.call("PATCH", path, {"role": "viewer"}, **{"If-Match": tag})
        assert answer.json["role"] == "viewer"
        stale = await admin.call("PATCH", path, {"role": "admin"}, **{"If-Match": tag})
        assert (stale.status, stale.code) == (412, "changed")
        assert (await olaf.get("/account")).code == "stale_token"
        person = home.services.roll.person(accounts["Olaf"].id)
        assert person is not None
        assert (person.role, person.since) == (Role.VIEWER, clock.time)
        assert (await admin.call("PATCH", path, {})).json["role"] == "viewer"
        assert (await admin.call("PATCH", "/users/nobody", {})).code == "not_found"


async def test_somebody_who_forgot_a_password(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, accounts):
        admin, olaf = Browser(url), Browser(url)
        await admin.log_in("Ann")
        await olaf.log_in("Olaf")
        clock.pass_(1)
        path = f"/users/{accounts['Olaf'].id}"
        assert (await admin.call("PATCH", path, {"password": "olaf"})).code == "invalid_value"
        change = {"name": "Olafur", "password": NEW}
        assert (await admin.call("PATCH", path, change)).json["name"] == "Olafur"
        assert await olaf.who() is None
        assert (await olaf.log_in("Olafur", NEW)).status == 200
        # Who finds a browser open must not be able to keep the account.
        own = await admin.call("PATCH", f"/users/{accounts['Ann'].id}", {"password": NEW})
        assert (own.status, own.code) == (409, "own_password")


async def test_removing_somebody(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        async with home.store._engine.writing() as connection:
            await connection.execute(insert(NODES).values(uid="n1", owner=accounts["Olaf"].id))
        admin, olaf = Browser(url), Browser(url)
        await admin.log_in("Ann")
        await olaf.log_in("Olaf")
        path = f"/users/{accounts['Olaf'].id}"
        assert (await olaf.call("DELETE", path)).code == "denied"

        assert (await admin.call("DELETE", path)).status == 204

        assert (await olaf.get("/account")).code == "invalid_token"
        assert (await olaf.call("PUT", "/session")).code == "invalid_token"
        assert (await olaf.log_in("Olaf")).code == "wrong_password"
        assert (await admin.call("DELETE", path)).code == "not_found"
        async with home.store._engine.reading() as connection:
            owner = await connection.scalar(select(NODES.c.owner))
        assert owner == accounts["Ann"].id


async def test_the_last_administrator_stays(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, accounts):
        browser = Browser(url)
        await browser.log_in("Ann")
        path = f"/users/{accounts['Ann'].id}"
        for method, body in (("DELETE", None), ("PATCH", {"role": "viewer"})):
            answer = await browser.call(method, path, body)
            assert (answer.status, answer.code) == (409, "last_admin")
        await browser.call("PATCH", f"/users/{accounts['Olaf'].id}", {"role": "admin"})
        assert (await browser.call("DELETE", path)).status == 204
        assert await browser.who() is None


async def test_what_was_done(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, _):
        browser = Browser(url)
        await browser.log_in("Ann")
        await browser.log_in("Ann", "wrong horse")
        newest = (await browser.get("/audit?limit=1")).json
        assert newest["items"][0]["action"] == "session.refuse"
        assert newest["items"][0]["time"] == clock.time
        rest = (await browser.get(f"/audit?cursor={newest['next']}")).json
        assert [(each["user"], each["action"]) for each in rest["items"]] == [
            ("Ann", "session.open"),
            *[("aiot", "account.add")] * 3,
        ]
        assert rest["next"] is None
        found = (await browser.get("/audit?q=vera&user=aiot")).json["items"]
        assert [each["subject"] for each in found] == ["Vera"]
        assert (await browser.get("/audit?user=nobody")).json["items"] == []
        capitals = [(await browser.get(f"/audit?user={each}")).json["items"] for each in NAMES]
        assert capitals[0]
        assert capitals.count(capitals[0]) == len(NAMES)
        assert PASSWORD not in repr(rest)
        viewer = Browser(url)
        await viewer.log_in("Vera")
        assert (await viewer.get("/audit")).code == "denied"
