# SPDX-License-Identifier: BSD-3-Clause
"""Recorders and directories over real sockets."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.broker.peers import OURS, a_client, a_service, original_gateway, our_gateway
from tests.broker.running import RunningBroker, running_broker
from tests.waiting import eventually

STORING = f"{OURS}, stored, devices"


async def refused(broker: RunningBroker, headers: dict[str, str], token: str | None = None) -> Any:
    offer = [Subprotocol("token"), Subprotocol(token or broker.token())]
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"{broker.url}/service", subprotocols=offer, additional_headers=headers):
            pass
    return caught.value.response.status_code, (caught.value.response.body or b"").decode()


async def test_only_recorders_and_directories_that_sign_are_let_in() -> None:
    async with running_broker(accept_unsigned=True) as broker:
        status, text = await refused(broker, {"Pyaiot-Features": "recorder"})
        assert (status, "must sign" in text) == (401, True)
        status, text = await refused(broker, {"Pyaiot-Features": OURS})
        assert (status, "Recorders and directories" in text) == (401, True)
        status, text = await refused(broker, {"Pyaiot-Features": "signed, recorder"}, "x")
        assert (status, text) == (401, "Invalid token")


async def test_no_more_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.reception.MAX_SERVICES", 1)
    async with running_broker() as broker, a_service(broker, "recorder"):
        assert (await refused(broker, {"Pyaiot-Features": "signed, recorder"}))[0] == 503


async def test_readings_are_recorded_and_confirmed() -> None:
    async with (
        running_broker(store_readings=True) as broker,
        our_gateway(broker, features=STORING) as gateway,
    ):
        assert (await gateway.receive())["devices"] == []
        response = gateway.connection.response
        assert response is not None
        assert "stored" in response.headers["Pyaiot-Features"]
        await gateway.node("1", led="0")
        await gateway.send(type="update", uid="1")  # cannot be used
        await gateway.send(
            type="batch",
            messages=[
                {"type": "update", "uid": "1", "endpoint": ""},
                {"type": "update", "uid": "1", "endpoint": "led", "data": "1", "time": 5},
            ],
        )
        async with a_service(broker, "recorder") as recorder:
            message = await recorder.receive()
            assert (message["first"], message["lost"]) == (1, 0)
            assert [each["type"] for each in message["messages"]] == ["new", *["update"] * 2]
            assert message["messages"][2]["time"] == 5
            await recorder.send(type="stored", through=2)
            # What cannot be used and came right after it counts as well.
            assert await gateway.receive() == {"type": "stored", "through": 3}
        async with a_service(broker, "recorder") as recorder:
            again = await recorder.receive()
            assert (again["first"], again["stream"]) == (3, message["stream"])
            await gateway.value("1", "led", "2")
            assert (await recorder.receive())["first"] == 4
            await recorder.send(type="batch", messages=[{"type": "stored", "through": 4}])
            assert (await gateway.receive())["through"] == 5


async def test_without_a_recorder_in_sight_nobody_waits_for_one() -> None:
    async with running_broker() as broker:
        async with our_gateway(broker, features=STORING) as gateway:
            response = gateway.connection.response
            assert response is not None
            assert "stored" not in response.headers["Pyaiot-Features"]
            await gateway.node("1", led="0")
        async with a_service(broker, "recorder") as recorder:
            assert (await recorder.receive())["messages"][0]["uid"] == "1"
        async with our_gateway(broker, features=STORING) as gateway:
            response = gateway.connection.response
            assert response is not None
            assert "stored" in response.headers["Pyaiot-Features"]


async def test_a_recorder_that_does_not_read_is_waited_for() -> None:
    async with (
        running_broker(store_readings=True) as broker,
        our_gateway(broker) as gateway,
        a_service(broker, "recorder", max_queue=1) as recorder,
    ):
        await gateway.node("1")
        for number in range(100):
            await gateway.value("1", "led", f"{number:0100000}")
        await eventually(lambda: broker.core.recording.newest == 101)
        got: list[Any] = []
        while len(got) < 101:
            got += (await recorder.receive())["messages"]
        assert [int(each["data"][-4:]) for each in got[1:]] == list(range(100))


async def test_gateways_hear_who_may_be_which_node() -> None:
    async with (
        running_broker() as broker,
        a_service(broker, "directory") as directory,
        our_gateway(broker, features=STORING) as gateway,
    ):
        devices = [{"uid": str(number), "tokens": ["x" * 64] * 64} for number in range(1000)]
        for part, start in enumerate(range(0, 1000, 100)):
            chosen = devices[start : start + 100]
            await directory.send(
                type="devices", devices=chosen, part=part, last=part == 9, whole=True
            )
        got: list[Any] = []
        while True:
            message = await gateway.receive()
            got += message["devices"]
            if message["last"]:
                break
        assert [each["uid"] for each in got] == [each["uid"] for each in devices]
        await gateway.send(type="pending", uid="7", protocol="p", address="a", seen=1)
        assert (await directory.receive())["gateway"].startswith("attic (127.0.0.1:")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "stored", "through": 0},
        {"type": "people", "people": []},
        {"type": "access", "nodes": []},
        {"type": "devices", "devices": []},
        {"type": "alert", "id": "1"},
    ],
)
async def test_what_services_say_gateways_and_clients_may_not(message: dict[str, Any]) -> None:
    async with running_broker(accept_unsigned=True) as broker:
        async with our_gateway(broker) as gateway:
            await gateway.send(**message)
            assert (await gateway.closed())[0] == 1003
        async with original_gateway(broker) as gateway:
            await gateway.send(**message)
            assert (await gateway.closed())[0] == 1003
        async with a_client(broker) as client:
            await client.send(**message)
            assert (await client.closed())[0] == 1003
        assert not broker.core.directory.people.told


async def test_what_ends_the_connection_of_a_service(caplog: pytest.LogCaptureFixture) -> None:
    async with running_broker() as broker:
        async with a_service(broker, "recorder") as recorder:
            await recorder.send(type="stored", through=9)
            await recorder.send(type="batch", messages=[{"type": "stored", "through": 9}])
            await recorder.send(type="people", people=[])
            assert (await recorder.closed())[0] == 1008
        async with a_service(broker, "directory") as directory:
            await directory.raw('{"type":"people","people":[],"seq":0,"sig":"' + "0" * 32 + '"}')
            assert await directory.closed() == (1008, "Invalid signature")
        async with a_service(broker, "directory") as directory:
            await directory.send(type="teleport")
            assert (await directory.closed())[0] == 1003
        await eventually(lambda: not broker.core.services.connected)
        assert broker.core.counts.refused == 5
        assert "refused a message of service attic" in caplog.text


async def test_what_is_pending_does_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyaiot.broker.reception.GATEWAY_QUEUE", 1000)
    async with (
        running_broker() as broker,
        our_gateway(broker) as gateway,
        a_service(broker, "directory", max_queue=1) as directory,
    ):
        directory.connection.transport.pause_reading()
        # More than the sockets between them hold.
        batch = [
            {"type": "pending", "uid": "7", "protocol": "p" * 256, "address": "a", "seen": 1}
        ] * 1000
        for _ in range(24):
            await gateway.send(type="batch", messages=batch)
        await gateway.node("1")
        await eventually(lambda: len(broker.core.nodes) == 1)
        (station,) = broker.server.post.services.values()
        assert 0 < station._connection.waiting < 10_000  # type: ignore[attr-defined]
        directory.connection.transport.abort()
