# SPDX-License-Identifier: BSD-3-Clause
import hashlib

import pytest

from pyaiot.accounts.hashing import Cost, Hasher
from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.throttle import BY_NAME
from pyaiot.accounts.tokens import CONNECTING, Use
from pyaiot.dashboard.api.services import House
from pyaiot.dashboard.api.setup import hash_of
from pyaiot.model.access import LEVELS, NOTHING, Permission, Role
from pyaiot.store.audit import TERMINAL
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.asking import ask
from tests.dashboard.api.people import API, PASSWORD, Browser, Interrupted, at_home

ANN = {"Ann": Role.ADMIN}


async def test_logging_in_and_out(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        browser = Browser(url)
        stranger = (await browser.get("/session")).json
        assert stranger == {
            "user": None, "anonymous": ["view", "control", "script"], "accounts": True,
            "expires": None,
        }  # fmt: skip
        assert (await browser.get("/account")).code == "unauthenticated"

        answer = await browser.log_in("ANN")

        assert answer.status == 200
        session = answer.json
        assert session["user"]["name"] == "Ann"
        assert session["user"]["role"] == "admin"
        assert session["expires"] == clock.time + 1800
        assert "password" not in session["user"]
        assert (await browser.get("/session")).json == session
        assert (await browser.get("/account")).json == session["user"]
        assert browser.lives == {"pyaiot_access": 1800, "pyaiot_refresh": 2_592_000}
        kinds = {
            name: home.services.signer.check(token, frozenset(Use), clock.time)
            for name, token in browser.cookies.items()
        }
        assert kinds["pyaiot_access"].use is Use.ACCESS
        assert kinds["pyaiot_refresh"].use is Use.REFRESH
        assert {each.sub for each in kinds.values()} == {accounts["Ann"].id}
        assert len({each.jti for each in kinds.values()}) == 2

        stolen = dict(browser.cookies)
        clock.pass_(1)
        assert (await browser.call("DELETE", "/session")).status == 204
        assert browser.cookies == {}
        assert (await browser.get("/session")).json == stranger
        # What somebody kept of it is of no use.
        thief = Browser(url, stolen)
        assert (await thief.get("/account")).code == "stale_token"
        assert (await thief.call("PUT", "/session")).code == "invalid_token"
        assert await thief.who() is None


async def test_cookies_are_for_no_script_and_no_other_site(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (_, url, _):
        body = {"name": "Ann", "password": PASSWORD}
        plain = await ask(url, API + "/session", method="POST", body=body)
        tls = await ask(
            url, API + "/session", method="POST", body=body, **{"X-Forwarded-Proto": "https"}
        )
        for answer, ending in [(plain, "SameSite=Strict"), (tls, "SameSite=Strict; Secure")]:
            lines = answer.headers["set-cookie"].split("\n")
            assert len(lines) == 2
            for line in lines:
                assert line.endswith(f"; HttpOnly; {ending}")
                assert "Path" not in line
                assert "Domain" not in line
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "password"), [("Ann", "wrong horse"), ("Bob", PASSWORD), ("Ann", ""), ("x", "x" * 256)]
)
async def test_a_wrong_name_is_told_as_a_wrong_password_is(
    fast_store: Store, clock: Clock, name: str, password: str
) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, _):
        browser = Browser(url)
        answer = await browser.log_in(name, password)
        assert (answer.status, answer.code) == (401, "wrong_password")
        assert answer.json["detail"] == "The name or the password is wrong."
        assert browser.cookies == {}
        (entry, *_) = await home.store.audit.entries(9)
        assert (entry.action, entry.user) == ("session.refuse", "")
        assert entry.subject == ("Ann" if name == "Ann" else "")
        assert entry.detail == {"address": "127.0.0.1"}


async def test_guessing_takes_ever_longer(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (_, url, _):
        browser = Browser(url)
        for _ in range(BY_NAME.free + 1):
            assert (await browser.log_in("Ann", "wrong horse")).status == 401
        for wait in (1, 2, 4, 8):
            for name in ("Ann", "aNN "):
                refused = await browser.log_in(name)
                assert (refused.status, refused.code) == (429, "rate_exceeded")
                assert refused.headers["retry-after"] == str(wait)
            clock.pass_(wait)
            assert (await browser.log_in("Ann", "wrong horse")).status == 401
        clock.pass_(16)
        assert (await browser.log_in("Ann")).status == 200
        assert (await browser.log_in("Ann", "wrong horse")).status == 401


async def test_a_hash_of_older_days_is_renewed(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        home.services.hasher = Hasher(Cost(passes=2, memory=64, lanes=1))
        assert (await Browser(url).log_in("Ann")).status == 200
        account = await home.store.accounts.get(accounts["Ann"].id)
        assert account is not None
        assert account.password != accounts["Ann"].password
        assert (await Browser(url).log_in("Ann")).status == 200


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        ann = accounts["Ann"]

        async def change() -> None:
            password = await home.services.hasher.hash("battery staple")
            await home.store.accounts.change(ann.id, TERMINAL, password=password)

        home.services.hasher = Interrupted(change)
        browser = Browser(url)
        assert (await browser.log_in("Ann")).code == "wrong_password"
        assert browser.cookies == {}
        assert await home.store.sessions.sessions(ann.id) == []
        assert (await browser.log_in("Ann", "battery staple")).status == 200


async def test_a_password_that_is_hashed_anew_while_it_is_checked_is_the_same(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        ann = accounts["Ann"]

        async def renew() -> None:
            password = await Hasher(Cost(passes=2, memory=64, lanes=1)).hash(PASSWORD)
            await home.store.accounts.renew_hash(ann.id, ann.password, password)

        home.services.hasher = Interrupted(renew)
        assert (await Browser(url).log_in("Ann")).status == 200


async def test_a_session_goes_on_by_the_longer_cookie(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (_, url, _):
        browser = Browser(url)
        await browser.log_in("Ann")
        before = dict(browser.cookies)
        for _ in range(3):
            clock.pass_(2000)
            assert await browser.who() is None
            assert (await browser.get("/account")).code == "stale_token"
            answer = await browser.call("PUT", "/session")
            assert answer.json["user"]["name"] == "Ann"
            assert answer.json["expires"] == clock.time + 1800
            assert await browser.who() == "Ann"
        assert not before.items() & browser.cookies.items()
        clock.pass_(2_592_000)
        assert (await browser.call("PUT", "/session")).code in {"stale_token", "invalid_token"}


async def test_a_refresh_token_that_was_used_before_ends_the_session(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        browser, other = Browser(url), Browser(url)
        await browser.log_in("Ann")
        await other.log_in("Ann")
        thief = Browser(url, dict(browser.cookies))
        clock.pass_(60)
        await browser.call("PUT", "/session")
        assert (await browser.call("PUT", "/session")).status == 200
        # Two windows of one browser may be as late as that.
        clock.pass_(60)

        assert (await thief.call("PUT", "/session")).code == "invalid_token"

        assert await thief.who() is None
        assert await browser.who() is None
        assert (await browser.call("PUT", "/session")).code == "invalid_token"
        assert (await other.get("/account")).code == "stale_token"
        assert (await other.call("PUT", "/session")).status == 200
        assert await other.who() == "Ann"
        entries = await home.store.audit.entries(9)
        assert "session.reuse" in {each.action for each in entries}
        assert len(await home.store.sessions.sessions(accounts["Ann"].id)) == 1


async def test_a_ticket_lets_in_at_the_broker_and_nowhere_else(
    fast_store: Store, clock: Clock
) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, accounts):
        browser = Browser(url)
        assert (await browser.call("POST", "/session/ticket")).code == "unauthenticated"
        await browser.log_in("Ann")
        clock.pass_(600)
        answer = (await browser.call("POST", "/session/ticket")).json
        claims = home.services.signer.check(answer["token"], CONNECTING, clock.time)
        assert (claims.use, claims.sub, claims.role) == (
            Use.TICKET, accounts["Ann"].id, Role.ADMIN,
        )  # fmt: skip
        # It ends when that ends by which it was had.
        assert answer["expires"] == claims.exp == clock.time + 1200
        bearer = {"Authorization": f"Bearer {answer['token']}"}
        assert (await Browser(url).get("/account", **bearer)).code == "invalid_token"
        assert (
            await Browser(url, {"pyaiot_access": answer["token"]}).get("/account")
        ).status == 401
        assert (
            await Browser(url, {"pyaiot_refresh": answer["token"]}).call("PUT", "/session")
        ).code == "invalid_token"


async def test_the_first_account_is_made_by_the_link(fast_store: Store, clock: Clock) -> None:
    house = House(HouseRules(LEVELS[Permission.VIEW]))
    async with at_home(fast_store, clock, {}, house=house) as (home, url, _):
        browser = Browser(url)
        assert (await browser.get("/session")).json == {
            "user": None, "anonymous": ["view"], "accounts": False, "expires": None,
        }  # fmt: skip
        form = {"token": "the token", "name": "Ann", "password": PASSWORD}
        assert (await browser.call("POST", "/setup", form)).code == "invalid_token"
        assert hash_of("the token") == hashlib.sha256(b"the token").hexdigest()
        await home.store.accounts.offer_setup(hash_of("the token"))
        for wrong in ({"token": "x"}, {"password": "short"}, {"password": "a" * 10}, {"name": " "}):
            assert (await browser.call("POST", "/setup", form | wrong)).status in {400, 401}

        answer = await browser.call("POST", "/setup", form)

        assert answer.json["user"]["role"] == "admin"
        assert answer.json["accounts"]
        assert await browser.who() == "Ann"
        again = await Browser(url).call("POST", "/setup", form | {"name": "Eve"})
        assert (again.status, again.code) == (409, "already_set_up")
        assert (await Browser(url).log_in("Ann")).status == 200


async def test_who_was_just_added_elsewhere_can_log_in(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN) as (home, url, _):
        password = await home.services.hasher.hash(PASSWORD)
        await home.store.accounts.add("Bob", password, Role.VIEWER, TERMINAL)
        browser = Browser(url)
        await browser.log_in("Bob")
        assert await browser.who() == "Bob"


async def test_strangers_are_told_what_they_may_do(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, ANN, house=House(HouseRules(NOTHING))) as (_, url, _):
        assert (await Browser(url).get("/session")).json["anonymous"] == []
        assert (await Browser(url).call("DELETE", "/session")).status == 204
