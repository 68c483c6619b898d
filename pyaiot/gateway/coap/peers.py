# SPDX-License-Identifier: BSD-3-Clause
"""Which node is behind which address (WIRE.md section 4).

A message says from which host and port it came, and no more. Firmwares post from a port nobody
listens on and serve at the default port; the original's test node posts each message from another
port; ours posts from the port at which it serves; and any number of nodes may be behind one host.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeAlias

from pyaiot.gateway.adapter import Address, Naming

COAP_PORT: Final = 5683

MAX_PEERS: Final = 20_000
MAX_PEERS_OF_HOST: Final = 512

PRESENT: Final = 100.0
"""Seconds since its last announcement for which a node counts when the sender of a message from an
unknown port is looked for: two of three announcements may have been lost."""

_Key: TypeAlias = tuple[Naming, str]


@dataclass(slots=True, eq=False)
class Peer:
    """A node, and how to reach it."""

    name: str
    naming: Naming
    host: str
    """An IP address, with its zone where it has one: ``fe80::1%tap0``."""
    address: Address
    """How the gateway knows it; the same as long as it stays at its host."""
    source: int
    """The port from which it last announced itself."""
    heard: float
    """When that was, on a steady clock."""
    said: int | None = None
    """The port at which it says it serves."""
    serves: int | None = None
    """The port at which it answered; None while that is not known."""
    displaced: bool = False
    """Another node answers where this one did, and this one has not announced itself since."""
    proven: bool = False
    """It shows a token with all that it posts, by which alone it is recognised."""
    local: str = ""
    """Our own address as the node knows it, from where it expects requests."""

    @property
    def port(self) -> int | None:
        """Where it serves, as far as that is known."""
        return self.said or self.serves

    @property
    def posts_elsewhere(self) -> bool:
        """It may post from other ports than the one at which it serves."""
        return self.port != self.source

    def ports(self, default: int) -> tuple[int, ...]:
        """Where to try to reach it, best first."""
        if self.port is not None:
            return (self.port,)
        return (self.source,) if self.source == default else (self.source, default)


@dataclass(frozen=True, slots=True)
class Change:
    """What an announcement changed."""

    peer: Peer
    moved: bool
    """It was known, but elsewhere: what was arranged with it there is void."""
    gone: tuple[Peer, ...]
    """Nodes that are known no more."""


class Peers:
    """All nodes that announced themselves. Those unheard for longest give way to new ones."""

    def __init__(self, *, limit: int = MAX_PEERS, per_host: int = MAX_PEERS_OF_HOST) -> None:
        self._limit = limit
        self._per_host = per_host
        self._peers: OrderedDict[_Key, Peer] = OrderedDict()
        self._by_address: dict[Address, Peer] = {}
        self._by_host: dict[str, dict[_Key, Peer]] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def at(self, address: Address) -> Peer | None:
        """The node that the gateway knows by `address`."""
        return self._by_address.get(address)

    def announced(
        self,
        name: str,
        naming: Naming,
        host: str,
        source: int,
        now: float,
        *,
        said: int | None = None,
        proven: bool = False,
    ) -> Change:
        """A node called `name` announced itself from there.

        The latest place of a name counts, and the latest name at a place; but only who proves to
        be a node can take the place of one that did.
        """
        peer = self._peers.get((naming, name))
        rival = self._rival((naming, name), host, said or source, proven=proven)
        if rival is not None:
            self._remove(rival)
        if peer is None:
            moved = False
            address = self._label(host, said or source)
            peer = Peer(name, naming, host, address, source, now, said, proven=proven)
        else:
            self._remove(peer)
            moved = self._moves(peer, host, source, said)
            if peer.host != host:
                peer.address = self._label(host, said or source)
            if moved:
                peer.serves = None
            peer.host, peer.source, peer.said, peer.heard = host, source, said, now
            peer.displaced = False
        self._add(peer)
        gone = self._crowded_out(host) if rival is None else (rival,)
        return Change(peer, moved, gone)

    def get(self, name: str, naming: Naming) -> Peer | None:
        """The node of that name."""
        return self._peers.get((naming, name))

    def forget(self, peer: Peer) -> None:
        """`peer` is known no more."""
        self._remove(peer)

    def located(self, peer: Peer, port: int) -> tuple[Peer, ...]:
        """`peer` answered at `port`; the nodes that were thought to be there, and are not."""
        peer.serves = port
        peer.displaced = False
        others = tuple(
            other
            for other in self._by_host.get(peer.host, {}).values()
            if other is not peer and other.port == port
        )
        for other in others:
            other.serves = None
            other.displaced = True
        return others

    def sender(self, host: str, source: int, now: float, *, said: int | None = None) -> Peer | None:
        """The node that posted a value from there, or None where that is not certain.

        One that is `proven` may be found as well; nothing that comes without its token is its.
        """
        peers = self._by_host.get(host)
        if peers is None:
            return None
        # Those that are proven would have shown their token, so open ones come first.
        latest_first = [peer for peer in reversed(peers.values()) if not peer.proven]
        latest_first += [peer for peer in reversed(peers.values()) if peer.proven]
        if said is not None:
            for peer in latest_first:
                if peer.port == said:
                    return peer
        for peer in latest_first:
            if peer.source == source:
                return peer
        for peer in latest_first:
            if peer.port == source:
                return peer
        roaming = [
            peer
            for peer in latest_first
            if peer.posts_elsewhere
            and not peer.displaced
            and not peer.proven
            and now - peer.heard <= PRESENT
        ]
        return roaming[0] if len(roaming) == 1 else None

    def _rival(self, key: _Key, host: str, port: int, *, proven: bool) -> Peer | None:
        """The other node that was at this very place: it was given another name since."""
        for other_key, other in self._by_host.get(host, {}).items():
            if other_key != key and (other.said or other.source) == port:
                return other if proven or not other.proven else None
        return None

    def _moves(self, peer: Peer, host: str, source: int, said: int | None) -> bool:
        if peer.host != host or peer.said != said:
            return True
        # Seen through a NAT, a node that serves where it posts from gets new ports now and then.
        return said is None and peer.serves == peer.source != source

    def _label(self, host: str, port: int) -> Address:
        label = plain = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        number = 1
        while Address(label) in self._by_address:
            number += 1
            label = f"{plain}#{number}"
        return Address(label)

    def _add(self, peer: Peer) -> None:
        key = (peer.naming, peer.name)
        self._peers[key] = peer
        self._by_address[peer.address] = peer
        self._by_host.setdefault(peer.host, {})[key] = peer

    def _remove(self, peer: Peer) -> None:
        key = (peer.naming, peer.name)
        del self._peers[key]
        del self._by_address[peer.address]
        own = self._by_host[peer.host]
        del own[key]
        if not own:
            del self._by_host[peer.host]

    def _crowded_out(self, host: str) -> tuple[Peer, ...]:
        own = self._by_host[host]
        if len(own) > self._per_host:
            oldest = next(iter(own.values()))
        elif len(self._peers) > self._limit:
            oldest = next(iter(self._peers.values()))
        else:
            return ()
        self._remove(oldest)
        return (oldest,)
