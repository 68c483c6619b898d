# SPDX-License-Identifier: BSD-3-Clause
import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    InvalidMessage,
    InvalidStatus,
)
from websockets.frames import Close
from websockets.http11 import Response

from pyaiot.link.failure import Complaints, link_failure


def status(code: int, phrase: str, body: bytes) -> InvalidStatus:
    return InvalidStatus(Response(code, phrase, Headers(), body))


def untrusted() -> ssl.SSLCertVerificationError:
    exc = ssl.SSLCertVerificationError(1, "whatever")
    exc.verify_message = "self-signed certificate"
    return exc


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (status(401, "Unauthorized", b"Invalid token"), "HTTP 401 Unauthorized: Invalid token"),
        (status(500, "", b"\xff\x00<html>\n"), "HTTP 500 : \ufffd <html>"),
        (ConnectionClosedError(None, None), "connection lost"),
        (
            ConnectionClosedError(Close(1008, "Too many"), None),
            "closed by the broker: 1008 (policy violation) Too many",
        ),
        (InvalidMessage("no HTTP"), "no websocket answer: no HTTP"),
        (TimeoutError("whatever"), "no answer in time"),
        (untrusted(), "certificate not trusted: self-signed certificate"),
        (ssl.SSLError(1, "[SSL] wrong version"), "TLS failed: [SSL] wrong version"),
        (
            socket.gaierror(-2, "Name or service not known"),
            "host not found: Name or service not known",
        ),
        (ConnectionRefusedError(111, "Connect call failed ('::1', 1)"), "connection refused"),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1),"
                " [Errno 111] Connect call failed ('127.0.0.1', 1), [Errno 101] whatever"
            ),
            "connection refused, network is unreachable",
        ),
        (ConnectionResetError(), "connection lost"),
        (OSError("something else"), "something else"),
        (ValueError("label too long"), "label too long"),
        (EOFError(), "EOFError"),
    ],
)
def test_one_line_for_each_kind(exc: Exception, reason: str) -> None:
    assert link_failure(exc).reason == reason


def test_a_peer_does_not_write_our_log() -> None:
    reason = link_failure(status(403, "No", b"a\r\n\x1b[31mERROR b" + b"x" * 5000)).reason
    assert reason.isprintable()
    assert len(reason) == 400


class TestComplaints:
    def test_each_once(self) -> None:
        said: list[str] = []
        complaints = Complaints(said.append)
        assert complaints.add("refused")
        assert not complaints.add("refused")
        assert complaints.add("host not found")
        assert said == ["refused", "host not found"]

    def test_numbers_make_no_difference(self) -> None:
        said: list[str] = []
        complaints = Complaints(said.append)
        for age in (3600, 3612.5, 12):
            complaints.add(f"made {age} s ago")
        assert len(said) == 1

    def test_again_after_it_was_well(self) -> None:
        said: list[str] = []
        complaints = Complaints(said.append)
        complaints.add("refused")
        complaints.clear()
        assert complaints.add("refused")

    def test_remembers_only_so_many(self) -> None:
        complaints = Complaints(lambda _: None)
        for char in map(chr, range(0x4E00, 0x4E00 + 1000)):
            complaints.add(char)
        assert len(complaints._said) <= 32
