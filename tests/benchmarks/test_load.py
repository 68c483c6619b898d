# SPDX-License-Identifier: BSD-3-Clause
"""The load generator: what it signs, sends and counts."""

import hashlib
import json
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.generator import GeneratorFailed, Newcomers, Plan, Publisher, run
from benchmarks.readings import of_gateway
from benchmarks.sockets import BINARY, CLOSE, PING, PONG, TEXT, Socket, masked_frame

SIZES = (1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 193, 1000, 65_537)


@pytest.mark.parametrize("size", SIZES)
def test_blake2s_is_that_of_hashlib(load: Path, size: int) -> None:
    source = random.Random(size)
    key, data = source.randbytes(32), source.randbytes(size)
    if size > 60_000:  # beyond what fits a command line of some systems
        data = data[:60_000]
    digest = subprocess.run(
        [load, "--blake2s", key.hex(), data.hex()], capture_output=True, text=True, check=True
    )
    assert digest.stdout.strip() == hashlib.blake2s(data, key=key, digest_size=16).hexdigest()


class Wire(Socket):
    """One end of a connection within this process; `other` is the server's."""

    def __init__(self) -> None:
        self.port = 0
        self.socket, self.other = socket.socketpair()
        self.socket.settimeout(10)
        self.other.settimeout(10)

    def close(self) -> None:
        super().close()
        self.other.close()


@contextmanager
def serving(target: "threading.Thread") -> Iterator[None]:
    target.start()
    yield
    target.join(10)
    assert not target.is_alive()


def received(sock: socket.socket, number: int) -> list[tuple[int, bytes]]:
    """So many masked frames: opcode and payload."""
    frames: list[tuple[int, bytes]] = []
    stream = sock.makefile("rb")
    with stream:
        while len(frames) < number:
            first, second = stream.read(2)
            assert first & 0x80
            assert second & 0x80
            size = second & 0x7F
            if size == 126:
                size = int.from_bytes(stream.read(2), "big")
            elif size == 127:
                size = int.from_bytes(stream.read(8), "big")
            mask, payload = stream.read(4), stream.read(size)
            frames.append((first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))))
    return frames


MESSAGES = [each.wire for each in of_gateway(0, 2)]


def twelve(publisher: Publisher) -> Plan:
    return Plan("saturated", 0, [publisher], [], count=12, seconds=5, spin=False, patience=1)


def test_messages_go_out_in_turn_each_in_a_masked_frame(load: Path) -> None:
    with Wire() as wire:
        outcome = run(load, twelve(Publisher(wire, MESSAGES)))
        frames = received(wire.other, 12)
    assert outcome.total_sent == 12
    assert {opcode for opcode, _ in frames} == {TEXT}
    messages = [json.loads(payload) for _, payload in frames]
    expected = [(each.uid, each.endpoint) for each in of_gateway(0, 2)]
    assert [(each["uid"], each["endpoint"]) for each in messages] == expected + expected[:2]
    assert all(int(each["data"].removeprefix("@"), 16) for each in messages)


def test_signed_frames_are_those_of_the_wire_reference(load: Path) -> None:
    key = bytes(range(32))
    with Wire() as wire:
        run(load, twelve(Publisher(wire, MESSAGES, seal=(key, 9))))
        frames = received(wire.other, 12)
    for seq, (_, payload) in enumerate(frames, 9):
        body, found, rest = payload.partition(b',"sig":"')
        assert found
        digest = hashlib.blake2s(body, key=key, digest_size=16).hexdigest()
        assert rest == f'{digest}"}}'.encode()
        assert json.loads(payload)["seq"] == seq


def test_gathered_messages_are_wrapped_and_the_last_frame_holds_the_rest(load: Path) -> None:
    wrap = (b'{"messages":[', b",", b"]}")
    with Wire() as wire:
        run(load, twelve(Publisher(wire, MESSAGES, BINARY, 5, wrap)))
        frames = received(wire.other, 3)
    assert {opcode for opcode, _ in frames} == {BINARY}
    assert [len(json.loads(payload)["messages"]) for _, payload in frames] == [5, 5, 2]


def test_a_message_without_a_place_for_its_time_is_refused(load: Path) -> None:
    with Wire() as wire, pytest.raises(GeneratorFailed, match="by its marker"):
        run(load, twelve(Publisher(wire, [b'{"type":"update"}'])))


STAMPED = b"@%016x"


def unmasked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame as servers send them."""
    masked = masked_frame(payload, opcode)
    head = len(masked) - len(payload) - 4
    return bytes((masked[0], masked[1] & 0x7F)) + masked[2:head] + payload


def listened(load: Path, sent: bytes, *, pieces: int = 1 << 20) -> tuple[dict[str, int], bytes]:
    """What the generator counts of bytes that a server sends, and what it answers."""
    with Wire() as wire:

        def serve() -> None:
            for start in range(0, len(sent), pieces):
                wire.other.sendall(sent[start : start + pieces])

        # A publisher as well, or nothing is awaited; it has a socket of its own.
        with Wire() as idle, serving(threading.Thread(target=serve)):
            publisher = Publisher(idle, [of_gateway(0)[0].wire])
            how = Plan(
                "paced", 0, [publisher], [wire], seconds=0.2, rate=1, spin=False, patience=0.5
            )
            outcome = run(load, how)
        wire.other.setblocking(False)
        try:
            answer = wire.other.recv(4096)
        except BlockingIOError:
            answer = b""
    counted = {
        "messages": outcome.total_arrived,
        "frames": outcome.frames,
        "broken": outcome.broken,
        "closed": outcome.closed,
    }
    return counted, answer


@pytest.mark.parametrize("pieces", [7, 1000, 1 << 20])
def test_messages_are_counted_however_they_are_packed_and_cut(load: Path, pieces: int) -> None:
    stamp = STAMPED % 12345
    long = 5000 if pieces > 7 else 50  # a frame whose length takes eight bytes, or two
    single = b'{"data":"%b"}' % stamp
    # A payload of 64 bytes has a header that looks like a marker.
    looks_alike = b"%b%b" % (stamp, b"." * 47)
    assert len(looks_alike) == 64
    sent = (
        unmasked(single)
        + unmasked(b"[%b]" % b",".join([single] * 30))
        + unmasked(looks_alike, BINARY)
        + unmasked(b"[%b]" % b",".join([single] * long))
    )
    counted, _ = listened(load, sent, pieces=pieces)
    assert counted == {"messages": 1 + 30 + 1 + long, "frames": 4, "broken": 0, "closed": 0}


def test_pings_are_answered_and_are_no_messages(load: Path) -> None:
    counted, answer = listened(load, unmasked(b"are you there", PING))
    assert counted["messages"] == counted["frames"] == 0
    assert answer[0] == 0x80 | PONG
    mask, payload = answer[2:6], answer[6:]
    assert bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) == b"are you there"


def test_the_end_of_a_connection_is_noticed(load: Path) -> None:
    counted, _ = listened(load, unmasked(b"\x03\xe8bye", CLOSE))
    assert counted["closed"] == 1
    assert counted["broken"] == 0


@pytest.mark.parametrize(
    "frame",
    [b"\xc1\x00", b"\x83\x00", b"\x81\x80\x00\x00\x00\x00", b"\x89\x7e\x00\x80"],
    ids=["reserved bit", "reserved opcode", "masked", "long ping"],
)
def test_what_is_no_frame_is_noticed(load: Path, frame: bytes) -> None:
    counted, _ = listened(load, frame)
    assert counted["broken"] == 1


def test_newcomers_upgrade_greet_and_wait_for_all_they_expect(load: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        greeted: list[bytes] = []

        def serve() -> None:
            for turned_away in (True, False):
                connection, _ = server.accept()
                with connection:
                    assert connection.recv(4096).startswith(b"GET /ws ")
                    if turned_away:
                        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
                        continue
                    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                    greeted.append(connection.recv(4096))
                    connection.sendall(unmasked(b"#1 #2") + unmasked(b"@0 #3"))
                    connection.recv(4096)

        with serving(threading.Thread(target=serve)):
            newcomers = Newcomers(
                server.getsockname()[1], 1, b"GET /ws HTTP/1.1\r\n\r\n", b"hello", 3
            )
            outcome = run(load, Plan("storm", 0, newcomers=newcomers, patience=5, spin=False))
    assert greeted == [b"hello"]
    assert outcome.complete == 1
    assert outcome.refused == 1
    assert outcome.join.count == 1


def test_a_description_that_makes_no_sense_is_an_error(load: Path) -> None:
    for text in ("mode dance\n", "nonsense 1\n", "pub 0 1 1\n", "mode\n"):
        done = subprocess.run([load], input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"load: ")
