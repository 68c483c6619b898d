# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.dashboard.roll import News, Roll
from pyaiot.messages.types import Device, NodeAccess, Person
from pyaiot.model.access import Role


def test_news_is_what_changed_and_what_is_gone() -> None:
    roll = Roll()
    anna, olaf = Person("anna", Role.ADMIN), Person("olaf", Role.OPERATOR)
    node, device = NodeAccess("n1", "anna"), Device("n1", ("t1",), bound=True)
    first = roll.take([anna, olaf], [node], [device])
    assert first == News((anna, olaf), (node,), (device,))
    assert (roll.person("anna"), roll.node("n1"), roll.device("n1")) == (anna, node, device)
    assert not roll.take([anna, olaf], [node], [device])

    # Of some only: who is not among these stays.
    lamp = NodeAccess("n2", "olaf")
    assert roll.update(["nobody"], [], ["n2", "n3"], [lamp], []) == News((), (lamp,), ())
    news = roll.update(["olaf"], [], ["n1"], [], [device])
    assert news == News(
        (Person("olaf", Role.OPERATOR, gone=True),), (NodeAccess("n1", gone=True),), ()
    )
    assert (roll.person("anna"), roll.node("n2"), roll.device("n1")) == (anna, lamp, device)
    # One that was forgotten is gone for others, too, who may know more of it.
    gone = Device("n3", gone=True)
    assert roll.update([], [], ["n3"], [], [gone]) == News((), (), (gone,))
    gone = Device("n1", gone=True)
    assert roll.update([], [], ["n1"], [], [gone]) == News((), (), (gone,))
    assert roll.device("n1") is None
    edition = roll.edition
    assert not roll.update([], [], [], [], [])
    assert roll.edition == edition
    roll.take([anna, olaf], [node], [device])

    viewer = Person("olaf", Role.VIEWER)
    news = roll.take([viewer], [], [])
    assert news.people == (viewer, Person("anna", Role.ADMIN, gone=True))
    assert news.nodes == (NodeAccess("n1", gone=True),)
    assert news.devices == (Device("n1", gone=True),)
    assert (roll.person("anna"), roll.node("n1"), roll.device("n1")) == (None, None, None)
