# SPDX-License-Identifier: BSD-3-Clause
import resource
from collections.abc import Callable

import pytest

from pyaiot.link.descriptors import SPARE, room_for

Limits = tuple[int, int]
ENDLESS = resource.RLIM_INFINITY


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[Limits]]:
    """Pretend that these are the limits, soft and hard; gives what they are set to."""

    def pretend(soft: int, hard: int, *, fails: bool = False) -> list[Limits]:
        calls: list[Limits] = []

        def setrlimit(_: int, new: Limits) -> None:
            if fails:
                raise ValueError("not allowed")
            calls.append(new)

        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", setrlimit)
        return calls

    return pretend


@pytest.mark.parametrize(
    ("soft", "hard", "room", "set_to"),
    [
        (100_000, 100_000, 5000, []),
        (ENDLESS, ENDLESS, 5000, []),
        (1024, 100_000, 5000, [(5000 + SPARE, 100_000)]),
        (1024, ENDLESS, 5000, [(5000 + SPARE, ENDLESS)]),
        (1024, 4096, 4096 - SPARE, [(4096, 4096)]),
    ],
)
def test_as_many_as_there_may_be(
    limits: Callable[[int, int], list[Limits]],
    soft: int,
    hard: int,
    room: int,
    set_to: list[Limits],
) -> None:
    calls = limits(soft, hard)
    assert room_for(5000) == room
    assert calls == set_to


def test_or_what_there_is(limits: Callable[..., list[Limits]]) -> None:
    limits(1024, 4096, fails=True)
    assert room_for(5000) == 1024 - SPARE
