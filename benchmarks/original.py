# SPDX-License-Identifier: BSD-3-Clause
"""A stand-in for the original broker: the way it handles a message, and nothing else.

Each message is decoded, encoded again for each client, and written to it with Tornado's
`write_message`. Run it with the port to listen on.
"""

import asyncio
import json
import sys
from typing import ClassVar

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Client(WebSocketHandler):
    """Gets everything, once it has said something."""

    everybody: ClassVar[set["Client"]] = set()

    def check_origin(self, origin: str) -> bool:
        """Nobody is asked where he comes from."""
        del origin
        return True

    def on_message(self, message: str | bytes) -> None:
        """The hello."""
        json.loads(message)
        self.everybody.add(self)

    def on_close(self) -> None:
        """It left."""
        self.everybody.discard(self)

    def tell(self, message: object) -> None:
        """Send `message`; Tornado queues what the socket does not take."""
        try:
            sending = self.write_message(json.dumps(message, ensure_ascii=False))
        except WebSocketClosedError:
            return
        sending.add_done_callback(lambda done: done.exception())


class Gateway(WebSocketHandler):
    """What it says goes to all clients."""

    def on_message(self, message: str | bytes) -> None:
        """A node is there, or has a new value."""
        decoded = json.loads(message)
        if decoded["type"] in {"new", "update", "reset", "out"}:
            for client in tuple(Client.everybody):
                client.tell(decoded)


async def main(port: int) -> None:
    """Serve until the process is ended."""
    Application([("/ws", Client), ("/gw", Gateway)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
