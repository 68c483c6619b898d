# SPDX-License-Identifier: BSD-3-Clause
"""Bodies that travel in blocks (RFC 7959), put together and cut up, never larger than allowed."""

from collections import OrderedDict
from collections.abc import Hashable
from enum import Enum
from typing import Final, NamedTuple

from pyaiot.errors import InvalidValue, MessageTooLarge

MAX_BODY: Final = 65_536
"""Bytes in a body, either way."""

MAX_EXPONENT: Final = 6
"""Blocks of 1024 bytes; 7 is reserved (RFC 7959 section 2.2)."""

SMALL_EXPONENT: Final = 2
"""Blocks of 64 bytes, which every firmware of the original takes (WIRE.md section 9)."""

MAX_NODE_MESSAGE: Final = 127
"""Bytes of a whole message that the 128-byte buffers of firmwares hold (WIRE.md section 9)."""

BLOCK1_OPTION: Final = 4
"""Bytes that a Block1 option takes at most, with its header."""


class Block(NamedTuple):
    """A block option: which block, whether others follow, and the exponent of their size."""

    number: int
    more: bool
    exponent: int

    @property
    def size(self) -> int:
        """Bytes in each block but the last."""
        return 1 << (self.exponent + 4)

    @property
    def start(self) -> int:
        """Where the block begins in the body."""
        return self.number * self.size


class Progress(Enum):
    """What there is instead of a body, so far."""

    MORE = "more"
    """Further blocks have to come."""
    INCOMPLETE = "incomplete"
    """Earlier blocks are missing."""


class Bodies:
    """Bodies on their way: few, short-lived, and no host can crowd out the others."""

    def __init__(
        self,
        *,
        max_body: int = MAX_BODY,
        max_open: int = 64,
        per_host: int = 8,
        lifetime: float = 60.0,
    ) -> None:
        self._max_body = max_body
        self._max_open = max_open
        self._per_host = per_host
        self._lifetime = lifetime
        self._open: OrderedDict[tuple[str, Hashable], tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self, host: str, key: Hashable, block: Block, payload: bytes, now: float
    ) -> bytes | Progress:
        """Take a block of a body that `host` sends; the body once it is whole.

        Raises MessageTooLarge when the body is longer than it may be, InvalidValue when the block
        is not as long as it says.
        """
        if block.exponent > MAX_EXPONENT or (
            len(payload) != block.size if block.more else len(payload) > block.size
        ):
            raise InvalidValue("A block must be as long as its option says.")
        before = b"" if block.number == 0 else self.get(host, key, now)
        if before is None or len(before) < block.start:
            return Progress.INCOMPLETE
        body = before[: block.start] + payload
        if len(body) > self._max_body:
            self._open.pop((host, key), None)
            raise MessageTooLarge(f"A body must not be longer than {self._max_body} bytes.")
        if not block.more:
            self._open.pop((host, key), None)
            return body
        self.put(host, key, body, now)
        return Progress.MORE

    def put(self, host: str, key: Hashable, body: bytes, now: float) -> None:
        """Keep `body` for a while, at the expense of older ones of the same host."""
        self._open.pop((host, key), None)
        self._open[host, key] = (now + self._lifetime, body)
        own = [held for held in self._open if held[0] == host]
        if len(own) > self._per_host:
            del self._open[own[0]]
        while len(self._open) > self._max_open or next(iter(self._open.values()))[0] <= now:
            self._open.popitem(last=False)

    def get(self, host: str, key: Hashable, now: float) -> bytes | None:
        """What is kept, unless that was too long ago."""
        until, body = self._open.get((host, key), (now, b""))
        return body if until > now else None


def cut(body: bytes, block: Block) -> tuple[Block, bytes]:
    """The block of `body` that was asked for.

    Raises InvalidValue when the body ends before it.
    """
    if block.exponent > MAX_EXPONENT or (block.start >= len(body) and block.number > 0):
        raise InvalidValue("There is no such block.")
    end = block.start + block.size
    return Block(block.number, end < len(body), block.exponent), body[block.start : end]


class Download:
    """A body that is fetched block by block (Block2)."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._body = bytearray()
        self._etag: bytes | None = None

    @property
    def body(self) -> bytes:
        """What has come so far."""
        return bytes(self._body)

    def add(self, block: Block | None, payload: bytes, etag: bytes | None) -> Block | None:
        """Take a response; the block to ask for next, or None once the body is whole.

        Raises MessageTooLarge when it is longer than it may be, InvalidValue when the blocks do
        not fit together (the resource changed meanwhile, for one).
        """
        if block is None:
            # A server may answer at once what it first wanted to cut up (RFC 7959 section 2.4).
            self._body.clear()
        elif block.start != len(self._body) or (self._body and etag != self._etag):
            raise InvalidValue("The blocks of the value do not fit together.")
        elif block.exponent > MAX_EXPONENT or (block.more and len(payload) != block.size):
            raise InvalidValue("A block must be as long as its option says.")
        self._etag = etag
        self._body += payload
        if len(self._body) > self._max_body:
            raise MessageTooLarge(f"The value is longer than {self._max_body} bytes.")
        if block is None or not block.more:
            return None
        return Block(len(self._body) // block.size, more=False, exponent=block.exponent)


class Upload:
    """A body that is sent block by block (Block1)."""

    def __init__(self, body: bytes, exponent: int) -> None:
        self._body = body
        self._exponent = exponent
        self._sent = 0
        """Bytes that the server has; always whole blocks."""

    def next(self) -> tuple[Block, bytes]:
        """The block to send now."""
        return cut(self._body, Block(self._sent >> (self._exponent + 4), False, self._exponent))

    def acknowledged(self, answer: Block | None) -> bool:
        """The server took the block and answered with that option; whether there is more to send.

        A server may ask for smaller blocks from now on (RFC 7959 section 2.3). Raises InvalidValue
        when it acknowledges another block.
        """
        sent, payload = self.next()
        if answer is not None and answer.number != sent.number:
            raise InvalidValue("The node acknowledged another block than the one that was sent.")
        self._sent += len(payload)
        if answer is not None:
            self._exponent = min(self._exponent, answer.exponent)
        return sent.more

    def refused(self, answer: Block | None) -> bool:
        """The server found the block too large; whether to begin again with smaller ones."""
        wanted = self._exponent - 1 if answer is None else answer.exponent
        if self._sent or not 0 <= wanted < self._exponent:
            return False
        self._exponent = wanted
        return True


def upload_exponent(overhead: int, length: int) -> int | None:
    """In what blocks to send a body of `length` bytes to a node; None if it fits one message.

    `overhead` is the length of the message without its body. Blocks are as large as WIRE.md section
    9 allows, and smaller where a long path leaves less room.
    """
    if length == 0 or overhead + 1 + length <= MAX_NODE_MESSAGE:
        return None
    room = MAX_NODE_MESSAGE - overhead - 1 - BLOCK1_OPTION
    return max((exp for exp in range(SMALL_EXPONENT + 1) if 1 << (exp + 4) <= room), default=0)
