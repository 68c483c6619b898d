# SPDX-License-Identifier: BSD-3-Clause
"""Every endpoint of the REST API, for everybody who might call it."""

import asyncio
import logging
from typing import Final
from urllib.parse import quote, urlsplit

import pytest

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Claims, Signer, Use
from pyaiot.dashboard.api.endpoint import Who
from pyaiot.dashboard.api.pace import Pace
from pyaiot.dashboard.api.services import House
from pyaiot.dashboard.api.table import TABLE
from pyaiot.dashboard.server import MAX_BODY
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.messages.types import Device
from pyaiot.model.access import LEVELS, NOTHING, Permission, Role
from pyaiot.model.samples import Sample
from pyaiot.store.audit import TERMINAL, Actor
from pyaiot.store.nodes import Edit, NodeRecord
from pyaiot.store.store import Store
from tests.contracts.store import Clock
from tests.dashboard.api.asking import RING, ask, serving
from tests.dashboard.api.people import API, PASSWORD, Browser, Home, at_home

EXPECTED: Final = {
    # Who may call it at least, and what they need of the node that it is about. This is written
    # down a second time on purpose: whoever adds an endpoint says here who may call it.
    "GET /session": ("anyone", ""),
    "POST /session": ("anyone", ""),
    "PUT /session": ("anyone", ""),
    "DELETE /session": ("anyone", ""),
    "POST /session/ticket": ("viewer", ""),
    "POST /setup": ("anyone", ""),
    "GET /account": ("viewer", ""),
    "PATCH /account": ("viewer", ""),
    "PUT /password": ("viewer", ""),
    "GET /account/sessions": ("viewer", ""),
    "DELETE /account/sessions": ("viewer", ""),
    "DELETE /account/sessions/{id}": ("viewer", ""),
    "GET /users": ("admin", ""),
    "POST /users": ("admin", ""),
    "GET /users/names": ("operator", ""),
    "GET /users/{id}": ("admin", ""),
    "PATCH /users/{id}": ("admin", ""),
    "DELETE /users/{id}": ("admin", ""),
    "POST /devices": ("operator", ""),
    "GET /nodes/{uid}/tokens": ("viewer", "own"),
    "POST /nodes/{uid}/tokens": ("operator", "own"),
    "DELETE /nodes/{uid}/tokens/{id}": ("operator", "own"),
    "PUT /nodes/{uid}/shares/{name}": ("operator", "own"),
    "DELETE /nodes/{uid}/shares/{name}": ("operator", "own"),
    "GET /inbox": ("admin", ""),
    "POST /inbox/{uid}": ("admin", ""),
    "GET /audit": ("admin", ""),
    "GET /nodes": ("visitor", ""),
    "GET /nodes/{uid}": ("visitor", "see"),
    "PATCH /nodes/{uid}": ("operator", "own"),
    "DELETE /nodes/{uid}": ("operator", "own"),
    "GET /nodes/{uid}/availability": ("visitor", "see"),
    "GET /nodes/{uid}/resources": ("visitor", "see"),
    "GET /nodes/{uid}/resources/{endpoint}": ("visitor", "see"),
    "PUT /nodes/{uid}/resources/{endpoint}": ("visitor", "control"),
    "GET /commands/{id}": ("visitor", ""),
    "GET /nodes/{uid}/series": ("visitor", "see"),
    "GET /nodes/{uid}/resources/{endpoint}/history": ("visitor", "see"),
    "GET /nodes/{uid}/resources/{endpoint}/rows": ("visitor", "see"),
    "GET /openapi.json": ("anyone", ""),
    "GET /events": ("visitor", ""),
    "GET /export": ("visitor", ""),
    "GET /health": ("visitor", ""),
    "GET /rules": ("keeper", ""),
    "POST /rules": ("keeper", ""),
    "POST /rules/preview": ("keeper", ""),
    "GET /rules/{id}": ("keeper", ""),
    "PUT /rules/{id}": ("keeper", ""),
    "DELETE /rules/{id}": ("keeper", ""),
    "POST /rules/{id}/mute": ("keeper", ""),
    "GET /channels": ("viewer", ""),
    "POST /channels": ("viewer", ""),
    "DELETE /channels/{id}": ("viewer", ""),
    "POST /channels/{id}/test": ("viewer", ""),
    "GET /alerts": ("visitor", ""),
    "POST /alerts/{id}/acknowledge": ("keeper", ""),
}
# A keeper is a stranger who may control nodes where the operator has said so.
RANKS: Final = ("anyone", "visitor", "keeper", "viewer", "operator", "admin")
ACTORS: Final = {
    "stranger": "anyone",
    "visitor": "visitor",
    "keeper": "keeper",
    "Vera": "viewer",
    "Olaf": "operator",
    "Otto": "operator",
    "Anna": "admin",
}
PEOPLE: Final = {name: Role(rank) for name, rank in ACTORS.items() if name[0].isupper()}

HIDDEN, SEEN, CONTROLLED, OWNED = range(4)
NEEDS: Final = {"see": SEEN, "control": CONTROLLED, "own": OWNED}
NODES: Final = {
    # Otto's, but for the last: what each actor may do with it.
    "private": {"Otto": OWNED, "Anna": OWNED},
    "shared": {"Otto": OWNED, "Anna": OWNED, "Olaf": SEEN, "Vera": SEEN},
    "lent": {"Otto": OWNED, "Anna": OWNED, "Olaf": CONTROLLED, "Vera": SEEN},
    "public": {
        "Otto": OWNED, "Anna": OWNED, "Olaf": SEEN, "Vera": SEEN, "visitor": SEEN, "keeper": SEEN,
    },
    "unclaimed": {
        "Otto": CONTROLLED, "Anna": OWNED, "Olaf": CONTROLLED, "Vera": SEEN, "visitor": SEEN,
        "keeper": CONTROLLED,
    },
}  # fmt: skip
ENDPOINTS: Final = sorted(f"{each.method} {each.path}" for each in TABLE if not each.hidden)
STRANGE: Final = "no-such-thing"


def expected(endpoint: str, actor: str, node: str) -> set[int]:
    """The statuses that show that nobody gets further than they should."""
    rank, need = EXPECTED[endpoint]
    own = ACTORS[actor]
    if RANKS.index(own) < RANKS.index(rank):
        return {401} if own in {"anyone", "visitor", "keeper"} else {403}
    standing = NODES[node].get(actor, HIDDEN)
    if need and standing == HIDDEN:
        return {404}
    if need and standing < NEEDS[need]:
        return {403}
    return set()


async def furnish(home: Home) -> None:
    store = home.store
    ids = {}
    for name in PEOPLE:
        account = await store.accounts.named(name)
        assert account is not None
        ids[name] = account.id
    for node in NODES:
        await store.nodes.change(node, Edit(kind="lamp"), TERMINAL)
        if node != "unclaimed":
            await store.nodes.change(node, Edit(owner=ids["Otto"]), TERMINAL)
    for node, name, level in [
        ("shared", "Olaf", Permission.VIEW),
        ("shared", "Vera", Permission.VIEW),
        ("lent", "Olaf", Permission.CONTROL),
        ("lent", "Vera", Permission.CONTROL),
    ]:
        await store.nodes.share(node, ids[name], level, TERMINAL)
    await store.nodes.change("public", Edit(public=Permission.VIEW), TERMINAL)
    await home.services.directory.changed()


def test_every_endpoint_stands_in_the_table() -> None:
    assert not [each for each in ENDPOINTS if each not in EXPECTED]
    # The page that shows the API says the same to everybody.
    assert {(each.method, each.who) for each in TABLE if each.hidden} == {("GET", Who.ANYONE)}


async def test_nobody_gets_further_than_they_should(fast_store: Store, clock: Clock) -> None:
    """All endpoints that ask for more than a cookie, each for everybody and every kind of node."""
    shown = House(HouseRules(LEVELS[Permission.VIEW]), chosen=True)
    lent = House(HouseRules(LEVELS[Permission.CONTROL]), chosen=True)
    async with (
        at_home(fast_store, clock, PEOPLE, house=shown) as (home, url, _),
        at_home(fast_store, clock, {}, house=lent) as (other, elsewhere, _),
    ):
        await furnish(home)
        await other.services.directory.changed()
        people = {name: Browser(url) for name in ACTORS}
        people["keeper"] = Browser(elsewhere)
        for name in PEOPLE:
            assert (await people[name].log_in(name)).status == 200
        wrong = [
            (endpoint, actor, node, status, answer)
            for actor, browser in people.items()
            if actor != "stranger"
            for endpoint in ENDPOINTS
            if EXPECTED[endpoint][0] != "anyone"
            for node in (NODES if EXPECTED[endpoint][1] else ["private"])
            # What is permitted is tried by the tests of each endpoint.
            if (status := expected(endpoint, actor, node))
            and (answer := await tried(browser, endpoint, node)) not in status
        ]
    assert not wrong


async def tried(browser: Browser, endpoint: str, node: str) -> int:
    """The status with which an endpoint answers."""
    method, path = endpoint.split()
    place = path.replace("{uid}", node).replace("{endpoint}", "led")
    place = place.replace("{id}", STRANGE).replace("{name}", "Vera")
    return (await browser.call(method, place, body_for(endpoint))).status


def body_for(endpoint: str) -> object:
    """A body that would do."""
    rule = {"name": "Hot", "condition": "above", "high": 1}
    bodies: dict[str, object] = {
        "POST /rules": rule,
        "PUT /rules/{id}": rule,
        "POST /rules/preview": {"rule": rule, "from": 0, "to": 1},
        "POST /rules/{id}/mute": {"until": None},
        "POST /channels": {"name": "Hook", "url": "jsons://example.org"},
        "PATCH /account": {"name": "Other"},
        "PUT /password": {"old": PASSWORD, "new": "battery staple"},
        "POST /users": {"name": "Eve", "password": PASSWORD},
        "PATCH /users/{id}": {"role": "admin"},
        "POST /devices": {"name": "Lamp"},
        "POST /nodes/{uid}/tokens": {},
        "PUT /nodes/{uid}/shares/{name}": {"level": "view"},
        "POST /inbox/{uid}": {"approve": True},
        "PATCH /nodes/{uid}": {"public": "script"},
        "PUT /nodes/{uid}/resources/{endpoint}": {"payload": "1"},
    }
    return bodies.get(endpoint)


async def test_strangers_of_a_closed_house_get_nothing(fast_store: Store, clock: Clock) -> None:
    house = House(HouseRules(NOTHING), chosen=True)
    async with at_home(fast_store, clock, PEOPLE, house=house) as (_, url, _):
        for endpoint in ENDPOINTS:
            if EXPECTED[endpoint][0] == "anyone":
                continue
            method, path = endpoint.split()
            place = path.replace("{", "").replace("}", "")
            answer = await Browser(url).call(method, place, body_for(endpoint))
            assert (answer.status, answer.code) == (401, "unauthenticated"), endpoint


async def test_no_token_but_an_access_token_lets_in(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        anna, now = accounts["Anna"], clock.time
        own = home.services.signer
        foreign = Signer(KeyRing((KeyPair.generate(lambda size: b"x" * size),)))
        access = Claims(Use.ACCESS, anna.id, "j", now, now + 60, Role.ADMIN, "Anna", "s")
        good = own.make(access)
        assert (await Browser(url).get("/users", Authorization=f"Bearer {good}")).status == 200
        bad = {
            "refresh": own.make(Claims(Use.REFRESH, anna.id, "j", now, now + 60, sid="s")),
            "ticket": own.make(
                Claims(Use.TICKET, anna.id, "j", now, now + 60, Role.ADMIN, "Anna", "s")
            ),
            "device": own.make(Claims(Use.DEVICE, anna.id, "j", now)),
            "foreign": foreign.make(access),
            "expired": own.make(
                Claims(Use.ACCESS, anna.id, "j", now - 99, now - 60, Role.ADMIN, "Anna", "s")
            ),
            "nobody's": own.make(
                Claims(Use.ACCESS, "nobody", "j", now, now + 60, Role.ADMIN, "x", "s")
            ),
            "tampered": good[:-5] + ("A" if good[-5] != "A" else "B") + good[-4:],
            "none": "eyJhbGciOiJub25lIn0.e30.",
            "nothing": "",
        }
        for kind, token in bad.items():
            for headers in (
                {"Authorization": f"Bearer {token}"},
                {"Cookie": f"pyaiot_access={token}"},
            ):
                answer = await ask(url, f"{API}/users", **headers)
                assert answer.status == 401, kind
                assert not token or token not in answer.body.decode()
        # What the role in a token says counts for nothing: it is looked up.
        vera = accounts["Vera"]
        raised = own.make(Claims(Use.ACCESS, vera.id, "j", now, now + 60, Role.ADMIN, "Vera", "s"))
        assert (await Browser(url).get("/users", Authorization=f"Bearer {raised}")).status == 403


async def test_pages_of_other_sites_change_nothing(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        browser = Browser(url)
        await browser.log_in("Anna")
        before = len(await home.store.audit.entries(999))
        for endpoint in ENDPOINTS:
            method, path = endpoint.split()
            if method == "GET":
                continue
            place = path.replace("{", "").replace("}", "")
            for headers in (
                {"Pyaiot-Request": ""},
                {"Origin": "https://evil.example"},
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
            ):
                answer = await browser.call(method, place, body_for(endpoint), **headers)
                assert (answer.status, answer.code) == (403, "origin_refused"), endpoint
        assert await browser.who() == "Anna"
        assert len(await home.store.audit.entries(999)) == before


HOSTILE: Final = (
    "'; DROP TABLE users; --", "' OR '1'='1", '" OR 1=1 --', "../../etc/passwd", "..", "%2e%2e",
    "\\", "%", "\u202e", "<script>alert(1)</script>", "{{7*7}}", "${jndi:x}", "a" * 5000,
)  # fmt: skip


async def test_texts_do_nothing_but_name(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        browser = Browser(url)
        await browser.log_in("Anna")
        for text in HOSTILE:
            encoded = quote(text, safe="")
            for method, path, body in (
                ("POST", "/session", {"name": text, "password": text}),
                ("POST", "/setup", {"token": text, "name": text, "password": text}),
                ("GET", f"/users/{encoded}", None),
                ("GET", f"/users?cursor={encoded}", None),
                ("GET", f"/users/names?q={encoded}", None),
                ("GET", f"/audit?q={encoded}&user={encoded}", None),
                ("GET", f"/nodes/{encoded}/tokens", None),
                ("DELETE", f"/nodes/{encoded}/tokens/{encoded}", None),
                ("PUT", f"/nodes/{encoded}/shares/{encoded}", {"level": text}),
                ("POST", f"/inbox/{encoded}", {"approve": True, "owner": text}),
                ("POST", "/users", {"name": text, "password": PASSWORD, "role": text}),
                ("POST", "/devices", {"name": "x", "uid": text, "kind": text * 9}),
            ):
                clock.pass_(900)
                asked: object = body
                answer = await browser.call(method, path, asked)
                assert answer.status < 500, (text, method, path)
                assert b"Traceback" not in answer.body
                if answer.status == 401 and path not in {"/session", "/setup"}:
                    await browser.call("PUT", "/session")
        assert len(await home.store.accounts.accounts(99)) == len(PEOPLE)


async def test_bodies_that_are_no_json_of_ours_are_refused(fast_store: Store, clock: Clock) -> None:
    async with at_home(fast_store, clock, PEOPLE) as (_, url, _):
        path = f"{API}/session"
        json = {"Content-Type": "application/json"}
        deep = b'{"name": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"
        assert (await ask(url, path, method="POST", body=deep, **json)).status == 400
        for body in (b"", b"{", b"\xff", b'{"name": "a\\u0000", "password": "b"}', b"[]", b"null"):
            assert (await ask(url, path, method="POST", body=body, **json)).status == 400
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await ask(url, path, method="POST", body=b"name=a", **form)).status == 415


async def test_no_secret_is_in_a_log_an_address_or_an_error(
    fast_store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wrong battery staple"
    async with at_home(fast_store, clock, PEOPLE) as (home, url, _):
        browser = Browser(url)
        told = [(await browser.log_in("Anna", wrong)).body]
        await browser.log_in("Anna")
        secrets = {PASSWORD, wrong, *browser.cookies.values()}
        ticket = (await browser.call("POST", "/session/ticket")).json["token"]
        made = (await browser.call("POST", "/devices", {"name": "Lamp"})).json["made"]
        secrets |= {ticket, made["secret"]}
        told.append((await browser.call("PUT", "/password", {"old": wrong, "new": "x" * 11})).body)
        told.append((await browser.call("POST", "/users", {"name": "x", "password": 5})).body)
        told += [
            (await browser.get("/users", Authorization=f"Bearer {token}")).body
            for token in (ticket, made["secret"])
        ]
        told.append((await browser.call("PUT", "/session")).body)
        secrets |= set(browser.cookies.values())
        told.append(repr(await home.store.audit.entries(999)).encode())
        await asyncio.sleep(0)
    everything = caplog.text.encode() + b"".join(told)
    assert not [each for each in secrets if each.encode() in everything]
    assert RING.current.secret not in caplog.text


async def test_a_hidden_node_is_no_different_from_none(fast_store: Store, clock: Clock) -> None:
    """By no endpoint can anybody tell whether there is a node that they may not see."""
    house = House(HouseRules(LEVELS[Permission.SCRIPT]), chosen=True)
    asked: list[str] = []
    async with at_home(fast_store, clock, PEOPLE, house=house) as (home, url, _):
        await furnish(home)
        get = fast_store.nodes.get

        async def counted(uid: str) -> NodeRecord | None:
            asked.append(uid)
            return await get(uid)

        fast_store.nodes.get = counted  # type: ignore[method-assign]
        for name in ("Vera", "Olaf", ""):
            browser = Browser(url)
            if name:
                await browser.log_in(name)
            paths = [(each, "GET /events", "/events?node={uid}") for each in ("private", "none")]
            paths += [(each, "GET /export", "/export?node={uid}") for each in ("private", "none")]
            paths += [
                (node, endpoint, endpoint.split()[1])
                for endpoint in ENDPOINTS
                if "/nodes/{uid}" in endpoint
                for node in ("private", "none")
            ]
            answers: dict[str, set[tuple[int, bytes, int]]] = {}
            for node, endpoint, path in paths:
                asked.clear()
                place = path.replace("{uid}", node).replace("{endpoint}", "led")
                place = place.replace("{id}", STRANGE).replace("{name}", "Vera")
                answer = await browser.call(endpoint.split()[0], place, body_for(endpoint))
                # The store is asked as often, so that it takes as long.
                told = (answer.status, answer.body.replace(node.encode(), b""), len(asked))
                answers.setdefault(endpoint, set()).add(told)
            assert {key for key, each in answers.items() if len(each) > 1} == set(), name
            assert not name or {status for each in answers.values() for status, *_ in each} <= {
                403, 404,
            }  # fmt: skip


async def test_what_is_forgotten_is_nobodys_for_no_moment(fast_store: Store, clock: Clock) -> None:
    """A node without a record is everybody's here: what is stored of it has to go first."""
    async with at_home(fast_store, clock, PEOPLE) as (home, url, accounts):
        otto = accounts["Otto"]
        await fast_store.nodes.change("n", Edit(owner=otto.id), TERMINAL)
        await fast_store.history.put([Sample("n", "led", "", 1, 1.0, None, "")])
        await home.services.directory.changed()
        left: list[int] = []
        remove = fast_store.nodes.remove
        token = await fast_store.devices.make("n", "", TERMINAL)
        told: list[Device | None] = []

        async def watched(uid: str, by: Actor) -> None:
            left.append(len(await fast_store.history.series(uid)))
            told.append(home.services.roll.device(uid))
            await remove(uid, by)

        fast_store.nodes.remove = watched  # type: ignore[method-assign]
        browser = Browser(url)
        await browser.log_in("Otto")
        assert (await browser.call("DELETE", "/nodes/n")).status == 204
        assert left == [0]
        # Nobody could be it any more when its history went, and it was Otto's still.
        assert told == [Device("n", (), bound=True)]
        assert await fast_store.devices.get(token.id) is None


async def test_no_endpoint_reads_a_body_that_is_too_large(fast_store: Store, clock: Clock) -> None:
    """Neither for who may ask for it, nor for strangers; whether its size is said or not."""
    async with at_home(fast_store, clock, PEOPLE) as (_, url, _):
        anna = Browser(url)
        await anna.log_in("Anna")
        place = urlsplit(url)
        words = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
        largest = {f"{each.method} {each.path}": each.max_body for each in TABLE}
        for endpoint in ENDPOINTS:
            method, path = endpoint.split()
            path = path.replace("{", "").replace("}", "")
            for cookie in (f"Cookie: {words}\r\n", ""):
                head = (
                    f"{method} {API}{path} HTTP/1.1\r\nHost: {place.netloc}\r\n{cookie}"
                    "Pyaiot-Request: 1\r\nContent-Type: application/json\r\n"
                ).encode()
                chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
                for rest in (
                    b"Content-Length: %d\r\n\r\n" % (largest[endpoint] + 1),
                    b"Transfer-Encoding: chunked\r\n\r\n"
                    + chunk * (largest[endpoint] // 0x8000 + 1),
                ):
                    clock.pass_(1)
                    reader, writer = await asyncio.open_connection(place.hostname, place.port)
                    writer.write(head + rest)
                    raw = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
                    writer.close()
                    status = int(raw.split()[1])
                    anyone = EXPECTED[endpoint][0] == "anyone"
                    # Beyond what any endpoint takes, Tornado does not ask which one it is.
                    refused = {413} if largest[endpoint] < MAX_BODY else {400, 413}
                    wanted = refused if cookie or anyone else {401, *refused}
                    assert status in wanted, (endpoint, cookie, rest[:20], status)


async def test_guessing_is_slowed_down_and_hurts_nobody_else(
    fast_store: Store, clock: Clock
) -> None:
    home = Home(fast_store, clock)
    for name in ("Anna", "Otto"):
        await home.add(name, PEOPLE[name])
    async with serving(home.api(TABLE, pace=Pace())) as url:
        anna = Browser(url)
        await anna.log_in("Anna")
        account = (await anna.get("/account")).json["id"]
        foreign = Signer(KeyRing((KeyPair.generate(lambda size: b"x" * size),)))
        now = clock.time
        forged = foreign.make(Claims(Use.REFRESH, account, "j", now, now + 60, sid="s"))
        tries: tuple[tuple[str, str, object, dict[str, str]], ...] = (
            ("PUT", "/session", None, {"Cookie": f"pyaiot_refresh={forged}"}),
            ("POST", "/setup", {"token": "x" * 43, "name": "Eve", "password": PASSWORD}, {}),
            ("GET", "/account", None, {"Authorization": f"Bearer {forged}"}),
            ("POST", "/session", {"name": "Otto", "password": "a guess or so"}, {}),
        )
        for method, path, body, headers in tries:
            clock.pass_(60)
            asked = [
                (await Browser(url).call(method, path, body, **headers)).status for _ in range(230)
            ]
            assert set(asked[:3]) <= {401, 409}
            assert set(asked[-20:]) == {429}, path
            # Whoever is in goes on, from the same address too, and nobody's session has ended.
            assert (await anna.get("/account")).status == 200
        clock.pass_(60)
        assert (await anna.call("PUT", "/session")).status == 200
        assert len(await home.store.sessions.sessions(account)) == 1
