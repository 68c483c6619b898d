# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pyaiot.errors import CommandFailed, CommandTimeout, UnknownNode
from pyaiot.gateway.adapter import Naming, Written
from pyaiot.gateway.commands import QUEUE, UNCONFIRMED
from pyaiot.gateway.effects import Write
from pyaiot.messages.types import MAX_REASON
from tests.gateway.driven import LEGACY, Driven

UNCONFIRMED_WRITE = Written(confirmed=False)


class TestWrite:
    def test_goes_to_the_node(self) -> None:
        core = Driven().known().command()
        (write,) = core.of(Write)
        assert (write.address, write.endpoint, write.payload) == ("at-1234", "led", "1")
        assert write.patience == 10.0
        assert core.sent == []

    @pytest.mark.parametrize(("payload", "text"), [(True, "1"), (2, "2"), ("é", "é")])
    def test_payload_is_text(self, payload: str | bool | int, text: str) -> None:
        assert Driven().known().command(payload=payload).of(Write)[0].payload == text

    def test_a_slash_in_front_is_dropped(self) -> None:
        assert Driven().known().command(endpoint="/led").of(Write)[0].endpoint == "led"

    def test_patience_of_the_asker(self) -> None:
        assert Driven().known().command(timeout=3).of(Write)[0].patience == 3.0

    def test_unknown_node(self) -> None:
        assert Driven().command(uid="nobody").results == [("c1", "unknown_node")]

    def test_a_name_that_no_resource_has(self) -> None:
        assert Driven().known().command(endpoint="a\nb").results == [("c1", "failed")]

    def test_nobody_waits_for_a_result(self) -> None:
        core = Driven(LEGACY).known().command(None)
        assert core.written().wire == ["update 1234 led 1"]
        assert core.command(None, uid="nobody").effects == []


class TestOutcome:
    def test_confirmed_with_a_value(self) -> None:
        core = Driven().known().command().written(Written(confirmed=True, value="on"))
        assert core.wire == ["update 1234 led on", "result c1 applied"]

    def test_confirmed_without_one(self) -> None:
        core = Driven().known().command().written()
        assert core.wire == ["update 1234 led 1", "result c1 applied"]

    def test_confirmed_and_reported_meanwhile(self) -> None:
        core = Driven().known().command()
        assert core.report("led", "on").wire == ["update 1234 led on"]
        assert core.written().wire == ["result c1 applied"]

    def test_another_report_is_no_confirmation(self) -> None:
        core = Driven().known().command().report("temperature", "1°C").written()
        assert core.wire == ["update 1234 led 1", "result c1 applied"]

    def test_a_report_before_the_write_is_none_either(self) -> None:
        core = Driven().known().report("led", "0").command().written()
        assert core.wire == ["update 1234 led 1", "result c1 applied"]

    @pytest.mark.parametrize(
        ("failure", "status"),
        [
            (CommandFailed("4.00 no"), "failed"),
            (CommandTimeout("silence"), "timeout"),
            (UnknownNode("left"), "unknown_node"),
        ],
    )
    def test_failures(self, failure: CommandFailed, status: str) -> None:
        core = Driven().known().command().written(failure)
        assert core.wire == [f"result c1 {status}"]
        assert core.reasons == [str(failure)]

    def test_a_reason_is_cut(self) -> None:
        core = Driven().known().command().written(CommandFailed("x" * 1000))
        assert [len(reason) for reason in core.reasons] == [MAX_REASON]

    def test_an_end_that_nobody_waits_for(self) -> None:
        core = Driven().known().command()
        core.written()
        assert core.written(CommandFailed("again"), core.last(Write)).effects == []
        core = Driven().seen("p", naming=Naming.PASSING).command(uid="p").lost("at-p")
        assert core.results == [("c1", "failed")]
        assert core.written().effects == []


class TestReportConfirms:
    def test_the_next_report_of_the_resource(self) -> None:
        core = Driven().known().command().written(UNCONFIRMED_WRITE)
        assert core.sent == []
        assert core.report("temperature", "1°C").results == []
        assert core.report("led", "1").wire == ["update 1234 led 1", "result c1 applied"]
        assert core.report("led", "1").results == []

    def test_it_may_come_before_the_write_returns(self) -> None:
        core = Driven().known().command().report("led", "1")
        assert core.results == []
        assert core.written(UNCONFIRMED_WRITE).wire == ["result c1 applied"]

    def test_no_report_before_the_deadline(self) -> None:
        core = Driven().known().command(timeout=5).written(UNCONFIRMED_WRITE)
        assert core.wait(4.9).results == []
        assert core.wait(0.1).results == [("c1", "timeout")]
        assert core.report("led", "1").results == []

    def test_a_node_that_never_reports_takes_the_next_command(self) -> None:
        core = Driven().known().command("a").written(UNCONFIRMED_WRITE)
        assert len(core.command("b").of(Write)) == 1

    def test_reports_confirm_in_order(self) -> None:
        core = Driven().known()
        for ident, payload in (("a", "1"), ("b", "0")):
            core.command(ident, payload=payload).written(UNCONFIRMED_WRITE)
        assert core.report("led", "1").results == [("a", "applied")]
        assert core.report("led", 0).results == [("b", "applied")]

    def test_another_value_confirms_nothing(self) -> None:
        core = Driven().known().command(timeout=5).written(UNCONFIRMED_WRITE)
        assert core.report("led", "0").results == []
        assert core.report("led", "1").results == [("c1", "applied")]

    def test_another_value_is_the_reason_in_the_end(self) -> None:
        core = Driven().known().command(timeout=5).report("led", "0").written(UNCONFIRMED_WRITE)
        assert core.results == []
        assert core.wait(5).results == [("c1", "failed")]
        assert core.reasons == ["The node says it is '0'."]

    def test_a_report_of_a_later_value_confirms_what_it_overtook(self) -> None:
        core = Driven().known()
        for ident, payload in (("a", "1"), ("b", "0"), ("c", "2")):
            core.command(ident, payload=payload).written(UNCONFIRMED_WRITE)
        assert core.report("led", "0").results == [("a", "applied"), ("b", "applied")]

    def test_too_many_wait_for_a_report(self) -> None:
        core = Driven().known()
        for number in range(UNCONFIRMED):
            assert core.command(f"c{number}").written(UNCONFIRMED_WRITE).results == []
        assert core.command("last").written(UNCONFIRMED_WRITE).results == [("c0", "timeout")]

    def test_nobody_waits(self) -> None:
        core = Driven(LEGACY).known().command(None).written(UNCONFIRMED_WRITE)
        assert core.report("led", "1").wire == ["update 1234 led 1"]


class TestQueue:
    def test_one_write_at_a_time(self) -> None:
        core = Driven().known().command("a")
        assert core.command("b", "robot", "u").effects == []
        core.written()
        assert core.results == [("a", "applied")]
        (write,) = core.of(Write)
        assert (write.endpoint, write.payload) == ("robot", "u")
        assert core.written().results == [("b", "applied")]

    def test_a_frozen_node_delays_no_other(self) -> None:
        core = Driven().known("a").known("b").command("a1", uid="a")
        assert len(core.command("b1", uid="b").of(Write)) == 1

    def test_patience_begins_when_the_command_comes(self) -> None:
        core = Driven().known().command("a").command("b").wait(4)
        core.written(wanted=core.last(Write))
        assert core.of(Write)[0].patience == 6.0

    def test_is_bounded(self) -> None:
        core = Driven().known().command("first")
        for number in range(QUEUE):
            assert core.command(f"c{number}").results == []
        assert core.command("last").results == [("last", "failed")]
        assert core.reasons == ["Queue full."]

    def test_what_waits_too_long_is_given_up(self) -> None:
        core = Driven().known().command("a").command("b", timeout=2).command("c", timeout=20)
        assert core.wait(3).results == [("b", "timeout")]
        core.written(CommandTimeout("frozen"))
        assert core.results == [("a", "timeout")]
        assert len(core.of(Write)) == 1
        assert core.written().results == [("c", "applied")]

    def test_nowhere_to_go(self) -> None:
        core = Driven().known().command("a").command("b").command("c")
        assert core.lost().results == []
        core.written(CommandFailed("connection ended"))
        assert core.results == [("a", "failed"), ("b", "failed"), ("c", "failed")]
        assert core.command("d").results == [("d", "failed")]

    def test_a_node_that_goes_fails_all(self) -> None:
        core = Driven().known("p", naming=Naming.PASSING)
        core.command("a", uid="p").written(UNCONFIRMED_WRITE)
        core.command("b", uid="p").command("c", uid="p").lost("at-p")
        assert sorted(core.results) == [("a", "failed"), ("b", "failed"), ("c", "failed")]
        assert core.wait(60).results == []

    def test_a_deadline_of_a_node_that_came_anew(self) -> None:
        core = Driven().known("p", naming=Naming.PASSING)
        core.command("a", uid="p").command("b", uid="p").lost("at-p")
        core.seen("p", naming=Naming.PASSING)
        assert core.wait(60).results == []

    def test_an_earlier_deadline_comes_first(self) -> None:
        core = Driven().known().command("a", timeout=30).command("b", timeout=20)
        core.command("c", timeout=5)
        assert core.wait(6).results == [("c", "timeout")]
        assert core.wait(15).results == [("b", "timeout")]
        assert core.wait(15).results == []


class TestSleepy:
    def test_kept_until_the_node_is_heard(self) -> None:
        core = Driven().known(sleepy=True).command()
        assert core.wire == ["result c1 queued"]
        assert core.wait(2).seen(sleepy=True).of(Write)[0].payload == "1"
        assert core.written().results == [("c1", "applied")]

    def test_a_report_is_being_heard(self) -> None:
        core = Driven().known(sleepy=True).command().report("temperature", "1°C")
        assert len(core.of(Write)) == 1

    def test_the_newest_value_wins(self) -> None:
        core = Driven().known(sleepy=True).command("a", payload="1").command("b", payload="0")
        assert core.results == [("a", "failed"), ("b", "queued")]
        core.command("c", "robot", "u").seen(sleepy=True)
        assert [write.payload for write in core.of(Write)] == ["0"]
        assert [write.payload for write in core.written().of(Write)] == ["u"]

    def test_never_wakes(self) -> None:
        core = Driven().known(sleepy=True).command(timeout=5)
        assert core.wait(6).results == [("c1", "timeout")]
        assert core.seen(sleepy=True).effects == []

    def test_is_bounded(self) -> None:
        core = Driven().known(sleepy=True)
        for number in range(QUEUE):
            assert core.command(f"c{number}", f"r{number}").results == [(f"c{number}", "queued")]
        assert core.command("last", "led").results == [("last", "failed")]
        assert core.command("c", "r0").results == [("c0", "failed"), ("c", "queued")]

    def test_nobody_waits(self) -> None:
        core = Driven(LEGACY).known(sleepy=True).command(None)
        assert core.sent == []
        assert len(core.seen(sleepy=True).of(Write)) == 1

    def test_goes_for_good(self) -> None:
        core = Driven().known("p", naming=Naming.PASSING, sleepy=True).command(uid="p")
        assert core.lost("at-p").wire == ["result c1 failed", "out p"]
