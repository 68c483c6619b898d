# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.outbox import MAX_RESENDS, WINDOW
from pyaiot.messages.types import Feature, New, Update
from tests.gateway.driven import ALL, LEGACY
from tests.gateway.sending import Sending


def joined() -> Sending:
    core = Sending()
    core.join()
    return core


class TestReconnect:
    def test_nodes_then_kept_readings_then_the_rest(self) -> None:
        core = joined()
        core.known("a").known("b").report("led", "0", "at-a").report("led", "0", "at-b")
        core.drain()
        core.leave()
        core.wait(1).report("led", "1", "at-a")
        core.wait(1).report("led", "2", "at-a")
        core.join()
        assert core.drain() == [
            "new a online",
            "new b online",
            "update a led 1",
            "update a led 2",
            "update a protocol Memory",
            "update b protocol Memory",
            "update b led 0",
        ]

    def test_kept_readings_keep_their_times(self) -> None:
        core = Sending()
        core.known()
        core.wait(1).report("led", "1")
        core.wait(100).join()
        times = {each.endpoint: each.time for each in core.push(9) if isinstance(each, Update)}
        assert times["led"] == core.now.wall - 100

    def test_availability_and_when_heard_are_told_anew(self) -> None:
        core = joined()
        core.known()
        core.drain()
        core.leave()
        core.wait(60)
        core.join()
        (new, *_) = core.push(9)
        assert isinstance(new, New)
        assert new.availability == "late"
        assert new.seen == core.now.wall - 60

    def test_what_happens_meanwhile_keeps_its_place(self) -> None:
        core = Sending()
        core.known("a").report("led", "1", "at-a")
        core.join()
        core.known("b").report("led", "2", "at-b").report("led", "2", "at-a")
        assert core.drain() == [
            "new a online",
            "update a protocol Memory",
            "update a led 1",
            "new b online",
            "update b protocol Memory",
            "update b led 2",
            "update a led 2",
        ]

    def test_a_connection_that_breaks_at_once(self) -> None:
        core = Sending()
        core.known().report("led", "1")
        for arrived in range(4):
            core.join()
            core.push(3)
            core.leave(arrived)
        core.join()
        assert core.drain() == [
            "new 1234 online",
            "update 1234 protocol Memory",
            "update 1234 led 1",
        ]

    def test_a_refused_reading_is_not_sent_for_ever(self) -> None:
        core = joined()
        core.known().report("led", "poison")
        core.push(9)
        core.leave(refused=True)
        core.join()
        core.report("led", "1")
        assert core.drain()[1:2] == ["update 1234 led 1"]
        assert core.spool.dropped == 2


class TestMeanwhile:
    def test_nodes_that_went_are_out_after_their_readings(self) -> None:
        core = joined()
        core.seen("p", naming=Naming.PASSING)
        core.drain()
        core.leave()
        core.report("led", "1", "at-p").lost("at-p")
        core.join()
        assert core.drain() == ["new p offline", "update p led 1", "out p"]
        assert core.mirror.refused == []

    def test_nodes_that_went_without_a_word_are_out_all_the_same(self) -> None:
        core = joined()
        core.seen("p", naming=Naming.PASSING)
        core.drain()
        core.leave()
        core.lost("at-p")
        core.join()
        assert core.drain() == ["new p offline", "out p"]
        core.leave()
        core.join()
        assert core.drain() == []

    def test_a_node_that_went_and_came_back_begins_afresh(self) -> None:
        core = Sending()
        core.seen("p", naming=Naming.PASSING).report("led", "1", "at-p").lost("at-p")
        core.seen("p", naming=Naming.PASSING)
        core.join()
        sent = core.drain()
        assert "out p" not in sent
        assert sent[-2:] == ["reset p", "update p protocol Memory"]
        assert core.mirror.nodes == {"p": {"protocol": "Memory"}}

    def test_a_node_that_comes_back_while_it_is_taken_leave_of(self) -> None:
        core = joined()
        core.seen("p", naming=Naming.PASSING)
        core.drain()
        core.leave()
        core.lost("at-p")
        core.join()
        assert [each.availability for each in core.push(1) if isinstance(each, New)] == ["offline"]
        core.seen("p", naming=Naming.PASSING)
        assert core.drain() == ["new p online", "reset p", "update p protocol Memory"]

    def test_an_out_that_did_not_arrive_is_sent_again(self) -> None:
        core = joined()
        core.seen("p", naming=Naming.PASSING)
        core.drain()
        core.lost("at-p")
        core.push(9)
        core.leave()
        core.join()
        assert core.drain() == ["new p offline", "out p"]

    def test_a_reboot_is_told_with_all_that_holds_since(self) -> None:
        core = joined()
        core.known().report("led", "1").wait(10)
        core.drain()
        core.leave()
        core.seen(rebooted=True).report("os", "riot")
        core.join()
        assert core.drain() == [
            "new 1234 online",
            "update 1234 protocol Memory",
            "update 1234 os riot",
            "reset 1234",
            "update 1234 protocol Memory",
            "update 1234 os riot",
        ]
        core.leave()
        core.join()
        assert "reset 1234" not in core.drain()

    def test_a_reset_that_did_not_arrive_is_sent_again(self) -> None:
        core = joined()
        core.known().wait(10)
        core.drain()
        core.seen(rebooted=True)
        core.push(9)
        core.leave()
        core.join()
        assert "reset 1234" in core.drain()

    def test_a_reset_of_a_node_that_is_gone(self) -> None:
        core = joined()
        core.known("p", naming=Naming.PASSING).wait(10)
        core.drain()
        core.seen("p", naming=Naming.PASSING, rebooted=True).lost("at-p")
        core.leave()
        core.join()
        assert core.drain()[-1] == "out p"

    def test_those_that_went_are_remembered_within_bounds(self) -> None:
        core = Sending(max_nodes=2)
        for number in range(5):
            core.seen(f"p{number}", naming=Naming.PASSING).lost(f"at-p{number}")
        core.spool.rewind(refused=True)
        core.spool.take(9)
        core.spool.rewind(refused=True)
        core.join()
        assert core.drain() == ["new p3 offline", "out p3", "new p4 offline", "out p4"]


class TestBounds:
    def test_so_many_may_be_on_their_way(self) -> None:
        core = joined()
        core.known()
        core.drain()
        for number in range(WINDOW - 1):
            core.report("led", number)
        core.seen("other")
        assert len(core.push(2 * WINDOW)) == WINDOW
        assert core.push(9) == []
        core.arrive(5)
        assert len(core.push(9)) == 1

    def test_so_many_clients_may_ask_for_everything(self) -> None:
        core = Sending()
        core.join(LEGACY)
        taken = [core.outbox.resend(f"c{number}") for number in range(MAX_RESENDS + 1)]
        assert taken.count(True) == MAX_RESENDS - 1
        assert core.outbox.resend("c0")
        core.drain()
        assert core.outbox.resend("c999")


class TestOriginalBroker:
    def legacy(self) -> Sending:
        core = Sending()
        core.join(LEGACY)
        return core

    def test_offline_nodes_are_not_there(self) -> None:
        core = Sending(max_time=10)
        core.known("a").wait(20).known("b")
        core.spool.rewind()
        core.spool.take(9)
        core.spool.confirm(2)
        core.join(LEGACY)
        assert core.drain() == ["new b", "update b protocol Memory"]

    def test_kept_readings_of_offline_nodes(self) -> None:
        core = Sending(max_time=10)
        core.known("a").wait(20)
        core.join(LEGACY)
        assert core.drain() == ["new a", "update a protocol Memory", "out a"]

    def test_nodes_that_went_meanwhile_are_forgotten_there(self) -> None:
        core = self.legacy()
        core.seen("p", naming=Naming.PASSING)
        core.drain()
        core.leave()
        core.lost("at-p")
        core.join(LEGACY)
        assert core.drain() == []

    def test_everything_for_one_client(self) -> None:
        core = self.legacy()
        core.known("z").lost("at-z").known("a").known("b").report("led", "1", "at-b")
        core.drain()
        assert core.outbox.resend("client")
        assert core.drain() == [
            "new a client",
            "update a protocol Memory client",
            "new b client",
            "update b protocol Memory client",
            "update b led 1 client",
        ]

    def test_a_node_that_leaves_while_everything_is_sent(self) -> None:
        core = self.legacy()
        core.known("p", naming=Naming.PASSING).known("a")
        core.drain()
        core.outbox.resend("client")
        assert core.push(1) == [New("p", "client")]
        core.arrive(1)
        core.lost("at-p")
        assert core.drain() == ["out p", "new a client", "update a protocol Memory client"]
        assert set(core.mirror.nodes) == {"a"}


class TestUntilStored:
    """The broker says which readings are in the store: of all that it was sent, in order."""

    def joined(self) -> Sending:
        core = Sending()
        core.join(ALL | {Feature.STORED})
        return core

    def test_values_that_are_told_again_count_too(self) -> None:
        core = Sending()
        core.known().report("led", "1").report("led", "2")
        core.join(ALL | {Feature.STORED})
        # Two kept readings and the identity, which is kept as well.
        assert core.drain() == [
            "new 1234 online",
            "update 1234 protocol Memory",
            "update 1234 led 1",
            "update 1234 led 2",
        ]
        assert len(core.spool) == 3
        core.leave()
        core.report("led", "3")
        core.spool.rewind()
        core.join(ALL | {Feature.STORED})
        core.drain()
        core.outbox.stored(2)
        assert len(core.spool) == 2
        core.outbox.stored(2)
        core.outbox.stored(1)
        assert len(core.spool) == 2
        core.outbox.stored(4)
        assert len(core.spool) == 0
        core.outbox.stored(99)

    def test_own_values_between_kept_ones(self) -> None:
        core = self.joined()
        core.known().report("led", "1").report("fan", "1")
        core.drain()
        core.outbox.stored(3)
        core.leave()
        core.report("led", "2")
        core.join(ALL | {Feature.STORED})
        core.report("led", "3")
        # led 2 and 3 are kept; protocol and fan are told from what is known.
        assert core.drain()[1:] == [
            "update 1234 led 2",
            "update 1234 led 3",
            "update 1234 protocol Memory",
            "update 1234 fan 1",
        ]
        core.report("led", "4")
        core.drain()
        core.outbox.stored(3)
        assert [each.data for each in core.spool] == ["4"]
        core.outbox.stored(4)
        assert len(core.spool) == 1
        core.outbox.stored(5)
        assert len(core.spool) == 0

    def test_what_is_not_stored_comes_again_with_its_time(self) -> None:
        core = self.joined()
        core.known().wait(1).report("led", "1")
        core.drain()
        at = core.now.wall
        core.wait(50).leave()
        core.join(ALL | {Feature.STORED})
        told = [each for each in core.push(99) if isinstance(each, Update)]
        assert [each.time for each in told if each.endpoint == "led"] == [at]

    def test_nodes_of_an_earlier_gateway_are_away_but_not_gone(self) -> None:
        core = Sending()
        core.known().report("led", "1")
        survived = list(core.spool)
        again = Sending(journal=Kept(survived))
        again.join()
        assert again.drain() == [
            "new 1234 offline",
            "update 1234 protocol Memory",
            "update 1234 led 1",
        ]
        again.known()
        assert again.drain()[0] == "new 1234 online"

    def test_nodes_of_an_earlier_gateway_and_a_broker_of_the_original(self) -> None:
        core = Sending()
        core.known().report("led", "1")
        again = Sending(journal=Kept(list(core.spool)))
        again.join(LEGACY)
        assert again.drain()[-1] == "out 1234"


class Kept:
    """A journal that an earlier spool left."""

    def __init__(self, readings: list[Update]) -> None:
        self._readings = readings

    def kept(self) -> list[Update]:
        return self._readings

    def append(self, reading: Update) -> None:
        pass

    def release(self, number: int) -> None:
        pass

    def drop(self, position: int) -> None:
        pass
