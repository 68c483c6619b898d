# SPDX-License-Identifier: BSD-3-Clause
from math import inf

from pyaiot.gateway.agenda import Agenda


def test_the_earliest_time_of_each_node() -> None:
    agenda = Agenda()
    assert agenda.due == inf
    agenda.put("a", 5)
    agenda.put("a", 3)
    agenda.put("a", 4)
    agenda.put("b", 1)
    agenda.put("c", inf)
    assert agenda.due == 1
    assert list(agenda.take(2)) == ["b"]
    assert list(agenda.take(10)) == ["a"]
    assert agenda.due == inf


def test_what_was_looked_at_can_be_put_again() -> None:
    agenda = Agenda()
    agenda.put("a", 1)
    for uid in agenda.take(1):
        agenda.put(uid, 2)
    assert agenda.due == 2
    assert list(agenda.take(2)) == ["a"]
