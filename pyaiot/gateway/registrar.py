# SPDX-License-Identifier: BSD-3-Clause
"""Who may be which node at this gateway: the registration policy, device tokens, approvals.

No I/O and no clock. The lists come from the directory, by way of the broker (`Devices`); a token is
checked with the key that all services share, so nobody is asked. What a node may be is decided
anew at each sign of life, and costs two look-ups: a revocation holds from the moment it is known.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyaiot.accounts.tokens import Signer, Use
from pyaiot.errors import AuthenticationFailed, LimitExceeded
from pyaiot.gateway.adapter import Refusal
from pyaiot.messages.types import Device, Devices
from pyaiot.model.rate import Allowance

MAX_DEVICES: Final = 200_000
"""Nodes that are known by their lists; twice as many as a broker keeps."""

MAX_CHECKED: Final = 16_384
"""Tokens that need not be checked again."""

MAX_PENDING: Final = 1000
"""Nodes that wait for approval and are told of."""

PENDING_AGAIN: Final = 60.0
"""Seconds after which a node that still waits is told of again."""

PENDING_RATE: Final = (10.0, 100.0)
"""Nodes that wait of which is told in a second, and at once."""

NOT_READY: Final = Refusal(
    "not_ready", "The gateway has yet to be told which nodes may come; try again."
)
INVALID_TOKEN: Final = Refusal("invalid_token", "This is no device token, or not one of ours.")
UNKNOWN_TOKEN: Final = Refusal("unknown_token", "This token is of no node that is known.")
REVOKED: Final = Refusal("revoked", "This token has been revoked.")
BOUND: Final = Refusal("needs_token", "This node has a token, and must come with it.")
NEEDS_TOKEN: Final = Refusal("needs_token", "Nodes need a token here.")
NOT_APPROVED: Final = Refusal("not_approved", "This node waits for somebody's approval.")
NEEDS_ID: Final = Refusal(
    "needs_id", "Nobody can approve of a node without an id of its own; say one, or show a token."
)
REPLACED: Final = Refusal("replaced", "Replaced by a newer connection.")


class Policy(StrEnum):
    """Who may come without having been made known before."""

    OPEN = "open"
    """Everybody, as with the original; not as a node that has a token."""
    TOKEN = "token"  # noqa: S105 - no password
    """Nobody without a device token."""
    APPROVE = "approve"
    """Those who have a token or were approved; the others wait."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Which node somebody is."""

    uid: str
    token_id: str | None = None
    """The id of the token that says so; None where nobody proved anything."""


class Registrar:
    """Judges nodes. Starts with no lists: until they came, only open gateways let anybody in."""

    def __init__(self, policy: Policy = Policy.OPEN, signer: Signer | None = None) -> None:
        """Without a `signer` no token is valid."""
        self.policy = policy
        self.ready = False
        """The lists have come."""
        self._nobody = False
        """The broker said that nobody knows of any."""
        self._signer = signer
        self._devices: dict[str, Device] = {}
        self._gathered: dict[str, Device] | None = None
        self._part = 0
        self._checked: OrderedDict[str, Admission] = OrderedDict()
        self._pending: OrderedDict[str, float] = OrderedDict()
        self._tellings = Allowance(*PENDING_RATE)

    def take(self, message: Devices) -> Collection[str]:
        """Who may be which node has changed; the uids of whom that may be true.

        Raises LimitExceeded where a list is longer than can be kept; the one before stays.
        """
        if message.whole:
            return self._take_part(message)
        self._nobody = not message.devices
        changed = {device.uid: device for device in message.devices}
        if self._gathered is not None:
            # The parts that are still to come may know of it, those that came do not.
            self._gathered |= changed
        if len(self._devices.keys() | changed.keys()) > MAX_DEVICES:
            raise LimitExceeded(f"There are more than {MAX_DEVICES} devices.")
        self._devices |= changed
        for uid, device in changed.items():
            if device.gone:
                self._devices.pop(uid, None)
        return changed.keys()

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for: the lists have come, or there are none."""
        return self.ready or self._nobody

    @property
    def bound(self) -> frozenset[str]:
        """The nodes that need a token under every policy."""
        return frozenset(uid for uid, device in self._devices.items() if device.bound)

    def knows(self, uid: str) -> bool:
        """Whether anything was said of who may be this node."""
        return uid in self._devices

    def judge(self, uid: str, token: str) -> Admission | Refusal:
        """Which node it is that comes with `token`, or without one as `uid`; or why none.

        A token says who a node is, whatever that calls itself. An empty `uid` has yet to be said.
        """
        if token:
            shown = self._shown(token)
            if isinstance(shown, Refusal):
                return shown
            admission = shown
        else:
            admission = Admission(uid)
        if not self.ready and (token or self.policy is not Policy.OPEN):
            return NOT_READY
        return self.standing(admission) or admission

    def standing(self, admission: Admission) -> Refusal | None:
        """Why that node may not, or no longer, be here; None if it may."""
        device = self._devices.get(admission.uid)
        if admission.token_id is not None:
            if device is None:
                return UNKNOWN_TOKEN
            return None if admission.token_id in device.tokens else REVOKED
        if device is not None and device.bound:
            return BOUND
        if self.policy is Policy.TOKEN:
            return NEEDS_TOKEN
        if self.policy is Policy.APPROVE and admission.uid:
            return None if device is not None and device.approved else NOT_APPROVED
        return None

    def tells(self, uid: str, now: float) -> bool:
        """Whether to tell now that node `uid` waits; `now` is on a steady clock."""
        told = self._pending.get(uid)
        if told is not None and now - told < PENDING_AGAIN:
            return False
        if not self._tellings.take(now):
            return False
        self._pending[uid] = now
        self._pending.move_to_end(uid)
        if len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
        return True

    def joined(self) -> None:
        """Another connection to the broker: who waits is to be told of anew."""
        self._pending.clear()
        self._gathered = None
        self._nobody = False

    def _take_part(self, message: Devices) -> Collection[str]:
        if message.part == 0:
            self._gathered, self._part = {}, 0
        if self._gathered is None or message.part != self._part:
            # A part was lost with its connection; the whole will come again.
            self._gathered = None
            return ()
        self._part += 1
        for device in message.devices:
            self._gathered[device.uid] = device
        if len(self._gathered) > MAX_DEVICES:
            self._gathered = None
            raise LimitExceeded(f"There are more than {MAX_DEVICES} devices.")
        if not message.last:
            return ()
        before, self._devices = (
            self._devices,
            {uid: device for uid, device in self._gathered.items() if not device.gone},
        )
        self._gathered = None
        self.ready = True
        return before.keys() | self._devices.keys()

    def _shown(self, token: str) -> Admission | Refusal:
        """Who somebody with `token` is, if it is a token at all."""
        known = self._checked.get(token)
        if known is not None:
            self._checked.move_to_end(token)
            return known
        if self._signer is None:
            return INVALID_TOKEN
        try:
            # It has no end and holds while it is on the list: the clock has no say.
            claims = self._signer.check(token, Use.DEVICE, float("inf"))
        except AuthenticationFailed:
            return INVALID_TOKEN
        # Only what is valid is kept, so nobody else can push that out.
        admission = self._checked[token] = Admission(claims.sub, claims.jti)
        if len(self._checked) > MAX_CHECKED:
            self._checked.popitem(last=False)
        return admission
