# SPDX-License-Identifier: BSD-3-Clause
"""Which node somebody is who shows up at the gateway, and what is said where it may not be one."""

from collections.abc import Iterator
from typing import Final

from pyaiot.errors import InvalidValue
from pyaiot.gateway.adapter import Address, Naming, Refusal, Sighting
from pyaiot.gateway.announcer import Announcer
from pyaiot.gateway.effects import Effect, Level, Note, Refuse
from pyaiot.gateway.registrar import NEEDS_ID, NOT_APPROVED, Admission, Registrar
from pyaiot.model.moment import Moment
from pyaiot.model.node import checked_uid, derived_uid
from pyaiot.model.rate import Allowance

_REFUSALS: Final = 12
"""Refusals in a minute of which the log is told; those who knock again and again fill no disk."""


class Doorway:
    """Gives nodes their uids, and asks the registrar."""

    def __init__(
        self, name: str, protocol: str, registrar: Registrar, announcer: Announcer
    ) -> None:
        """`name` of the gateway and `protocol` are part of the uid of nodes that are local."""
        self._name = name
        self._protocol = protocol
        self._registrar = registrar
        self._announcer = announcer
        self._notes = Allowance(_REFUSALS / 60, _REFUSALS)

    def judge(self, sighting: Sighting) -> Admission | Refusal:
        """Which node it is, or why it may be none. Raises InvalidValue if it has no usable name."""
        judged = self._registrar.judge(self._said(sighting), sighting.token)
        if judged is NOT_APPROVED and sighting.naming is Naming.PASSING:
            # It makes up another name each time it comes: waiting would not help it.
            return NEEDS_ID
        return judged

    def objection(self, sighting: Sighting) -> Refusal | None:
        """Why the node of `sighting` would be refused; None if it would not, or has no name."""
        try:
            judged = self.judge(sighting)
        except InvalidValue:
            judged = self._registrar.judge("", sighting.token)
        return judged if isinstance(judged, Refusal) else None

    def refused(
        self, address: Address, sighting: Sighting, refusal: Refusal, now: Moment
    ) -> Iterator[Effect]:
        """Who may not be a node hears why; the log does, and whoever may approve of it."""
        if self._notes.take(now.steady):
            yield Note(Level.INFO, f"The node at {address} is refused. {refusal}")
        if refusal is NOT_APPROVED:
            uid = self._said(sighting)
            if self._announcer.hears_of_devices and self._registrar.tells(uid, now.steady):
                yield self._announcer.pending(uid, self._protocol, address, sighting, now)
        yield Refuse(refusal)

    def _said(self, sighting: Sighting) -> str:
        """The uid that a node would have without a token. Raises InvalidValue if it has none."""
        if sighting.token:
            return ""
        uid = checked_uid(sighting.name)
        return (
            derived_uid(self._name, self._protocol, uid) if sighting.naming is Naming.LOCAL else uid
        )
