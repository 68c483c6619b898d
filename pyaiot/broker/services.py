# SPDX-License-Identifier: BSD-3-Clause
"""Recorders and directories: what they say, and what follows from it for gateways."""

from collections.abc import Callable, Iterable, Mapping

from pyaiot.broker.directory import Directory
from pyaiot.broker.disclosure import Disclosure
from pyaiot.broker.effects import Effects
from pyaiot.broker.nodes import Nodes
from pyaiot.broker.notices import gone
from pyaiot.broker.peers import Client, Gateway, Service
from pyaiot.broker.recording import Recording
from pyaiot.broker.sessions import Sessions
from pyaiot.errors import InvalidContent, PermissionDenied
from pyaiot.messages.codec import encode
from pyaiot.messages.types import (
    EVERYONE,
    Access,
    Alert,
    Batch,
    Device,
    Devices,
    Feature,
    FromService,
    New,
    NodeAccess,
    Pending,
    People,
    Stored,
)


class Services:
    """All that are connected."""

    def __init__(
        self,
        nodes: Nodes,
        effects: Effects,
        gateways: Mapping[str, Gateway],
        *,
        directory: Directory,
        recording: Recording,
        disclosure: Disclosure,
        sessions: Sessions,
        awaited: bool = False,
    ) -> None:
        """`awaited`: there is to be a directory."""
        self.connected: dict[str, Service] = {}
        self._nodes = nodes
        self._effects = effects
        self._gateways = gateways
        self._directory = directory
        self._recording = recording
        self._disclosure = disclosure
        self._sessions = sessions
        self._awaited = awaited

    @property
    def recorders(self) -> int:
        """How many of them store what happens."""
        return sum(each.records for each in self.connected.values())

    @property
    def directories(self) -> int:
        """How many of them know who may do what."""
        return sum(each.directs for each in self.connected.values())

    def joined(self, service: Service) -> None:
        """A service connected."""
        self.connected[service.id] = service
        if service.records:
            if not self._recording.expected:
                # Nothing was kept until now; what is known is where its record begins.
                self._begin()
            self._recording.joined(service)
            self._find_lost()
            for gateway in self._gateways.values():
                if gateway.receipts is not None and gateway.receipts.broken:
                    self._effects.send_again(gateway)

    def left(self, service: Service) -> None:
        """A service's connection ended."""
        del self.connected[service.id]
        if service.records:
            self._recording.left(service)
            self._confirm()
        self._directory.left(service.id)

    def said(self, service: Service, message: FromService, greet: Callable[[Client], None]) -> None:
        """A service sent `message`, not `Devices`; `greet` tells a client everything anew."""
        match message:
            case Stored() if service.records:
                if self._recording.told(service, message.through):
                    self._confirm()
            case Access() if service.directs:
                self._access(service, message, greet)
            case People() if service.directs:
                if self._directory.take_people(service.id, message) is not None:
                    self._sessions.people_changed(greet)
            case Alert():
                self._disclosure.alert(message)
            case Batch():
                raise InvalidContent("A batch must not hold a batch.")
            case _:
                raise PermissionDenied("This is not for this kind of service to say.")

    def gateway_joined(self, gateway: Gateway) -> None:
        """A gateway connected; it is told who may be which node as soon as anybody knows."""
        if not _wants_devices(gateway) or gateway.notices is None:
            return
        if self._directory.devices.told:
            gateway.notices.whole(self._directory.devices.known)
        elif self._awaited or self.directories:
            # Its list is on the way, and what the gateway has to say can wait for that.
            return
        else:
            gateway.notices.nobody()
        self._effects.notify(gateway)

    def pending(self, gateway: Gateway, message: Pending) -> None:
        """A node at a gateway waits for somebody's approval."""
        told = Pending(
            message.uid,
            message.protocol,
            message.address,
            message.seen,
            message.name,
            gateway.label,
        )
        for service in self.connected.values():
            if service.directs:
                self._effects.inform(service, told)

    def tick(self) -> None:
        """Time has passed: tell gateways of readings that nobody will ever confirm."""
        self._find_lost()
        self._confirm()

    def _begin(self) -> None:
        for node in self._nodes:
            new = New(node.uid, EVERYONE, node.availability, node.seen)
            self._recording.put(encode(new))
            for resource in node.resources.values():
                self._recording.put(resource.wire)

    def _confirm(self) -> None:
        """Tell gateways which of their readings are stored."""
        stored = self._recording.stored
        for gateway in self._gateways.values():
            if gateway.receipts is None or gateway.notices is None:
                continue
            gateway.receipts.stored(stored)
            through = gateway.receipts.news()
            if through is not None:
                gateway.notices.stored(through)
                self._effects.notify(gateway)

    def _find_lost(self) -> None:
        for gateway in self._gateways.values():
            if gateway.receipts is not None:
                gateway.receipts.stored(self._recording.stored)
                gateway.receipts.lost(self._recording.dropped)

    def devices(self, service: Service, message: Devices) -> dict[str, Device | None]:
        """A service said who may be which node; what was known before of all that differs.

        And of nodes that were forgotten, None where nothing was known.
        """
        if not service.directs:
            raise PermissionDenied("This is not for this kind of service to say.")
        listing = self._directory.devices
        first = not listing.told
        changed = self._directory.take_devices(service.id, message)
        if changed is None:
            return {}
        if not message.whole:
            forgotten = {each.uid for each in message.devices if each.gone}
            changed |= dict.fromkeys(forgotten - listing.known.keys() - changed.keys())
        if not listing.told:
            return changed
        self._tell_devices([listing.known.get(uid) or gone(uid) for uid in changed], whole=first)
        return changed

    def _access(self, service: Service, message: Access, greet: Callable[[Client], None]) -> None:
        # What was decided until now was so by what was known until now.
        self._effects.flush()
        told = self._directory.access.told
        changed = self._directory.take_access(service.id, message)
        if changed and self._directory.access.told == told:
            self._disclosure.access_changed(changed, greet)
        elif changed is not None and not told and self._directory.access.told:
            # Nodes of which it says nothing may have been hidden until now.
            others: dict[str, NodeAccess | None] = {
                node.uid: self._directory.access.known.get(node.uid) for node in self._nodes
            }
            self._disclosure.access_changed(others | changed, greet)

    def _tell_devices(self, devices: Iterable[Device], *, whole: bool) -> None:
        for gateway in self._gateways.values():
            if gateway.notices is None or not _wants_devices(gateway):
                continue
            if whole:
                gateway.notices.whole(self._directory.devices.known)
            else:
                gateway.notices.change(devices)
            self._effects.notify(gateway)


def _wants_devices(gateway: Gateway) -> bool:
    return Feature.DEVICES in gateway.features
