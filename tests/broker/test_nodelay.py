# SPDX-License-Identifier: BSD-3-Clause
import socket

from pyaiot.link.listen import open_sockets


async def test_no_message_waits_for_an_acknowledgement_of_another() -> None:
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol.
    for sock in await open_sockets("localhost", 0):
        with sock:
            assert sock.proto == socket.IPPROTO_TCP
