# SPDX-License-Identifier: BSD-3-Clause
"""Recorders and directories at the core: what they hear, what they say, what gateways hear."""

import pytest

from pyaiot.accounts.permissions import Viewer
from pyaiot.broker.recording import PIECE_BYTES
from pyaiot.errors import InvalidContent, PermissionDenied, PyaiotError
from pyaiot.messages.types import (
    Access,
    Batch,
    Device,
    Devices,
    Feature,
    Message,
    NodeAccess,
    People,
    Stored,
)
from pyaiot.model.node import Availability
from tests.broker.recording import OURS, START, Bench

STORING = OURS | {Feature.STORED}
DEVICES = OURS | {Feature.DEVICES}


class TestTheRecord:
    def test_everything_is_in_it_as_clients_see_it(self) -> None:
        bench = Bench()
        recorder = bench.service(Feature.RECORDER)
        gateway = bench.gateway()
        bench.new(gateway, availability="online", seen=START)
        bench.value(gateway, 1, time=START - 1)
        bench.value(gateway, 2)
        bench.say(gateway, type="availability", uid="n", availability="late", seen=START)
        bench.say(gateway, type="reset", uid="n")
        bench.say(gateway, type="out", uid="n")
        assert bench.recorded(recorder) == [
            {"type": "new", "uid": "n", "dst": "all", "availability": "online", "seen": START},
            {"type": "update", "uid": "n", "endpoint": "led", "data": 1, "dst": "all",
             "time": START - 1},
            {"type": "update", "uid": "n", "endpoint": "led", "data": 2, "dst": "all",
             "time": START},
            {"type": "availability", "uid": "n", "availability": "late", "seen": START},
            {"type": "reset", "uid": "n"},
            {"type": "out", "uid": "n"},
        ]  # fmt: skip

    def test_old_readings_are_in_it_though_the_twin_has_newer_ones(self) -> None:
        bench = Bench()
        recorder, gateway = bench.service(Feature.RECORDER), bench.gateway()
        bench.new(gateway)
        bench.value(gateway, "new", time=START)
        bench.value(gateway, "old", time=START - 60)
        assert [each.get("data") for each in bench.recorded(recorder)] == [None, "new", "old"]

    def test_nothing_is_kept_before_a_recorder_is_expected(self) -> None:
        bench = Bench()
        gateway = bench.gateway()
        bench.new(gateway)
        bench.value(gateway, 1)
        assert bench.core.recording.newest == 0

    def test_a_first_recorder_begins_with_what_is_known(self) -> None:
        bench = Bench()
        gateway = bench.gateway()
        bench.new(gateway, availability="late", seen=START)
        bench.value(gateway, 1)
        recorder = bench.service(Feature.RECORDER)
        new, value = bench.recorded(recorder)
        assert (new["type"], new["availability"]) == ("new", "late")
        assert (value["data"], value["time"]) == (1, START)
        assert bench.recorded(bench.service(Feature.RECORDER)) == [new, value]

    def test_it_is_kept_from_the_start_where_a_recorder_is_expected(self) -> None:
        bench = Bench(store_readings=True)
        bench.new(bench.gateway())
        assert len(bench.recorded(bench.service(Feature.RECORDER))) == 1

    def test_what_is_meant_for_one_client_is_no_news(self) -> None:
        bench = Bench()
        recorder, gateway = bench.service(Feature.RECORDER), bench.gateway(STORING)
        bench.new(gateway)
        bench.value(gateway, 1, dst="c1")
        assert [each["type"] for each in bench.recorded(recorder)] == ["new"]
        bench.wait(1)
        assert bench.notified(gateway) == [{"type": "stored", "through": 1}]

    def test_nodes_that_go_for_others_are_gone_in_it(self) -> None:
        bench = Bench(max_nodes=1)
        recorder, gateway = bench.service(Feature.RECORDER), bench.gateway()
        bench.new(gateway, "1", availability="offline", seen=START)
        bench.new(gateway, "2")
        assert [each["type"] for each in bench.recorded(recorder)] == ["new", "out", "new"]


class TestReceipts:
    def test_gateways_hear_which_of_their_readings_are_stored(self) -> None:
        bench = Bench(store_readings=True)
        gateway, other = bench.gateway(STORING), bench.gateway()
        bench.new(gateway)
        bench.new(other, "m")
        bench.value(gateway, 1)
        bench.value(other, 1, "m")
        bench.value(gateway, 2)
        recorder = bench.service(Feature.RECORDER)
        assert len(bench.recorded(recorder)) == 5
        bench.tell(recorder, Stored(3))
        assert bench.notified(gateway) == [{"type": "stored", "through": 1}]
        bench.tell(recorder, Stored(3))
        assert bench.notified(gateway) == []
        bench.tell(recorder, Stored(5))
        assert bench.notified(gateway) == [{"type": "stored", "through": 2}]

    def test_strays_and_what_cannot_be_used_count_as_done(self) -> None:
        bench = Bench(store_readings=True)
        gateway = bench.gateway(STORING)
        bench.value(gateway, 1, "nobody")
        bench.core.reading_refused(gateway)
        bench.wait(1)
        assert bench.notified(gateway) == [{"type": "stored", "through": 2}]
        bench.core.reading_refused(bench.gateway())

    def test_what_was_lost_is_sent_again_once_a_recorder_is_there(self) -> None:
        bench = Bench(store_readings=True, record_queue=PIECE_BYTES)
        gateway, fine = bench.gateway(STORING), bench.gateway(STORING)
        bench.new(gateway)
        for _ in range(3):
            bench.value(gateway, "x" * PIECE_BYTES)
        bench.new(fine, "m")
        bench.value(fine, 1, "m")
        bench.wait(1)
        assert bench.core.recording.lost > 0
        assert bench.effects.sent_away == []
        bench.service(Feature.RECORDER)
        assert bench.effects.sent_away == [gateway]

    def test_when_a_recorder_leaves_the_other_is_enough(self) -> None:
        bench = Bench()
        one, two = bench.service(Feature.RECORDER), bench.service(Feature.RECORDER)
        gateway = bench.gateway(STORING)
        bench.new(gateway)
        bench.value(gateway, 1)
        bench.recorded(one)
        bench.tell(one, Stored(2))
        assert bench.notified(gateway) == []
        bench.core.service_left(two)
        assert bench.notified(gateway) == [{"type": "stored", "through": 1}]
        assert bench.core.services.recorders == 1


class TestDevices:
    def test_nothing_is_told_before_a_directory_spoke(self) -> None:
        bench = Bench()
        directory = bench.service(Feature.DIRECTORY)
        gateway = bench.gateway(DEVICES)
        bench.tell(directory, Devices((Device("1"),)))
        assert bench.notified(gateway) == []
        bench.tell(directory, Devices((Device("2"),), 0, last=False, whole=True))
        assert bench.notified(gateway) == []
        bench.tell(directory, Devices((Device("3"),), 1, whole=True))
        (whole,) = bench.notified(gateway)
        assert whole["whole"]
        assert [each["uid"] for each in whole["devices"]] == ["2", "3"]

    def test_a_gateway_need_not_wait_where_there_is_no_directory(self) -> None:
        bench = Bench()
        gateway = bench.gateway(DEVICES)
        (nothing,) = bench.notified(gateway)
        assert (nothing["devices"], nothing["whole"]) == ([], False)
        directory = bench.service(Feature.DIRECTORY)
        assert bench.notified(bench.gateway(DEVICES)) == []
        bench.core.service_left(directory)
        assert bench.notified(bench.gateway(DEVICES)) == [nothing]
        assert bench.notified(bench.gateway(STORING)) == []
        bench = Bench(await_directory=True)
        assert bench.notified(bench.gateway(DEVICES)) == []

    def test_changes_follow_and_who_comes_later_gets_all(self) -> None:
        bench = Bench()
        directory = bench.service(Feature.DIRECTORY)
        early, deaf = bench.gateway(DEVICES), bench.gateway(STORING)
        bench.tell(directory, Devices((Device("1"), Device("2")), whole=True))
        bench.notified(early)
        bench.tell(directory, Devices((Device("2", bound=True),)))
        (change,) = bench.notified(early)
        assert (change["whole"], change["devices"][0]["bound"]) == (False, True)
        bench.tell(directory, Devices((Device("1"),), whole=True))
        (change,) = bench.notified(early)
        assert [(each["uid"], each["gone"]) for each in change["devices"]] == [("2", True)]
        bench.core.service_left(directory)
        late = bench.gateway(DEVICES)
        assert [each["uid"] for each in bench.notified(late)[0]["devices"]] == ["1"]
        assert bench.notified(deaf) == []
        assert bench.core.services.directories == 0

    def test_a_gateway_that_asks_for_no_tokens_has_no_node_that_needs_one(self) -> None:
        bench = Bench()
        directory = bench.service(Feature.DIRECTORY)
        bench.tell(directory, Devices((Device("bound", bound=True), Device("free")), whole=True))
        original, careless, careful = (
            bench.gateway(features) for features in (frozenset[Feature](), OURS, OURS | DEVICES)
        )
        for gateway in (original, careless):
            for uid in ("bound", "free", "later"):
                bench.new(gateway, uid)
                bench.value(gateway, 1, uid)
        bench.say(careless, type="availability", uid="bound", availability="online", seen=1)
        assert bench.nodes.get("bound") is None
        assert len(bench.effects.notes) == 2
        bench.new(careful, "bound")
        assert bench.nodes.get("bound") is not None
        bench.new(original, "bound")
        assert "bound" in careful.nodes
        # It loses one that needs a token from now on, and cannot have it back.
        client = bench.client()
        bench.tell(directory, Devices((Device("later", bound=True),)))
        later = bench.nodes.get("later")
        assert later is not None
        assert (later.gateway, later.availability) == (None, Availability.OFFLINE)
        bench.value(careless, 2, "later")
        bench.new(careless, "later")
        assert later.gateway is None
        assert later.resources["led"].value == 1
        bench.command(client, "later", id="c")
        assert bench.results(client) == [("c", "failed")]
        bench.new(careful, "later")
        assert later.gateway is careful

    @pytest.mark.parametrize("whole", [False, True])
    def test_a_node_that_is_forgotten_is_gone_before_it_is_everybodys(self, whole: bool) -> None:
        bench = Bench()
        directory, gateway = bench.service(Feature.DIRECTORY), bench.gateway(DEVICES)
        bench.tell(directory, Devices((Device("n", ("t",), bound=True), Device("m")), whole=True))
        bench.tell(directory, Access((NodeAccess("n", "ann"), NodeAccess("m", "ann")), whole=True))
        stranger = bench.client("names", viewer=Viewer.anonymous())
        for uid in ("n", "m"):
            bench.new(gateway, uid)
            bench.value(gateway, "secret", uid)
        bench.shown()
        gone = () if whole else (Device("n", gone=True), Device("m", gone=True))
        bench.tell(directory, Devices(gone, whole=whole))
        out = sorted((each["type"], each["uid"]) for each in bench.shown())
        assert out == [("out", "m"), ("out", "n")]
        assert bench.effects.seers[-2:] == [frozenset({"ann"})] * 2
        bench.tell(directory, Access((), whole=True))
        assert bench.told(stranger) == []
        bench.value(gateway, "later", "n")
        bench.value(gateway, "later", "m")
        assert bench.shown() == []
        # Whoever is open comes anew, as nobody's.
        bench.new(gateway, "m")
        assert [each["uid"] for each in bench.shown()] == ["m"] * 2
        assert bench.effects.seers[-1] is None

    def test_gateways_hear_of_who_was_forgotten_though_nothing_was_said_of_them(self) -> None:
        bench = Bench()
        directory, gateway, old = (
            bench.service(Feature.DIRECTORY),
            bench.gateway(DEVICES),
            bench.gateway(),
        )
        bench.tell(directory, Devices((), whole=True))
        bench.new(gateway, "n")
        bench.new(old, "o")
        bench.shown()
        bench.effects.notified.clear()
        bench.tell(directory, Devices((Device("n", gone=True), Device("o", gone=True))))
        ((to, told),) = bench.effects.notified
        assert to is gateway
        assert {each["uid"]: each["gone"] for each in told["devices"]} == {"n": True, "o": True}
        # One that hears nothing of that would not tell of it anew.
        assert [(each["type"], each["uid"]) for each in bench.shown()] == [("out", "n")]
        bench.core.gateway_left(gateway)
        bench.new(old, "n")
        bench.core.gateway_left(old)
        bench.shown()
        bench.tell(directory, Devices((Device("n", gone=True),)))
        assert bench.core.nodes.get("n") is None

    def test_a_directory_that_leaves_in_the_middle_has_said_nothing(self) -> None:
        bench = Bench()
        directory = bench.service(Feature.DIRECTORY)
        bench.tell(directory, Devices((Device("2"),), 0, last=False, whole=True))
        bench.core.service_left(directory)
        assert not bench.core.directory.devices.told

    def test_who_waits_for_approval_is_told_to_directories(self) -> None:
        bench = Bench()
        gateway = bench.gateway(DEVICES, "attic")
        directory, _ = bench.service(Feature.DIRECTORY), bench.service(Feature.RECORDER)
        bench.say(gateway, type="pending", uid="1", address="x", seen=START, protocol="CoAP")
        ((to, message),) = bench.effects.informed
        assert to is directory
        assert (message["uid"], message["gateway"]) == ("1", "attic")


@pytest.mark.parametrize(
    ("feature", "message", "error"),
    [
        (Feature.DIRECTORY, Stored(0), PermissionDenied),
        (Feature.RECORDER, Devices((), whole=True), PermissionDenied),
        (Feature.RECORDER, People(()), PermissionDenied),
        (Feature.RECORDER, Stored(7), InvalidContent),
        (Feature.RECORDER, Batch(()), InvalidContent),
        (Feature.DIRECTORY, Devices((), 1, whole=True), InvalidContent),
    ],
)
def test_what_a_service_may_not_say(
    feature: Feature, message: Message, error: type[PyaiotError]
) -> None:
    bench = Bench()
    with pytest.raises(error):
        bench.tell(bench.service(feature), message)
