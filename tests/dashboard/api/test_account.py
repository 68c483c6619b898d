# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.accounts.throttle import BY_NAME
from pyaiot.model.access import Role
from pyaiot.store.audit import TERMINAL
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.people import PASSWORD, Browser, Interrupted, at_home

NEW = "battery staple"
PEOPLE = {"Ann": Role.ADMIN, "Vera": Role.VIEWER}


async def test_going_by_another_name(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        browser = Browser(url)
        await browser.log_in("Vera")
        tag = (await browser.get("/account")).headers["etag"]
        answer = await browser.call("PATCH", "/account", {"name": " Véra "}, **{"If-Match": tag})
        assert answer.json["name"] == "Véra"
        stale = await browser.call("PATCH", "/account", {"name": "x"}, **{"If-Match": tag})
        assert (stale.status, stale.code) == (412, "changed")
        assert (await browser.call("PATCH", "/account", {"name": "ANN"})).code == "name_taken"
        for bad in ("", " ", "a\nb", "x" * 65):
            assert (await browser.call("PATCH", "/account", {"name": bad})).status == 400
        assert await browser.who() == "Véra"
        assert (await Browser(url).log_in("véra")).status == 200
        entry = next(
            each for each in await home.store.audit.entries(99) if each.action == "account.change"
        )
        assert (entry.user, entry.subject, entry.detail) == ("Vera", "Vera", {"name": "Véra"})


async def test_another_password_ends_the_other_sessions(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        here, there = Browser(url), Browser(url)
        await here.log_in("Vera")
        await there.log_in("Vera")
        clock.pass_(1)
        wrong = await here.call("PUT", "/password", {"old": "wrong horse", "new": NEW})
        assert (wrong.status, wrong.code) == (403, "wrong_password")
        for bad in ("short", "vera", "a" * 12, "x" * 257):
            answer = await here.call("PUT", "/password", {"old": PASSWORD, "new": bad})
            assert answer.code == "invalid_value"
        assert await there.who() == "Vera"

        answer = await here.call("PUT", "/password", {"old": PASSWORD, "new": NEW})

        assert answer.json["user"]["name"] == "Vera"
        assert await here.who() == "Vera"
        assert (await there.get("/account")).code == "stale_token"
        assert (await there.call("PUT", "/session")).code == "invalid_token"
        assert (await here.call("PUT", "/session")).status == 200
        assert (await Browser(url).log_in("Vera")).code == "wrong_password"
        assert (await Browser(url).log_in("Vera", NEW)).status == 200
        account = await home.store.accounts.get(accounts["Vera"].id)
        assert account is not None
        told = repr(await home.store.audit.entries(99))
        for secret in (PASSWORD, NEW, account.password, accounts["Vera"].password):
            assert secret not in told


async def test_a_password_that_is_changed_meanwhile_changes_nothing(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        browser = Browser(url)
        await browser.log_in("Vera")

        async def change() -> None:
            password = await home.services.hasher.hash("reset by Ann")
            await home.store.accounts.change(accounts["Vera"].id, TERMINAL, password=password)

        home.services.hasher = Interrupted(change)
        answer = await browser.call("PUT", "/password", {"old": PASSWORD, "new": NEW})
        assert (answer.status, answer.code) == (403, "wrong_password")
        assert (await Browser(url).log_in("Vera", "reset by Ann")).status == 200


async def test_guessing_the_password_of_an_open_browser_takes_ever_longer(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, _):
        browser = Browser(url)
        await browser.log_in("Vera")
        form = {"old": "wrong horse", "new": NEW}
        for _ in range(BY_NAME.free + 1):
            assert (await browser.call("PUT", "/password", form)).status == 403
        assert (await browser.call("PUT", "/password", form)).status == 429


async def test_where_one_is_logged_in(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, _):
        here, there, other = Browser(url), Browser(url), Browser(url)
        await other.log_in("Ann")
        await there.call(
            "POST",
            "/session",
            {"name": "Vera", "password": PASSWORD},
            **{"User-Agent": "Elsewhere"},
        )
        clock.pass_(5)
        await here.log_in("Vera")
        mine, its = (await here.get("/account/sessions")).json["items"]
        assert (mine["current"], its["current"]) == (True, False)
        assert (its["agent"], its["address"]) == ("Elsewhere", "127.0.0.1")
        assert its["created"] == its["used"] == clock.time - 5
        (foreign,) = (await other.get("/account/sessions")).json["items"]

        for nothing in ("nothing", foreign["id"]):
            answer = await here.call("DELETE", f"/account/sessions/{nothing}")
            assert (answer.status, answer.code) == (404, "not_found")
        assert await there.who() == "Vera"
        clock.pass_(1)
        assert (await here.call("DELETE", f"/account/sessions/{its['id']}")).status == 204
        assert await there.who() is None
        assert (await there.call("PUT", "/session")).code == "invalid_token"
        assert (await here.call("PUT", "/session")).status == 200

        clock.pass_(1)
        assert (await here.call("DELETE", "/account/sessions")).status == 204
        assert await here.who() is None
        assert (await here.call("PUT", "/session")).code == "invalid_token"
        assert await other.who() == "Ann"
