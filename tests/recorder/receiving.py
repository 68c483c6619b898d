# SPDX-License-Identifier: BSD-3-Clause
"""Real servers that notices are sent to."""

import email
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler


class Webhook:
    """An HTTP server that keeps what it is sent."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[dict[str, Any]] = []
        self.status = 200
        """What it answers."""
        self.asked = 0
        self.location = ""
        """Where it sends those who ask, if anywhere."""


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()

    class Handler(RequestHandler):
        def post(self) -> None:
            hook.asked += 1
            self.set_status(hook.status)
            if hook.location:
                self.redirect(hook.location, status=307)
            elif hook.status < 300:
                hook.heard.append(json.loads(self.request.body))

    server = HTTPServer(Application([("/.*", Handler)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    hook.port = sockets[0].getsockname()[1]
    try:
        yield hook
    finally:
        server.stop()
        await server.close_all_connections()


class Mailbox:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[Message] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        del server, session
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@contextmanager
def mailbox(port: int) -> Iterator[Mailbox]:
    box = Mailbox()
    box.port = port
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
