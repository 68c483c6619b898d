# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.gateway.adapter import Address
from pyaiot.gateway.discovery import RETRY, RETRY_MAX, Discovery
from pyaiot.gateway.effects import Discover

HERE = Address("here")


def begun(serial: int = 1) -> Discovery:
    discovery = Discovery()
    discovery.begin(Discover("lamp", serial, HERE))
    return discovery


def test_one_at_a_time_and_once() -> None:
    discovery = Discovery()
    assert discovery.is_due(5)
    assert not discovery.is_under_way(1)
    discovery.begin(Discover("lamp", 1, HERE))
    assert not discovery.is_due(5)
    assert discovery.is_under_way(1)
    assert not discovery.is_under_way(2)
    assert not discovery.ended(HERE, failed=False, now=6)
    assert not discovery.is_under_way(1)
    assert not discovery.is_due(1e9)


def test_after_failures_ever_later() -> None:
    discovery, now, delays = begun(), 0.0, []
    for number in range(9):
        assert discovery.ended(HERE, failed=True, now=now)
        assert discovery.failed_before is (number > 0)
        delay = RETRY
        while not discovery.is_due(now + delay):
            delay += RETRY
        delays.append(delay)
        now += delay
        discovery.begin(Discover("lamp", number, HERE))
    assert delays == [10, 20, 40, 80, 160, 320, *([RETRY_MAX] * 3)]
    assert not discovery.ended(HERE, failed=False, now=now)
    discovery.away(now)
    assert discovery.is_due(now)
    discovery.begin(Discover("lamp", 99, HERE))
    assert discovery.ended(HERE, failed=True, now=now)
    assert not discovery.failed_before


def test_a_failure_does_not_count_where_the_node_moved_or_went() -> None:
    for address in (Address("elsewhere"), None):
        discovery = begun()
        assert not discovery.ended(address, failed=True, now=0)
        assert discovery.is_due(0)


def test_a_success_counts_where_the_node_moved() -> None:
    discovery = begun()
    assert not discovery.ended(Address("elsewhere"), failed=False, now=0)
    assert not discovery.is_due(0)


def test_what_a_node_said_before_it_rebooted_does_not_count() -> None:
    for failed in (False, True):
        discovery = begun()
        discovery.rebooted(3)
        assert not discovery.is_due(3)
        assert not discovery.ended(HERE, failed=failed, now=4)
        assert discovery.is_due(4)
        discovery.begin(Discover("lamp", 2, HERE))
        assert not discovery.ended(HERE, failed=False, now=5)
        assert not discovery.is_due(1e9)


def test_a_reboot_between_discoveries_begins_anew() -> None:
    discovery = begun()
    for _ in range(3):
        discovery.ended(HERE, failed=True, now=0)
        discovery.begin(Discover("lamp", 2, HERE))
    discovery.ended(HERE, failed=True, now=0)
    discovery.rebooted(1)
    assert discovery.is_due(1)
    assert not discovery.failed_before
