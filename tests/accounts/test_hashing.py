# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import threading
from typing import Any

import argon2
import pytest

from pyaiot.accounts import hashing
from pyaiot.accounts.hashing import WRONG, Cost, Hasher, Verdict
from pyaiot.errors import InvalidValue, RateExceeded

QUICK = Cost(passes=1, memory=64, lanes=1)


async def test_a_password_is_known_again() -> None:
    hasher = Hasher(QUICK)
    stored = await hasher.hash("correct horse")

    assert await hasher.check(stored, "correct horse") == Verdict(right=True)
    assert await hasher.check(stored, "correct house") == WRONG
    assert "correct" not in stored
    assert stored != await hasher.hash("correct horse")


async def test_by_default_hashes_are_made_as_rfc_9106_recommends() -> None:
    stored = await Hasher().hash("correct horse")

    assert argon2.extract_parameters(stored) == argon2.profiles.RFC_9106_LOW_MEMORY
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_what_was_stored_in_an_older_way_is_renewed() -> None:
    stored = await Hasher(QUICK).hash("correct horse")
    hasher = Hasher(Cost(passes=2, memory=64, lanes=1))

    assert await hasher.check(stored, "wrong") == WRONG
    verdict = await hasher.check(stored, "correct horse")

    assert verdict.right
    assert verdict.renewed is not None
    assert await hasher.check(verdict.renewed, "correct horse") == Verdict(right=True)


async def test_the_same_password_from_another_keyboard() -> None:
    hasher = Hasher(QUICK)
    stored = await hasher.hash("Zoe\u0308 Zoe\u0308")
    assert (await hasher.check(stored, "Zo\u00eb Zo\u00eb")).right


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$x$y", "!"])
async def test_what_is_no_hash_lets_nobody_in(stored: str) -> None:
    hasher = Hasher(QUICK)
    for password in ("", stored, "x"):
        assert await hasher.check(stored, password) == WRONG


async def test_what_is_no_text_is_no_password() -> None:
    hasher = Hasher(QUICK)
    with pytest.raises(InvalidValue):
        await hasher.hash("\ud800")
    assert await hasher.check(await hasher.hash(""), "\ud800") == WRONG


async def test_a_name_that_nobody_has_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many hashes of the same cost are reckoned, whether there is such a name or not."""
    reckoned: list[str] = []
    genuine = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, stored: Any, password: Any) -> bool:
        reckoned.append(str(argon2.extract_parameters(stored)))
        return genuine(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    hasher = Hasher(QUICK)
    stored = await hasher.hash("correct horse")

    assert await hasher.check(stored, "wrong") == WRONG
    assert await hasher.check(None, "wrong") == WRONG
    assert await hasher.check(None, "") == WRONG
    assert len(reckoned) == 3
    assert len(set(reckoned)) == 1


async def test_few_are_reckoned_at_once_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAITING", 4)
    go_on, running, most = threading.Event(), set[int](), 0

    def slow(_self: argon2.PasswordHasher, _raw: bytes) -> str:
        nonlocal most
        running.add(threading.get_ident())
        most = max(most, len(running))
        go_on.wait(10)
        running.discard(threading.get_ident())
        return "hash"

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slow)
    hasher = Hasher(QUICK, at_once=2)
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(hasher.hash(f"password {number}")) for number in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(RateExceeded) as caught:
            await hasher.hash("one too many")
        assert caught.value.retry_after == 5.0
        go_on.set()
    assert [each.result() for each in made] == ["hash"] * 6
    assert most <= 2
    assert await hasher.hash("there is room again") == "hash"
