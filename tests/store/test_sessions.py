# SPDX-License-Identifier: BSD-3-Clause
import asyncio

import pytest

from pyaiot.errors import InvalidToken
from pyaiot.messages.types import Person
from pyaiot.model.access import Role
from pyaiot.store import sessions as module
from pyaiot.store.accounts import Account
from pyaiot.store.audit import TERMINAL
from pyaiot.store.store import Store
from tests.contracts.store import Clock

LIFE = 1000.0


@pytest.fixture
async def ann(store: Store) -> Account:
    return await store.accounts.add("Ann", "hash", Role.OPERATOR, TERMINAL)


async def test_who_logs_in_has_a_session(store: Store, ann: Account, clock: Clock) -> None:
    clock.pass_(5)
    account, session = await store.sessions.open(ann.id, LIFE, "Firefox" * 99, "2001:db8::1" * 9)

    now = round(clock.time * 1e6)
    assert account.seen == now
    assert account.since == ann.since
    assert (session.created, session.used, session.expires) == (now, now, now + 1_000_000_000)
    assert len(session.agent) == 256
    assert len(session.address) == 64
    assert await store.sessions.sessions(ann.id) == [session]
    (entry, *_) = await store.audit.entries(9)
    assert (entry.user, entry.action) == ("Ann", "session.open")


async def test_nobody_logs_in_to_an_account_that_is_gone(store: Store) -> None:
    with pytest.raises(InvalidToken, match="no such account"):
        await store.sessions.open("nobody", LIFE, "", "")


async def test_a_refresh_token_gives_the_next_one(store: Store, ann: Account, clock: Clock) -> None:
    _, first = await store.sessions.open(ann.id, LIFE, "a", "1")
    clock.pass_(900)
    account, second = await store.sessions.rotate(first.id, first.token, LIFE, "b", "2")
    clock.pass_(900)
    _, third = await store.sessions.rotate(first.id, second.token, LIFE, "b", "2")

    assert account.seen == first.created + 900_000_000
    assert len({first.token, second.token, third.token}) == 3
    assert (third.id, third.created, third.agent) == (first.id, first.created, "b")
    assert third.expires == first.created + 2_800_000_000
    assert await store.sessions.sessions(ann.id) == [third]


async def test_who_stays_away_too_long_has_to_log_in_again(
    store: Store, ann: Account, clock: Clock
) -> None:
    _, session = await store.sessions.open(ann.id, LIFE, "", "")
    clock.pass_(LIFE)
    with pytest.raises(InvalidToken, match="has ended"):
        await store.sessions.rotate(session.id, session.token, LIFE, "", "")
    assert await store.sessions.sessions(ann.id) == []
    await store.sessions.open(ann.id, LIFE, "", "")
    assert len(await store.sessions.sessions(ann.id)) == 1


async def test_windows_that_ask_at_once_get_the_same(
    store: Store, ann: Account, clock: Clock
) -> None:
    _, first = await store.sessions.open(ann.id, LIFE, "", "")
    clock.pass_(100)
    answers = await asyncio.gather(
        *(store.sessions.rotate(first.id, first.token, LIFE, "", "") for _ in range(3))
    )
    clock.pass_(module.GRACE - 1)
    late = await store.sessions.rotate(first.id, first.token, LIFE, "", "")

    assert len({session.token for _, session in [*answers, late]}) == 1
    assert late[1].expires == answers[0][1].expires


async def test_a_token_that_was_used_before_ends_the_session(
    store: Store, ann: Account, clock: Clock
) -> None:
    _, other = await store.sessions.open(ann.id, LIFE, "", "")
    _, first = await store.sessions.open(ann.id, LIFE, "", "")
    _, second = await store.sessions.rotate(first.id, first.token, LIFE, "", "")
    clock.pass_(module.GRACE)
    version = await store.versions.get("access")

    with pytest.raises(InvalidToken, match="used before"):
        await store.sessions.rotate(first.id, first.token, LIFE, "", "192.0.2.66")
    with pytest.raises(InvalidToken, match="has ended"):
        await store.sessions.rotate(first.id, second.token, LIFE, "", "")

    assert [each.id for each in await store.sessions.sessions(ann.id)] == [other.id]
    # Whoever has it may have an access token as well: none holds that was made before.
    assert await store.accounts.people() == [Person(ann.id, Role.OPERATOR, clock.time)]
    assert await store.versions.get("access") == version + 1
    (entry, *_) = await store.audit.entries(9)
    assert (entry.user, entry.action) == ("Ann", "session.reuse")
    assert entry.detail == {"address": "192.0.2.66"}


async def test_the_token_before_the_one_before_is_no_late_window(
    store: Store, ann: Account
) -> None:
    _, first = await store.sessions.open(ann.id, LIFE, "", "")
    _, second = await store.sessions.rotate(first.id, first.token, LIFE, "", "")
    await store.sessions.rotate(first.id, second.token, LIFE, "", "")
    with pytest.raises(InvalidToken, match="used before"):
        await store.sessions.rotate(first.id, first.token, LIFE, "", "")


async def test_a_token_of_another_session_is_none_of_this(store: Store, ann: Account) -> None:
    _, first = await store.sessions.open(ann.id, LIFE, "", "")
    _, other = await store.sessions.open(ann.id, LIFE, "", "")
    with pytest.raises(InvalidToken):
        await store.sessions.rotate(first.id, other.token, LIFE, "", "")


async def test_ending_a_session_ends_what_was_let_in_by_it(
    store: Store, ann: Account, clock: Clock
) -> None:
    bob = await store.accounts.add("Bob", "hash", Role.OPERATOR, TERMINAL)
    sessions = [(await store.sessions.open(ann.id, LIFE, "", ""))[1] for _ in range(3)]
    clock.pass_(7)

    assert not await store.sessions.end(bob.id, bob.actor, sessions[0].id)
    assert not await store.sessions.end(ann.id, ann.actor, "nothing")
    assert not await store.sessions.end("nobody", ann.actor)
    assert Person(ann.id, Role.OPERATOR, clock.time - 7) in await store.accounts.people()

    assert await store.sessions.end(ann.id, ann.actor, sessions[0].id)
    assert {each.id for each in await store.sessions.sessions(ann.id)} == {
        each.id for each in sessions[1:]
    }
    assert Person(ann.id, Role.OPERATOR, clock.time) in await store.accounts.people()
    assert await store.sessions.end(ann.id, ann.actor)
    assert await store.sessions.sessions(ann.id) == []
    (entry, *_) = await store.audit.entries(9)
    assert (entry.action, entry.detail) == ("session.end", {"sessions": 2})


async def test_a_login_right_after_holds(store: Store, ann: Account) -> None:
    _, session = await store.sessions.open(ann.id, LIFE, "", "")
    await store.sessions.end(ann.id, ann.actor, session.id)
    account, again = await store.sessions.open(ann.id, LIFE, "", "")
    assert account.since <= again.created


async def test_of_many_sessions_the_oldest_end(
    store: Store, ann: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 3)
    opened = []
    for _ in range(5):
        clock.pass_(1)
        opened.append((await store.sessions.open(ann.id, LIFE, "", ""))[1].id)
    assert [each.id for each in await store.sessions.sessions(ann.id)] == opened[:1:-1]
