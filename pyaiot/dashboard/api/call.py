# SPDX-License-Identifier: BSD-3-Clause
"""One request, as an endpoint sees it, and what the endpoint says besides its answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from pyaiot.accounts.permissions import HouseRules, Viewer, permissions_on
from pyaiot.accounts.tokens import Claims
from pyaiot.dashboard.api.problem import Refused
from pyaiot.dashboard.api.services import Services
from pyaiot.errors import AuthenticationFailed
from pyaiot.model.access import Permission, Role
from pyaiot.model.moment import Moment
from pyaiot.store.audit import NOBODY, Actor

Q = TypeVar("Q")
B = TypeVar("B")

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    who: Viewer
    claims: Claims | None
    rules: HouseRules
    """What strangers may do who come the way that this one came."""
    trouble: AuthenticationFailed | None = None
    """Why the cookie that came does not hold."""


class Renewing(Protocol):
    """Says who asks, as things are now."""

    def __call__(self, *, begun: bool = False) -> Identity | None:
        """None once the session has ended; or the token, unless the answer was `begun` before."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that the answer sets; with no `life` it is taken away."""

    name: str
    value: str = field(repr=False)
    life: float
    """In seconds."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Where a request comes from."""

    address: str
    """Of the browser or program, as far as the next proxy knows it."""
    agent: str
    """What it calls itself; proves nothing."""
    secure: bool
    """It came by TLS, at least to the proxy."""
    cookies: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """By names in lower case."""


@dataclass(slots=True)
class Call(Generic[Q, B]):
    """One request."""

    who: Viewer
    claims: Claims | None
    """What the asker's token says; None for strangers."""
    params: Mapping[str, str]
    """What stands in the path, decoded."""
    query: Q
    body: B
    now: Moment
    services: Services
    asker: Asker
    rules: HouseRules
    """What strangers may do who come the way that this one came."""
    depth: int = 0
    """How many segments the path has below ``/api/v1/``."""
    renewed: Renewing = field(default=lambda **_: None)
    """Who asks, as things are now: for answers that go on; None once their session has ended."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the answer, besides those of every answer."""
    cookies: list[Cookie] = field(default_factory=list)
    settled: Any = None
    """What of the answer changes only if somebody changes it, for `expect`; else it is all."""
    status: int | None = None
    """Of the answer, where it is not that of the endpoint's declaration."""

    @property
    def actor(self) -> Actor:
        """Who asks, as it is written down that they did something."""
        return NOBODY if self.claims is None else Actor(self.who.id, self.claims.name)

    def permissions(self, uid: str) -> frozenset[Permission]:
        """What the asker may do with a node."""
        return permissions_on(self.services.roll.node(uid), self.who, self.rules)

    def sees(self, uid: str) -> bool:
        """Whether the asker may know of a node."""
        return Permission.VIEW in self.permissions(uid)

    def owns(self, uid: str) -> bool:
        """Whether the node is the asker's, or the asker an administrator."""
        node = self.services.roll.node(uid)
        mine = node is not None and bool(self.who.id) and node.owner == self.who.id
        return self.who.unlimited or (mine and self.who.role is not Role.VIEWER)

    @property
    def owners(self) -> frozenset[str | None]:
        """Whose rules the asker looks after, besides administrators: their own, or nobody's.

        Nobody's are everybody's who may control something without an account. Who has one may no
        less than that, if it is not a viewer's.
        """
        mine: frozenset[str | None] = frozenset({self.who.id} if self.who.id else ())
        if self.who.role is Role.VIEWER or Permission.CONTROL not in self.rules.anonymous:
            return mine
        return mine | {None}

    def expect(self, current: Any) -> None:
        """Raise Refused if the asker wants to change another state than the `current` one.

        `current` is what GET answers for the record, or what it calls `settled`.
        """
        wanted = self.asker.headers.get("if-match")
        if wanted is None:
            return
        known = {tag.strip('"').partition(".")[0] for tag in _tags(wanted)}
        if "*" not in known and _digest(encode(current)) not in known:
            raise Refused(
                HTTPStatus.PRECONDITION_FAILED,
                "changed",
                "Somebody else has changed it: get it again, and look.",
            )

    def link(self, path: str) -> str:
        """An address below ``/api/v1/``, as seen from this request's: proxies may move us."""
        return "../" * (self.depth - 1) + path


def encode(answer: Any) -> bytes:
    """An answer as JSON."""
    return _encoder.encode(answer)


def etag(body: bytes, settled: Any = None) -> str:
    """What names exactly this content (RFC 9110 section 8.8.3).

    Where only a part of it is `settled`, that part is named first.
    """
    before = "" if settled is None else f"{_digest(encode(settled))}."
    return f'"{before}{_digest(body)}"'


def matches(header: str, tag: str) -> bool:
    """Whether a list of entity tags holds `tag`, weak or strong; proxies that compress weaken."""
    return not {"*", tag}.isdisjoint(_tags(header))


def _tags(header: str) -> set[str]:
    return {each.strip().removeprefix("W/") for each in header.split(",")}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()
