# SPDX-License-Identifier: BSD-3-Clause
"""Which node is at which address.

One node is at one address at a time, and one address has one node: the latest news wins on both
sides (WIRE.md section 4), and nothing of the old pairing is left behind.
"""


class Registry:
    """Addresses by uid, and uids by address."""

    __slots__ = ("_addresses", "_uids")

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._uids: dict[str, str] = {}

    def settle(self, uid: str, address: str) -> str | None:
        """Node `uid` is at `address` from now on; the uid that had to leave it, if any."""
        displaced = self._uids.get(address)
        if displaced == uid:
            return None
        if displaced is not None:
            del self._addresses[displaced]
        self.leave(uid)
        self._addresses[uid] = address
        self._uids[address] = uid
        return displaced

    def leave(self, uid: str) -> str | None:
        """Node `uid` is nowhere from now on; the address where it was, if any."""
        address = self._addresses.pop(uid, None)
        if address is not None:
            del self._uids[address]
        return address

    def uid_at(self, address: str) -> str | None:
        """The node that is at `address`."""
        return self._uids.get(address)

    def address_of(self, uid: str) -> str | None:
        """Where node `uid` is, if that is known."""
        return self._addresses.get(uid)

    def __len__(self) -> int:
        """How many nodes have an address."""
        return len(self._addresses)
