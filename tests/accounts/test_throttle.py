# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.accounts.throttle import BY_ADDRESS, BY_NAME, Patience, Throttle
from pyaiot.errors import RateExceeded

HERE = "192.0.2.1"
NEVER = Patience(free=10**9, first=1, longest=1, forgotten=1e9)


def wanted(throttle: Throttle, name: str, address: str, now: float) -> float:
    """How long it says to wait; the try is counted where that is nothing."""
    try:
        throttle.admit(name, address, now)
    except RateExceeded as exc:
        return exc.retry_after or -1.0
    return 0.0


def test_what_is_forgiven_and_what_is_not() -> None:
    patience = Patience(free=3, first=1.0, longest=10.0, forgotten=100.0)
    assert [patience.wait(n) for n in range(9)] == [0, 0, 0, 0, 1, 2, 4, 8, 10]
    assert patience.wait(10**6) == 10.0


def test_guesses_at_one_name_take_ever_longer_from_wherever_they_come() -> None:
    throttle = Throttle(by_address=NEVER)
    now, waits = 0.0, []
    for number in range(15):
        wait = wanted(throttle, "ann", f"192.0.2.{number}", now)
        if wait:
            now += wait
            throttle.admit("ann", f"192.0.2.{number}", now)
        waits.append(wait)
    assert waits == [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    throttle.admit("bob", HERE, now)


def test_guesses_from_one_address_take_ever_longer_whatever_the_name() -> None:
    throttle = Throttle()
    for number in range(BY_ADDRESS.free + 1):
        throttle.admit(f"name-{number}", HERE, 0.0)
    with pytest.raises(RateExceeded, match=r"^Too many tries") as caught:
        throttle.admit("yet another", HERE, 0.5)
    assert caught.value.retry_after == 0.5
    throttle.admit("yet another", "192.0.2.2", 0.5)


def test_a_try_that_is_refused_is_not_counted() -> None:
    throttle = Throttle()
    for _ in range(BY_NAME.free + 1):
        throttle.admit("ann", HERE, 0.0)
    for _ in range(100):
        with pytest.raises(RateExceeded):
            throttle.admit("ann", HERE, 0.9)
    throttle.admit("ann", HERE, 1.0)


def test_who_gets_it_right_is_forgiven_by_name_but_not_by_address() -> None:
    throttle = Throttle(by_address=Patience(free=8, first=1.0, longest=9.0, forgotten=99.0))
    for _ in range(4):
        throttle.admit("ann", HERE, 0.0)
    throttle.admit("ann", HERE, 0.0)
    throttle.succeeded("ann", HERE)
    for _ in range(5):
        throttle.admit("ann", HERE, 0.0)
    with pytest.raises(RateExceeded):
        throttle.admit("ann", HERE, 0.0)


def test_guessing_does_not_lock_the_owner_out() -> None:
    throttle = Throttle(by_address=NEVER)
    throttle.admit("ann", HERE, 0.0)
    throttle.succeeded("ann", HERE)
    for number in range(BY_NAME.free + 1):
        throttle.admit("ann", f"198.51.100.{number}", 1.0)
    assert wanted(throttle, "ann", "198.51.100.99", 1.0) > 0
    # Where ann was before, ann may go on, and is not the guessers' excuse by that.
    throttle.admit("ann", HERE, 1.0)
    throttle.succeeded("ann", HERE)
    assert wanted(throttle, "ann", "198.51.100.99", 1.0) > 0
    # Nor is her address an open door, for her name or another.
    for _ in range(BY_NAME.free + 1):
        throttle.admit("ann", HERE, 2.0)
    assert wanted(throttle, "ann", HERE, 2.0) > 0
    for _ in range(BY_NAME.free + 1):
        throttle.admit("bob", HERE, 2.0)
    assert wanted(throttle, "bob", HERE, 2.0) > 0


def test_after_an_hour_all_is_forgotten() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.admit("ann", HERE, 0.0)
    throttle.admit("ann", HERE, 3600.0)
    for _ in range(4):
        throttle.admit("ann", HERE, 3600.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("a name", "another", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    throttle = Throttle(by_address=Patience(free=0, first=9.0, longest=9.0, forgotten=99.0))
    throttle.admit("ann", one, 0.0)
    if same:
        with pytest.raises(RateExceeded):
            throttle.admit("bob", other, 0.0)
    else:
        throttle.admit("bob", other, 0.0)


@given(st.lists(st.tuples(st.text(max_size=3), st.ip_addresses(), st.floats(0, 1e6)), max_size=50))
def test_memory_is_bounded_whoever_comes(tries: list[tuple[str, object, float]]) -> None:
    throttle = Throttle(size=4)
    for name, address, now in tries:
        assert wanted(throttle, name, str(address), now) >= 0
        if len(name) == 1:
            throttle.succeeded(name, str(address))
    assert throttle.remembered <= 12
