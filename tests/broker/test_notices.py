# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.broker.notices import PART_BYTES, PART_DEVICES, Notices, gone
from pyaiot.messages.codec import encode
from pyaiot.messages.types import Device, Devices, Stored


def told(notices: Notices) -> list[Devices | Stored]:
    return list(iter(notices.next, None))


def test_nothing_is_told_where_nothing_is_known() -> None:
    assert told(Notices()) == []


def test_that_nobody_knows_is_told_once_and_not_beside_a_list() -> None:
    notices = Notices()
    notices.nobody()
    assert told(notices) == [Devices(())]
    assert told(notices) == []
    notices.nobody()
    notices.whole({})
    assert told(notices) == [Devices((), whole=True)]


def test_an_empty_list_is_a_list() -> None:
    notices = Notices()
    notices.whole({})
    assert told(notices) == [Devices((), 0, whole=True)]


def test_a_long_list_comes_in_parts() -> None:
    known = {str(number): Device(str(number)) for number in range(PART_DEVICES + 1)}
    notices = Notices()
    notices.whole(known)
    first, last = told(notices)
    assert isinstance(first, Devices)
    assert isinstance(last, Devices)
    assert (len(first.devices), first.part, first.last) == (PART_DEVICES, 0, False)
    assert (len(last.devices), last.part, last.last) == (1, 1, True)
    assert (*first.devices, *last.devices) == tuple(known.values())


def test_no_part_is_too_large_for_a_gateway() -> None:
    tokens = tuple(f"{number:064}" for number in range(64))
    notices = Notices()
    notices.whole({str(number): Device(str(number), tokens) for number in range(100)})
    parts = told(notices)
    assert len(parts) > 2
    assert all(len(encode(part)) < 2 * PART_BYTES for part in parts)


def test_changes_are_told_once_and_as_they_are_now() -> None:
    notices = Notices()
    notices.change([Device("1"), Device("2")])
    notices.change([Device("1", bound=True)])
    assert told(notices) == [Devices((Device("1", bound=True), Device("2")))]
    many = [Device(str(number)) for number in range(PART_DEVICES + 1)]
    notices.change(many)
    assert [len(each.devices) for each in told(notices) if isinstance(each, Devices)] == [500, 1]


def test_what_changes_while_a_list_is_told_comes_after_it() -> None:
    known = {str(number): Device(str(number)) for number in range(2 * PART_DEVICES)}
    notices = Notices()
    notices.whole(known)
    notices.next()
    del known["999"]
    notices.change([gone("999")])
    rest, change = told(notices)
    assert isinstance(rest, Devices)
    assert len(rest.devices) == PART_DEVICES - 1
    assert change == Devices((Device("999", gone=True),))


def test_of_what_is_stored_the_newest_number_counts() -> None:
    notices = Notices()
    notices.whole({})
    notices.stored(3)
    notices.stored(5)
    assert told(notices) == [Stored(5), Devices((), 0, whole=True)]
