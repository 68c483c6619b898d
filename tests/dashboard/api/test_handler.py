# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every endpoint, tried on small ones, over real sockets."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from pyaiot.accounts.permissions import HouseRules
from pyaiot.accounts.tokens import Use
from pyaiot.dashboard.api.call import Call, Cookie
from pyaiot.dashboard.api.described import owned
from pyaiot.dashboard.api.endpoint import Endpoint, NoQuery, Who
from pyaiot.dashboard.api.handler import Api
from pyaiot.dashboard.api.pace import Pace
from pyaiot.dashboard.api.problem import conflict
from pyaiot.dashboard.api.services import House
from pyaiot.errors import LinkFailed, PermissionDenied, StoreFailed
from pyaiot.messages.types import NodeAccess, Person
from pyaiot.model.access import EVERYTHING, NOTHING, Permission, Role
from pyaiot.store.audit import TERMINAL
from pyaiot.store.nodes import Edit
from pyaiot.store.store import Store
from tests.dashboard.api.asking import Place, ask, parsed, serving
from tests.waiting import eventually


class Note(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=10)]
    extra: dict[str, Any] = {}
    mark: str | UnsetType | None = UNSET


class Wanted(Struct, frozen=True, rename={"start": "from"}):
    start: Annotated[float, Meta(ge=0)] | None = None
    many: bool = False


class Shown(Struct, frozen=True):
    who: str
    params: dict[str, str]
    start: float | None = None
    many: bool = False


async def show(call: Call[Wanted, None]) -> Shown:
    return Shown(call.who.id, dict(call.params), call.query.start, call.query.many)


async def note(call: Call[NoQuery, Note]) -> Note:
    return call.body


class Books:
    """Something that is kept, and things that go wrong."""

    def __init__(self) -> None:
        self.note = Note("first")
        self.closed = 0
        self.sent = 0

    async def get(self, _call: Call[NoQuery, None]) -> Note:
        return self.note

    async def put(self, call: Call[NoQuery, Note]) -> Note:
        call.expect(self.note)
        # As long as the store takes.
        await asyncio.sleep(0.01)
        self.note = call.body
        return self.note

    async def drop(self, call: Call[NoQuery, None]) -> None:
        await owned(call, call.params["uid"])

    async def login(self, call: Call[NoQuery, None]) -> None:
        call.cookies.append(Cookie("pyaiot_access", "abc", 1800.0))
        call.cookies.append(Cookie("pyaiot_refresh", "", 0.0))

    async def refuse(self, call: Call[NoQuery, None]) -> None:
        match call.params["uid"]:
            case "conflict":
                raise conflict("name_taken", "There is one of that name.")
            case "denied":
                raise PermissionDenied("Not you.")
            case "away":
                raise LinkFailed("the broker is away")
            case "store":
                raise StoreFailed("Cannot connect to db.inside:5432.")
        raise RuntimeError("a secret of the inside")

    async def later(self, call: Call[NoQuery, None]) -> Shown:
        call.status = 202
        call.headers["Location"] = call.link("books/7")
        return Shown("", {})

    async def stream(self, call: Call[Wanted, None]) -> AsyncIterator[bytes]:
        if call.query.start == 1:
            raise conflict("too_many", "Not now.")
        call.headers["Content-Type"] = "text/csv"
        return self.pieces(call)

    async def pieces(self, call: Call[Wanted, None]) -> AsyncGenerator[bytes, None]:
        try:
            if call.query.start == 2:
                raise conflict("too_late", "Not this one.")
            for number in range(3):
                yield b"%d\n" % number
            if call.query.start == 3:
                raise RuntimeError("in the middle")
            while call.query.many:
                self.sent += 1
                yield b"x" * 65_536
        finally:
            self.closed += 1


def endpoints(books: Books) -> list[Endpoint]:
    return [
        Endpoint("GET", "/things", Who.ANYONE, show, "", query=Wanted, answer=Shown),
        Endpoint("GET", "/things/{uid}", Who.VISITOR, show, "", query=Wanted, answer=Shown),
        Endpoint("GET", "/mine", Who.USER, show, "", query=Wanted, answer=Shown),
        Endpoint("GET", "/operate", Who.OPERATOR, show, "", query=Wanted, answer=Shown),
        Endpoint("GET", "/admin", Who.ADMIN, show, "", query=Wanted, answer=Shown),
        Endpoint(
            "GET", "/things/{uid}/at/{endpoint}", Who.ANYONE, show, "", query=Wanted, answer=Shown
        ),
        Endpoint(
            "GET",
            "/things/{uid}/at/{endpoint}/rows",
            Who.ANYONE,
            show,
            "",
            query=Wanted,
            answer=Shown,
        ),
        Endpoint("POST", "/notes", Who.ANYONE, note, "", body=Note, answer=Note, status=201),
        Endpoint("GET", "/note", Who.ANYONE, books.get, "", answer=Note),
        Endpoint("PUT", "/note", Who.USER, books.put, "", body=Note, answer=Note, match=True),
        Endpoint("DELETE", "/things/{uid}", Who.USER, books.drop, ""),
        Endpoint("POST", "/login", Who.ANYONE, books.login, ""),
        Endpoint("GET", "/refuse/{uid}", Who.ANYONE, books.refuse, ""),
        Endpoint("POST", "/far/down/here", Who.ANYONE, books.later, "", answer=Shown),
        Endpoint(
            "GET", "/stream", Who.ANYONE, books.stream, "", query=Wanted, stream=("text/csv",)
        ),
    ]


async def test_requests_are_read_and_answers_are_guarded() -> None:
    place = Place()
    async with serving(place.api(endpoints(Books()))) as url:
        plain = await ask(url, "/api/v1/things?from=2.5&many=true")
        assert plain.status == 200
        assert plain.json == {"who": "", "params": {}, "start": 2.5, "many": True}
        assert plain.headers["content-type"] == "application/json"
        assert plain.headers["content-security-policy"].startswith("default-src 'none'")
        assert plain.headers["x-content-type-options"] == "nosniff"
        assert "server" not in plain.headers
        assert "access-control-allow-origin" not in plain.headers

        again = await ask(
            url, "/api/v1/things?from=2.5&many=true", If_None_Match=plain.headers["etag"]
        )
        assert (again.status, again.body) == (304, b"")
        other = await ask(url, "/api/v1/things", If_None_Match=plain.headers["etag"])
        assert other.status == 200

        head = await ask(url, "/api/v1/things?from=2.5&many=true", method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == plain.headers["content-length"]
        assert head.headers["etag"] == plain.headers["etag"]

        options = await ask(url, "/api/v1/things/x", method="OPTIONS")
        assert (options.status, options.body) == (204, b"")
        assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS"

        for method in ("POST", "DELETE", "PATCH", "PUT", "BREW"):
            wrong = await ask(url, "/api/v1/things", method=method)
            assert (wrong.status, wrong.code) == (405, "method_not_allowed"), method
            assert wrong.headers["allow"] == "GET, HEAD, OPTIONS"
        for path in ("", "/", "/nothing", "/things/", "/things/a/b", "//things", "/things/%ff"):
            missing = await ask(url, f"/api/v1{path}")
            assert (missing.status, missing.code) == (404, "not_found"), path


async def test_names_in_the_path_may_hold_anything() -> None:
    async with serving(Place().api(endpoints(Books()))) as url:
        for path, uid, endpoint in (
            ("a/at/b", "a", "b"),
            ("a%2Fb/at/c%2fd", "a/b", "c/d"),
            ("%C3%A9%20%25/at/%3F%23", "é %", "?#"),
            # A proxy has taken the encoding away.
            ("a/at/c/d/e", "a", "c/d/e"),
        ):
            found = await ask(url, f"/api/v1/things/{path}")
            assert found.json["params"] == {"uid": uid, "endpoint": endpoint}
            rows = await ask(url, f"/api/v1/things/{path}/rows")
            assert rows.json["params"] == {"uid": uid, "endpoint": endpoint}
        for path in ("%00", "a" * 300, "a%00b"):
            refused = await ask(url, f"/api/v1/things/{path}")
            assert (refused.status, refused.code) == (400, "invalid_value")


async def test_what_cannot_be_read_is_one_clear_problem() -> None:
    async with serving(Place().api(endpoints(Books()))) as url:
        for query, words in (
            ("from=x", "Expected `float | null`, got `str` - at `$.from`"),
            ("from=-1", "Expected `float` >= 0.0 - at `$.from`"),
            ("from=nan", "Expected `float` >= 0.0"),
            ("start=1", "The query may hold from, many; not 'start'."),
            ("many=true&many=false", "twice"),
            ("many=%00", "NUL"),
            ("many=%ff", "cannot be read"),
            ("&".join(f"a{number}=1" for number in range(40)), "cannot be read"),
        ):
            refused = await ask(url, f"/api/v1/things?{query}")
            assert (refused.status, refused.code) == (400, "invalid_value"), query
            assert words in refused.json["detail"]
        nested = b'{"text": "a", "extra": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001
        for body, status, words in (
            (b"{", 400, "The body is no JSON."),
            (b"", 400, "The body is no JSON."),
            (b"\xff", 400, "The body is no JSON."),
            (b'{"text": 1}', 400, "Expected `str`, got `int` - at `$.text`"),
            (b'{"text": "12345678901"}', 400, "length <= 10"),
            (rb'{"text": "a\u0000"}', 400, "NUL"),
            (rb'{"text": "\\\u0000"}', 400, "NUL"),
            (nested, 400, "nests too deep"),
            (nested.replace(b'{"a":' * 4960, b"").replace(b"}" * 4960, b""), 400, "at `$.extra`"),
        ):
            refused = await ask(
                url, "/api/v1/notes", method="POST", body=body, Content_Type="application/json"
            )
            assert refused.status == status, body
            assert words in refused.json["detail"]
            assert refused.code in {"invalid", "invalid_value"}
        spelt = rb'{"text": "\\u0000"}'
        made = await ask(
            url, "/api/v1/notes", method="POST", body=spelt, Content_Type="application/json"
        )
        assert (made.status, made.json["text"]) == (201, "\\u0000")
        form = await ask(url, "/api/v1/notes", method="POST", body=b"{}", Content_Type="text/plain")
        assert (form.status, form.code) == (415, "not_json")
        unasked = await ask(url, "/api/v1/login", method="POST", body=b"{}")
        assert (unasked.status, unasked.code) == (400, "invalid")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    async with serving(Place().api(endpoints(Books())), max_body_size=100_000) as url:
        place = urlsplit(url)
        for length in (65_537, 1_000_000, 10**30, 10**4000):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(
                b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nPyaiot-Request: 1\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
            )
            raw = await asyncio.wait_for(reader.readuntil(b"}"), 10)
            writer.close()
            assert parsed(raw).code == "too_large"
            assert parsed(raw).status == 413
        # Nor by pieces.
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(
            b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nPyaiot-Request: 1\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"8000\r\n%s\r\n"
            % (b"x" * 0x8000)
            * 3
        )
        raw = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        writer.close()
        assert parsed(raw).code == "too_large"


async def test_a_body_that_does_not_come_ends_the_connection() -> None:
    async with serving(Place().api(endpoints(Books())), body_timeout=0.1) as url:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(
            b"POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nPyaiot-Request: 1\r\n"
            b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"te'
        )
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_who_may_ask_is_known_by_header_or_cookie() -> None:
    place = Place()
    expected = {
        "mine": {"anna", "olaf", "vera"},
        "operate": {"anna", "olaf"},
        "admin": {"anna"},
        "things": {"anna", "olaf", "vera"},
    }
    async with serving(place.api(endpoints(Books()))) as url:
        for path, allowed in expected.items():
            for name in place.people:
                for how in (place.bearer(name), place.cookie(name)):
                    answer = await ask(url, f"/api/v1/{path}", **how)
                    if name in allowed:
                        assert (answer.status, answer.json["who"]) == (200, name)
                    else:
                        assert (answer.status, answer.code) == (403, "denied")
            stranger = await ask(url, f"/api/v1/{path}")
            if path == "things":
                assert stranger.json["who"] == ""
            else:
                assert (stranger.status, stranger.code) == (401, "unauthenticated")
                assert stranger.headers["www-authenticate"] == "Bearer"


async def test_tokens_that_do_not_hold() -> None:
    place = Place()
    old, refresh, ticket = (
        place.token("olaf", age=3600),
        place.token("olaf", use=Use.REFRESH),
        place.token("olaf", use=Use.TICKET),
    )
    foreign = place.token("nobody", use=Use.REFRESH)
    good = place.token("olaf")
    place.people["vera"] = Person("vera", Role.OPERATOR, since=place.now - 10)
    stale = place.token("vera", age=20)
    place.told()
    bad = {
        old: "stale_token",
        refresh: "invalid_token",
        ticket: "invalid_token",
        foreign: "invalid_token",
        stale: "stale_token",
        good[:-1] + ("A" if good[-1] != "A" else "E"): "invalid_token",
        "": "invalid_token",
        "x" * 5000: "invalid_token",
    }
    async with serving(place.api(endpoints(Books()))) as url:
        for token, code in bad.items():
            for path in ("mine", "things", "things/x"):
                header = await ask(url, f"/api/v1/{path}", Authorization=f"Bearer {token}")
                assert (header.status, header.code) == (401, code)
                assert token not in header.body.decode() or not token
            for path in ("mine", "things/x"):
                cookie = await ask(url, f"/api/v1/{path}", Cookie=f"pyaiot_access={token}")
                assert (cookie.status, cookie.code) == (401, code)
            # Where anyone may ask, an old cookie is in nobody's way.
            anyone = await ask(url, "/api/v1/things", Cookie=f"pyaiot_access={token}")
            assert (anyone.status, anyone.json["who"]) == (200, "")
        # What a proxy asked for is not meant for us.
        basic = await ask(url, "/api/v1/mine", Authorization="Basic YTpi", **place.cookie("olaf"))
        assert basic.json["who"] == "olaf"
        # A role holds as it is, not as it was.
        assert (await ask(url, "/api/v1/operate", **place.bearer("vera"))).status == 200
        del place.people["olaf"]
        place.told()
        gone = await ask(url, "/api/v1/mine", Authorization=f"Bearer {good}")
        assert (gone.status, gone.code) == (401, "invalid_token")


async def test_pages_of_other_sites_change_nothing() -> None:
    place = Place()
    async with serving(place.api(endpoints(Books()))) as url:

        async def put(**headers: str) -> int:
            body = {"text": "new"}
            answer = await ask(url, "/api/v1/note", method="PUT", body=body, **headers)
            if answer.status == 403:
                assert answer.code == "origin_refused"
            return answer.status

        cookie = place.cookie("olaf")
        host = urlsplit(url).netloc
        assert await put(**cookie) == 200
        assert await put(**cookie, Origin=url, Sec_Fetch_Site="same-origin") == 200
        assert await put(**cookie, Origin="https://iot.example", Host="iot.example") == 200
        assert await put(**cookie, Pyaiot_Request="") == 403
        assert await put(**cookie, Pyaiot_Request="true") == 403
        assert await put(**cookie, Sec_Fetch_Site="cross-site") == 403
        assert await put(**cookie, Sec_Fetch_Site="same-site") == 403
        assert await put(**cookie, Origin="https://evil.example") == 403
        assert await put(**cookie, Origin="null") == 403
        assert await put(**cookie, Origin=f"http://{host}.evil.example") == 403
        # Who shows a token is no page of another site; who has none may log in from ours only.
        assert await put(**place.bearer("olaf"), Pyaiot_Request="") == 200
        login = await ask(url, "/api/v1/login", method="POST", Pyaiot_Request="")
        assert login.status == 403
        seen = await ask(url, "/api/v1/note", **cookie, Pyaiot_Request="", Origin="https://a.b")
        assert seen.status == 200


@pytest.mark.parametrize(
    ("house", "headers", "status"),
    [
        (House(HouseRules(EVERYTHING)), {}, 200),
        (House(HouseRules(EVERYTHING)), {"Host": "localhost:8080"}, 200),
        # A domain of somebody else that points here, and a proxy.
        (House(HouseRules(EVERYTHING)), {"Host": "evil.example"}, 401),
        (House(HouseRules(EVERYTHING)), {"Host": "a;b"}, 401),
        (House(HouseRules(EVERYTHING)), {"X_Forwarded_For": "9.9.9.9"}, 401),
        (House(HouseRules(EVERYTHING), chosen=True), {"X_Forwarded_For": "9.9.9.9"}, 200),
        (House(HouseRules(EVERYTHING), loopback=False), {}, 401),
        (House(HouseRules(NOTHING), chosen=True), {}, 401),
    ],
)
async def test_strangers(house: House, headers: dict[str, str], status: int) -> None:
    async with serving(Place(house).api(endpoints(Books()))) as url:
        assert (await ask(url, "/api/v1/things/x", **headers)).status == status


async def test_a_record_is_changed_only_if_it_is_the_one_that_was_seen() -> None:
    place, books = Place(), Books()
    who = place.bearer("olaf")
    async with serving(place.api(endpoints(books))) as url:
        tag = (await ask(url, "/api/v1/note")).headers["etag"]
        first = await ask(
            url, "/api/v1/note", method="PUT", body={"text": "a"}, If_Match=tag, **who
        )
        second = await ask(
            url, "/api/v1/note", method="PUT", body={"text": "b"}, If_Match=tag, **who
        )
        third = await ask(
            url, "/api/v1/note", method="PUT", body={"text": "c"}, If_Match="*", **who
        )
    assert (first.status, second.status, second.code) == (200, 412, "changed")
    assert third.status == 200
    assert books.note.text == "c"


async def test_of_two_who_saw_the_same_record_one_changes_it() -> None:
    place, books = Place(), Books()
    who = place.bearer("olaf")
    api = place.api(endpoints(books))
    async with serving(api) as url:
        tag = (await ask(url, "/api/v1/note")).headers["etag"]
        answers = await asyncio.gather(
            *(
                ask(url, "/api/v1/note", method="PUT", body={"text": text}, If_Match=tag, **who)
                for text in "abc"
            )
        )
    assert sorted(each.status for each in answers) == [200, 412, 412]
    assert len(api.turns) == 0


async def test_problems_of_endpoints(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Place().api(endpoints(Books()))) as url:
        for name, status, code in (
            ("conflict", 409, "name_taken"),
            ("denied", 403, "denied"),
            ("away", 503, "link_failed"),
        ):
            answer = await ask(url, f"/api/v1/refuse/{name}")
            assert (answer.status, answer.code) == (status, code)
        # Where things are kept is for administrators.
        place = Place()
        for who, told in (({}, False), (place.bearer("olaf"), False), (place.bearer("anna"), True)):
            away = await ask(url, "/api/v1/refuse/store", **who)
            assert (away.status, away.code) == (503, "store_failed")
            assert (b"db.inside" in away.body) == told
        assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
        broken = await ask(url, "/api/v1/refuse/bug?")
        assert (broken.status, broken.code) == (500, "internal")
        assert b"secret" not in broken.body
        assert "a secret of the inside" in caplog.text


async def test_cookies_and_places_fit_wherever_a_proxy_has_put_us() -> None:
    async with serving(Place().api(endpoints(Books()))) as url:
        plain = await ask(url, "/api/v1/login", method="POST")
        assert (plain.status, plain.body) == (204, b"")
        assert plain.headers["set-cookie"].split("\n") == [
            "pyaiot_access=abc; Max-Age=1800; HttpOnly; SameSite=Strict",
            "pyaiot_refresh=; Max-Age=0; HttpOnly; SameSite=Strict",
        ]
        secure = await ask(url, "/api/v1/login", method="POST", X_Forwarded_Proto="https")
        assert all(each.endswith("; Secure") for each in secure.headers["set-cookie"].split("\n"))
        # The browser knows it as well, where the proxy is on another machine.
        host = urlsplit(url).netloc
        for origin in (f"https://{host}", f"http://{host}"):
            answer = await ask(url, "/api/v1/login", method="POST", Origin=origin)
            assert ("; Secure" in answer.headers["set-cookie"]) == origin.startswith("https")
        later = await ask(url, "/api/v1/far/down/here", method="POST")
        assert (later.status, later.headers["location"]) == (202, "../../books/7")


async def test_nodes_that_somebody_may_not_see_are_not_there(fast_store: Store) -> None:
    place = Place(store=fast_store)
    place.nodes = [
        NodeAccess("olafs", "olaf"),
        NodeAccess("annas", "anna"),
        NodeAccess("shared", "anna", shares={"olaf": Permission.SCRIPT}),
    ]
    place.told()
    for node in place.nodes:
        await fast_store.nodes.change(node.uid, Edit(kind="lamp"), TERMINAL)
    async with serving(place.api(endpoints(Books()))) as url:

        async def drop(uid: str, who: str) -> int:
            answer = await ask(url, f"/api/v1/things/{uid}", method="DELETE", **place.bearer(who))
            return answer.status

        assert [await drop("olafs", who) for who in place.people] == [204, 204, 404]
        assert [await drop("annas", who) for who in place.people] == [204, 404, 404]
        assert [await drop("shared", who) for who in place.people] == [204, 403, 404]


async def test_who_asks_too_often_waits() -> None:
    place = Place()
    async with serving(place.api(endpoints(Books()), pace=Pace(1.0, 3.0))) as url:
        answers = [await ask(url, "/api/v1/things") for _ in range(4)]
        assert [each.status for each in answers] == [200, 200, 200, 429]
        assert answers[-1].code == "rate_exceeded"
        assert answers[-1].headers["retry-after"] == "1"
        # Others do not wait.
        assert (await ask(url, "/api/v1/things", **place.bearer("olaf"))).status == 200
        forwarded = {"X_Forwarded_For": "10.0.0.1, 10.0.0.7"}
        assert (await ask(url, "/api/v1/things", **forwarded)).status == 200
        place.now += 1
        assert (await ask(url, "/api/v1/things")).status == 200
        bad = [await ask(url, "/api/v1/things", Authorization="Bearer x") for _ in range(2)]
        assert [each.status for each in bad] == [429, 429]


async def test_streams_come_piece_by_piece_and_end_with_their_reader() -> None:
    books = Books()
    api: Api = Place().api(endpoints(books))
    async with serving(api) as url:
        whole = await ask(url, "/api/v1/stream")
        assert (whole.status, whole.body) == (200, b"0\n1\n2\n")
        assert whole.headers["content-type"] == "text/csv"
        head = await ask(url, "/api/v1/stream", method="HEAD")
        assert (head.status, head.body) == (200, b"")
        for start, code in ((1, "too_many"), (2, "too_late")):
            refused = await ask(url, f"/api/v1/stream?from={start}")
            assert (refused.status, refused.code) == (409, code)
        assert books.closed == 3

        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=65_536)
        writer.write(b"GET /api/v1/stream?many=true HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readexactly(1_000_000)
        # It waits for who does not read.
        stuck = await eventually(lambda: books.sent)
        await asyncio.sleep(0.1)
        assert books.sent < stuck + 300
        writer.close()
        await eventually(lambda: books.closed == 4)


async def test_a_stream_that_breaks_off_is_not_taken_for_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(Place().api(endpoints(Books()))) as url:
        with pytest.raises(ValueError, match="invalid literal"):
            # The last chunk is missing.
            await ask(url, "/api/v1/stream?from=3")
    assert "in the middle" in caplog.text
