# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.dashboard.api.readers import Readers
from pyaiot.errors import TooManyConnections


def test_one_asker_leaves_room_for_others() -> None:
    readers = Readers(of_all=3, of_one=2)
    with readers.reading("a", ""), readers.reading("a", ""):
        with pytest.raises(TooManyConnections), readers.reading("a", ""):
            pytest.fail("a third one was let in")
        with readers.reading("b", ""):
            assert len(readers) == 3
            with pytest.raises(TooManyConnections), readers.reading("c", ""):
                pytest.fail("a fourth one was let in")
        with readers.reading("c", ""):
            assert len(readers) == 3
    assert len(readers) == 0


def test_who_breaks_off_reads_no_more() -> None:
    readers = Readers(of_all=1, of_one=1)
    for _ in range(3):
        with pytest.raises(KeyError), readers.reading("a", ""):
            raise KeyError
    assert len(readers) == 0


def test_strangers_leave_room_for_people() -> None:
    readers = Readers(of_all=5, of_one=2)
    one, same, other = "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"
    with readers.reading("", one), readers.reading("", same):
        # Whoever has a network has all addresses in it.
        with pytest.raises(TooManyConnections), readers.reading("", one):
            pytest.fail("a third one was let in")
        with readers.reading("", other):
            with pytest.raises(TooManyConnections), readers.reading("", "192.0.2.1"):
                pytest.fail("a fourth stranger was let in")
            with readers.reading("ann", one), readers.reading("ann", one):
                assert len(readers) == 5
    with readers.reading("", other), readers.reading("", one), readers.reading("", one):
        assert len(readers) == 3
