# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.discovery import RETRY, RETRY_MAX
from pyaiot.gateway.effects import Discover, Level, Note, Resend, Write
from pyaiot.messages.types import ClientJoined, KeepAlive, New, Update
from pyaiot.model.node import MAX_RESOURCES, derived_uid
from tests.gateway.driven import ALL, EPOCH, LEGACY, Driven


class TestNewcomer:
    def test_order_on_the_wire(self) -> None:
        core = Driven().seen(facts={"ip": "::1"})
        assert core.wire == [
            "new 1234 online",
            "update 1234 ip ::1",
            "update 1234 protocol Memory",
        ]
        assert isinstance(core.effects[-1], Discover)

    def test_new_carries_when_it_was_heard(self) -> None:
        (new, *_) = Driven().seen().sent
        assert isinstance(new, New)
        assert new.seen == EPOCH + 1000

    def test_readings_carry_a_time(self) -> None:
        update = Driven().seen().sent[-1]
        assert isinstance(update, Update)
        assert update.time == EPOCH + 1000

    def test_discovers_where_it_was_seen(self) -> None:
        core = Driven().seen(address="there")
        assert [(each.uid, each.address) for each in core.of(Discover)] == [("1234", "there")]

    def test_seen_again_is_no_news(self) -> None:
        core = Driven().seen().seen()
        assert core.effects == []
        core.discovered().seen()
        assert core.effects == []

    def test_a_changed_fact_is_told(self) -> None:
        core = Driven().known(facts={"ip": "a"}).seen(facts={"ip": "b"})
        assert core.wire == ["update 1234 ip b"]

    @pytest.mark.parametrize("name", ["", "a\nb", "x" * 200])
    def test_a_bad_name_is_refused_once(self, name: str) -> None:
        core = Driven().seen(name, address="there")
        assert len(core.notes) == 1
        assert core.sent == []
        assert core.seen(name, address="there").effects == []
        assert core.core.dropped["invalid"] == 2

    def test_a_bad_fact_is_refused(self) -> None:
        core = Driven().seen(facts={"": "x", "ip": "a"})
        assert core.wire == ["new 1234 online", "update 1234 ip a", "update 1234 protocol Memory"]

    def test_a_node_may_be_called_as_the_keep_alive(self) -> None:
        assert Driven().seen("alive").wire[0] == "new alive online"


class TestNaming:
    def test_local_names_give_stable_uids(self) -> None:
        uid = derived_uid("attic", "Memory", "pycom")
        first, second = Driven(), Driven()
        for core in (first, second):
            assert core.seen("pycom", naming=Naming.LOCAL).wire[0] == f"new {uid} online"

    def test_passing_nodes_are_gone_when_lost(self) -> None:
        core = Driven().seen("p1", naming=Naming.PASSING).lost("at-p1")
        assert core.wire == ["out p1"]
        assert core.report("led", "1", "at-p1").sent == []

    def test_named_nodes_are_offline_when_lost(self) -> None:
        core = Driven().known().lost()
        assert core.wire == ["availability 1234 offline"]
        assert core.seen(address="new").wire == ["availability 1234 online"]
        assert len(core.of(Discover)) == 1

    def test_losing_a_stranger_is_nothing(self) -> None:
        assert Driven().lost("nowhere").effects == []

    def test_an_old_connection_ends_after_the_new_one_began(self) -> None:
        core = Driven().known(address="old").seen(address="new").lost("old")
        assert core.effects == []
        assert core.report("led", "1", "new").wire == ["update 1234 led 1"]


class TestAddresses:
    def test_the_same_uid_from_a_new_address_moves(self) -> None:
        core = Driven().known(address="old").seen(address="new")
        assert core.effects == []
        assert core.report("led", "1", "new").wire == ["update 1234 led 1"]
        assert core.report("led", "1", "old").sent == []
        assert core.command().of(Write)[0].address == "new"

    def test_an_address_with_a_new_uid(self) -> None:
        core = Driven().known("a", address="here").seen("b", address="here")
        assert core.wire[0] == "new b online"
        assert len(core.notes) == 1
        assert core.report("led", "1", "here").wire == ["update b led 1"]
        core.command(uid="a")
        assert core.results == [("c1", "failed")]
        assert "availability a late" in core.wait(50).wire
        assert "availability a offline" in core.wait(80).wire

    def test_reports_from_a_stranger_are_counted_and_noted_once(self) -> None:
        core = Driven().report("led", "1", "nowhere")
        assert core.sent == []
        assert len(core.notes) == 1
        assert core.report("led", "1", "nowhere").effects == []
        assert core.core.dropped["stranger"] == 2

    def test_notes_do_not_fill_the_log(self) -> None:
        core = Driven()
        noted = sum(len(core.report("led", "1", f"a{n}").notes) for n in range(5000))
        assert noted == 60
        assert core.core.dropped["stranger"] == 5000
        core.wait(3600)
        noted = sum(len(core.wait(1).report("led", "1", f"b{n}").notes) for n in range(2000))
        assert 1900 < noted <= 2000
        assert core.report("led", "1", "b0").notes, "what was noted long ago may be noted again"


class TestReports:
    def test_equal_values_are_readings_all_the_same(self) -> None:
        core = Driven().known()
        assert core.report("led", "1").wire == ["update 1234 led 1"]
        assert core.report("led", "1").wire == ["update 1234 led 1"]

    def test_a_slash_in_front_is_dropped(self) -> None:
        assert Driven().known().report("/led", "1").wire == ["update 1234 led 1"]

    @pytest.mark.parametrize("value", [1, 2.5, None, True, {"lat": 1.0}, [1, "a"], "27°C"])
    def test_any_json_is_a_value(self, value: object) -> None:
        (update,) = Driven().known().report("x", value).sent  # type: ignore[arg-type]
        assert isinstance(update, Update)
        assert update.data == value

    @pytest.mark.parametrize(
        ("endpoint", "value"),
        [
            ("", "1"),
            ("a\nb", "1"),
            ("x" * 200, "1"),
            ("led", "\ud800"),
            ("led", "x" * 200_000),
            ("led", [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]),
            ("led", object()),
        ],
    )
    def test_what_cannot_be_used_is_dropped_with_one_note(
        self, endpoint: str, value: object
    ) -> None:
        core = Driven().known().report(endpoint, value)  # type: ignore[arg-type]
        assert core.sent == []
        assert len(core.notes) == 1
        assert core.report(endpoint, value).effects == []  # type: ignore[arg-type]
        assert core.core.dropped["invalid"] == 2

    def test_too_many_resources(self) -> None:
        core = Driven().known()
        for number in range(MAX_RESOURCES - 1):
            core.report(f"r{number}", 0)
        assert core.report("one more", 0).sent == []
        assert len(core.notes) == 1
        assert core.report("r0", 1).wire == ["update 1234 r0 1"]

    def test_a_time_of_the_nodes_own(self) -> None:
        (update,) = Driven().known().report("led", "1", time=EPOCH + 5).sent
        assert isinstance(update, Update)
        assert update.time == EPOCH + 5

    @pytest.mark.parametrize("time", [-1.0, 1e12, float("nan"), float("inf")])
    def test_an_impossible_time_is_now(self, time: float) -> None:
        (update,) = Driven().known().report("led", "1", time=time).sent
        assert isinstance(update, Update)
        assert update.time == EPOCH + 1000

    def test_history_does_not_change_the_present(self) -> None:
        core = Driven().known().report("led", "new")
        assert core.report("led", "old", time=EPOCH).wire == ["update 1234 led old"]
        (led,) = (u for u in core.core.announcer.values("1234") if u.endpoint == "led")
        assert led.data == "new"


class TestLiveness:
    def test_late_then_offline_then_back(self) -> None:
        core = Driven().known()
        assert core.wait(44).sent == []
        assert core.wait(2).wire == ["availability 1234 late"]
        assert core.wait(73).sent == []
        assert core.wait(2).wire == ["availability 1234 offline"]
        assert core.wait(1e6).sent == []
        assert core.seen().wire == ["availability 1234 online"]
        assert len(core.of(Discover)) == 1, "its values may be others now"

    def test_late_nodes_are_not_discovered_again(self) -> None:
        core = Driven().known().wait(60).seen()
        assert core.wire == ["availability 1234 online"]
        assert core.of(Discover) == []

    def test_a_report_is_being_heard(self) -> None:
        core = Driven().known()
        for _ in range(10):
            assert core.wait(40).sent == []
            core.report("led", "1")
        assert core.wait(46).wire == ["availability 1234 late"]
        assert core.report("led", "1").wire == ["availability 1234 online", "update 1234 led 1"]

    def test_a_long_pause_of_the_gateway_itself(self) -> None:
        core = Driven().known()
        core.steady += 500
        assert core.wait(0).wire == ["availability 1234 offline"]

    def test_each_node_in_its_own_time(self) -> None:
        core = Driven(max_time=10).known("a")
        core.wait(3).known("b")
        assert core.wait(4).wire == ["availability a late"]
        assert core.wait(2).wire == ["availability b late"]
        assert core.seen("a").wait(4.5).wire == ["availability b offline"]

    def test_nothing_is_due_without_nodes(self) -> None:
        assert Driven().core.due == float("inf")

    def test_no_room_costs_the_longest_offline(self) -> None:
        core = Driven(max_nodes=3, max_time=10)
        core.known("a").known("b").wait(20).seen("a").wait(20)
        core.known("c")
        assert core.seen("d").wire[:2] == ["out b", "new d online"]
        assert core.seen("e").wire[:2] == ["out a", "new e online"]

    def test_no_room_among_nodes_that_are_there(self) -> None:
        core = Driven(max_nodes=1).known("a").seen("b")
        assert core.sent == []
        assert len(core.notes) == 1
        assert core.seen("b").effects == []
        assert core.core.dropped["full"] == 2


class TestReboot:
    def test_reset_identity_and_one_discovery(self) -> None:
        core = Driven().known(facts={"ip": "::1"}).report("led", "1").wait(10)
        core.seen(rebooted=True, facts={"ip": "::1"})
        assert core.wire == [
            "reset 1234",
            "update 1234 ip ::1",
            "update 1234 protocol Memory",
        ]
        assert len(core.of(Discover)) == 1
        assert [u.endpoint for u in core.core.announcer.values("1234")] == ["ip", "protocol"]

    def test_one_discovery_for_the_pair_of_a_boot(self) -> None:
        core = Driven().known().wait(10).seen(rebooted=True)
        core.steady += 0.00006
        assert core.seen().effects == []
        core.discovered()
        assert core.wait(30).seen().effects == []

    def test_the_pair_of_a_node_that_was_not_known(self) -> None:
        core = Driven().seen(rebooted=True)
        assert "reset 1234" not in core.wire
        assert core.seen().effects == []
        assert core.seen(rebooted=True).effects == []

    def test_the_pair_the_other_way_round(self) -> None:
        core = Driven().seen()
        core.steady += 0.01
        assert core.seen(rebooted=True).effects == []

    def test_doubled_resets_are_one_reboot(self) -> None:
        core = Driven().known().wait(10).seen(rebooted=True)
        core.steady += 1
        assert core.seen(rebooted=True).effects == []

    def test_identity_outlives_facts_that_are_not_repeated(self) -> None:
        core = Driven().known(facts={"id": "pycom"}).wait(10).seen(rebooted=True)
        assert core.wire == ["reset 1234", "update 1234 id pycom", "update 1234 protocol Memory"]

    def test_a_reboot_during_discovery_discovers_once_more(self) -> None:
        core = Driven().seen().wait(5).seen(rebooted=True)
        assert core.wire[0] == "reset 1234"
        assert core.of(Discover) == []
        assert len(core.discovered().of(Discover)) == 1
        assert core.discovered().effects == []

    def test_a_reboot_ends_the_wait_after_failures(self) -> None:
        core = Driven().seen().discovered("no answer").wait(3).seen(rebooted=True)
        assert len(core.of(Discover)) == 1


class TestDiscovery:
    def test_a_failed_one_is_tried_again_when_the_node_is_heard(self) -> None:
        core = Driven().seen().discovered("no answer")
        assert core.notes == ["Node 1234 cannot be discovered yet: no answer"]
        assert core.seen().effects == []
        assert len(core.wait(RETRY).seen().of(Discover)) == 1

    def test_a_report_will_do(self) -> None:
        core = Driven().seen().discovered("no answer").wait(RETRY).report("led", "1")
        assert len(core.of(Discover)) == 1

    def test_it_is_tried_less_and_less(self) -> None:
        core = Driven(max_time=1e6).seen()
        delays = []
        for _ in range(9):
            core.discovered("no answer")
            began = core.steady
            while not core.wait(5).seen().of(Discover):
                pass
            delays.append(core.steady - began)
        assert delays == [10, 20, 40, 80, 160, 320, 600, 600, 600]
        assert delays[-1] == RETRY_MAX

    def test_only_the_first_failure_is_news(self) -> None:
        core = Driven().seen().discovered("no answer")
        assert core.of(Note)[0].level is Level.WARNING
        core.wait(RETRY).seen().discovered("no answer")
        assert core.of(Note)[0].level is Level.DEBUG

    def test_it_failed_where_the_node_is_no_longer(self) -> None:
        core = Driven().seen(address="fe80::1").seen(address="2001:db8::1")
        core.discovered("no answer")
        assert core.notes == []
        assert [each.address for each in core.of(Discover)] == ["2001:db8::1"]

    def test_it_succeeded_where_the_node_is_no_longer(self) -> None:
        core = Driven().seen(address="old").seen(address="new").discovered()
        assert core.effects == []
        assert core.wait(30).seen(address="new").effects == []

    def test_a_lost_node_is_discovered_when_it_is_back(self) -> None:
        core = Driven().seen().lost().discovered("connection ended")
        assert core.effects == []
        assert len(core.seen(address="new").of(Discover)) == 1

    def test_an_end_that_nobody_waits_for(self) -> None:
        core = Driven().seen()
        wanted = core.last(Discover)
        core.discovered()
        assert core.discovered("late news", wanted).effects == []
        core = Driven().seen("p", naming=Naming.PASSING).lost("at-p")
        assert core.discovered("connection ended").effects == []

    def test_not_confused_by_a_namesake(self) -> None:
        core = Driven().seen("p", naming=Naming.PASSING)
        first = core.last(Discover)
        core.lost("at-p").seen("p", naming=Naming.PASSING)
        assert core.discovered("connection ended", first).effects == []
        assert core.discovered().effects == []


class TestBrokerIsAway:
    def test_only_readings_are_sent(self) -> None:
        core = Driven(None)
        assert core.seen().wire == ["update 1234 protocol Memory"]
        assert core.discovered().report("led", "1").wire == ["update 1234 led 1"]
        assert core.wait(200).sent == []
        assert core.seen().sent == []
        assert core.wait(10).seen(rebooted=True).wire == ["update 1234 protocol Memory"]
        assert core.lost().sent == []


class TestOriginalBroker:
    def test_an_offline_node_is_out_and_comes_anew(self) -> None:
        core = Driven(LEGACY).known().report("led", "1")
        assert core.wait(119).sent[-1:] == [KeepAlive("alive")]
        assert core.wait(2).wire == ["out 1234", "update alive"]
        assert core.report("temperature", "1°C").wire == [
            "new 1234",
            "update 1234 protocol Memory",
            "update 1234 led 1",
            "update 1234 temperature 1°C",
        ]

    def test_late_is_unknown_there(self) -> None:
        core = Driven(LEGACY).known()
        assert "availability" not in " ".join(core.wait(60).wire)
        assert core.seen().sent == []

    def test_keep_alive_each_30_seconds(self) -> None:
        core = Driven(LEGACY)
        assert core.wait(29.9).sent == []
        assert core.wait(0.1).wire == ["update alive"]
        assert core.wait(300).wire == ["update alive"] * 10
        core.core.left(())
        assert core.wait(300).sent == []

    def test_no_keep_alive_to_ours(self) -> None:
        assert Driven(ALL).wait(100).sent == []

    def test_a_client_that_joins_is_sent_everything(self) -> None:
        core = Driven(LEGACY)
        assert core.core.received(ClientJoined("c"), core.now) == [Resend("c")]

    def test_evicting_a_node_that_was_out_already(self) -> None:
        core = Driven(LEGACY, max_nodes=1, max_time=10).known("a").wait(20)
        assert core.seen("b").wire[0] == "new b"
