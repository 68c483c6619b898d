# SPDX-License-Identifier: BSD-3-Clause
"""Describes a run to the load generator (``load.c``) and reads what came of it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from benchmarks.sockets import TEXT, Socket

MARKER: Final = b"@"
"""In every live message once, before the 16 hex digits of the time at which it was sent."""

STILL: Final = b"#"
"""In its place in messages that were there before, so that newcomers can be told what they got."""

STAMP: Final = MARKER + b"0" * 16

Mode = Literal["saturated", "paced", "turns", "storm"]


class GeneratorFailed(Exception):
    """The generator could not do its work."""


@dataclass(frozen=True)
class Publisher:
    """A connected socket, and what to send on it in turn, each message with a `STAMP`."""

    socket: Socket
    messages: Sequence[bytes]
    opcode: int = TEXT
    gather: int = 1
    """Messages to a frame."""
    wrap: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """What stands before, between and behind the messages of a frame."""
    seal: tuple[bytes, int] | None = None
    """Key and first sequence number, where frames are signed (``docs/reference/wire.md``)."""

    def lines(self) -> list[str]:
        """The description for the generator."""
        lines = [f"pub {self.socket.fd} {self.opcode} {self.gather}"]
        lines.append("wrap " + " ".join(part.hex() or "-" for part in self.wrap))
        if self.seal is not None:
            lines.append(f"seal {self.seal[0].hex()} {self.seal[1]}")
        for message in self.messages:
            if message.count(MARKER) != 1 or STAMP not in message:
                raise GeneratorFailed(f"cannot count this message by its marker: {message!r}")
            lines.append(f"msg {message.hex()}")
        return lines


@dataclass(frozen=True)
class Newcomers:
    """Clients that connect at once, and read until each has got `expect` still messages."""

    port: int
    number: int
    request: bytes
    hello: bytes
    """The first bytes after the upgrade."""
    expect: int

    def lines(self) -> list[str]:
        """The description for the generator."""
        return [
            f"newcomers {self.port} {self.number}",
            f"request {self.request.hex()}",
            f"hello {self.hello.hex() or '-'}",
            f"expect {self.expect}",
        ]


@dataclass(frozen=True)
class Plan:
    """One run."""

    mode: Mode
    server: int
    """Whose processor time to measure."""
    publishers: Sequence[Publisher] = ()
    subscribers: Sequence[Socket] = ()
    newcomers: Newcomers | None = None
    seconds: float = 1.0
    warmup: float = 0.0
    rate: float = 0.0
    """Messages per second, all publishers together."""
    gap: float = 0.0
    """Seconds between two turns."""
    count: int = 0
    """Messages in all; 0 for as many as go in."""
    ahead: int = 0
    """How many messages publishers may be ahead of the slowest subscriber at most, and no more
    than it gets in a quarter of a second; 0 for no bound."""
    patience: float = 10.0
    """Seconds to wait for what is still to come."""
    spin: bool = True
    """Poll without sleeping: to wake a sleeper up costs the server more than to send."""
    dump: bool = False
    """Tell the time at which each message was last sent."""

    def text(self) -> str:
        """The description for the generator."""
        names = ("mode", "server", "seconds", "warmup", "rate", "gap", "count", "ahead", "patience")
        lines = [f"{name} {getattr(self, name)}" for name in names]
        lines += [f"spin {int(self.spin)}", f"dump {int(self.dump)}"]
        for publisher in self.publishers:
            lines += publisher.lines()
        lines += [f"sub {each.fd}" for each in self.subscribers]
        if self.newcomers is not None:
            lines += self.newcomers.lines()
        return "\n".join(lines) + "\n"

    @property
    def descriptors(self) -> list[int]:
        """What the generator inherits."""
        return [each.socket.fd for each in self.publishers] + [s.fd for s in self.subscribers]


class Delays(msgspec.Struct):
    """Of so many messages, in seconds."""

    count: int
    p50: float
    p99: float
    max: float


class Outcome(msgspec.Struct):
    """What the generator saw; the first five within the measured time, the others in all."""

    seconds: float
    sent: int
    arrived: int
    server_cpu: float
    """Seconds."""
    busy: float
    """Seconds that the generator had something to do."""
    lost: int
    """Messages that publishers no longer waited for."""
    total_sent: int
    total_arrived: int
    least_arrived: int
    """At the subscriber that got least."""
    frames: int
    bytes: int
    last_arrival: float
    """Seconds after the first message."""
    delay: Delays
    join: Delays
    """From a newcomer's attempt to connect to all that it expects."""
    upgrade: Delays
    last: list[str]
    turns: int
    complete: int
    """Newcomers that got all."""
    newcomer_bytes: int
    refused: int
    closed: int
    """Connections that the server ended."""
    broken: int
    """Connections on which something came that is no frame."""
    missed: int
    subscribers: int = 0

    @property
    def delivered(self) -> float:
        """The share of all deliveries that took place in the end."""
        wanted = self.total_sent * self.subscribers
        return self.total_arrived / wanted if wanted else 1.0


def run(program: Path, plan: Plan) -> Outcome:
    """Carry out `plan`. Raises GeneratorFailed."""
    limit = plan.warmup + plan.seconds + 2 * plan.patience + 30
    try:
        done = subprocess.run(
            [program],
            input=plan.text().encode(),
            capture_output=True,
            pass_fds=plan.descriptors,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise GeneratorFailed(f"no end within {limit:.0f} s") from exc
    if done.returncode != 0:
        raise GeneratorFailed(done.stderr.decode().strip() or f"status {done.returncode}")
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    outcome.subscribers = len(plan.subscribers)
    return outcome
