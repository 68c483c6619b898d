# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.gateway.adapter import Address, Naming
from pyaiot.gateway.coap.peers import COAP_PORT, PRESENT, Change, Peer, Peers

RIOT = 49152


class Network:
    """Announcements, told briefly."""

    def __init__(self, peers: Peers | None = None) -> None:
        self.peers = Peers() if peers is None else peers
        self.now = 0.0

    def announce(
        self, name: str, port: int = RIOT, host: str = "10.0.0.1", said: int | None = None
    ) -> Change:
        return self.peers.announced(name, Naming.UNIQUE, host, port, self.now, said=said)

    def sender(self, port: int, host: str = "10.0.0.1", said: int | None = None) -> str | None:
        peer = self.peers.sender(host, port, self.now, said=said)
        return peer.name if peer else None


def test_a_node_again() -> None:
    network = Network()
    first = network.announce("a")
    assert (first.moved, first.gone) == (False, ())
    again = network.announce("a")
    assert again == Change(first.peer, moved=False, gone=())
    assert network.peers.at(Address(f"10.0.0.1:{RIOT}")) is first.peer
    assert len(network.peers) == 1


def test_addresses_can_be_read() -> None:
    network = Network()
    assert network.announce("a", 5690).peer.address == "10.0.0.1:5690"
    assert network.announce("b", 5690, "fe80::1%tap0").peer.address == "[fe80::1%tap0]:5690"
    assert network.announce("c", 40000, said=5691).peer.address == "10.0.0.1:5691"
    assert network.peers.at(Address("nowhere")) is None


def test_where_to_look_for_a_node() -> None:
    network = Network()
    assert network.announce("a", 5690).peer.ports(COAP_PORT) == (5690, COAP_PORT)
    assert network.announce("b", COAP_PORT).peer.ports(COAP_PORT) == (COAP_PORT,)
    peer = network.announce("c", 40000, said=5691).peer
    assert peer.ports(COAP_PORT) == (5691,)
    peer = network.announce("d", 40001).peer
    network.peers.located(peer, COAP_PORT)
    assert peer.ports(COAP_PORT) == (COAP_PORT,)


def test_posts_from_the_announcing_port() -> None:
    network = Network()
    network.announce("a", 40001)
    network.announce("b", 40002)
    assert network.sender(40001) == "a"
    assert network.sender(40002) == "b"
    assert network.sender(40001, "10.0.0.2") is None


def test_posts_from_any_port_of_a_host_with_one_node() -> None:
    network = Network()
    network.announce("a", 40001)
    assert network.sender(50000) == "a"


def test_posts_from_an_unknown_port_of_several_nodes() -> None:
    network = Network()
    network.announce("a", 40001)
    network.announce("b", 40002)
    assert network.sender(50000) is None


def test_posts_from_an_unknown_port_are_of_the_node_at_the_default_port() -> None:
    network = Network()
    network.peers.located(network.announce("old", 40001).peer, COAP_PORT)
    network.peers.located(network.announce("new", 5690).peer, 5690)
    assert network.sender(50000) == "old"
    assert network.sender(COAP_PORT) == "old"
    assert network.sender(5690) == "new"


def test_posts_from_another_port_than_the_one_where_all_serve() -> None:
    network = Network()
    network.peers.located(network.announce("new", 5690).peer, 5690)
    assert network.sender(50000) is None


def test_posts_that_say_where_their_node_serves() -> None:
    network = Network()
    network.announce("a", 40001, said=5690)
    network.announce("b", 40002, said=5691)
    assert network.sender(50000, said=5690) == "a"
    assert network.sender(50000, said=5691) == "b"
    assert network.sender(40002, said=6000) == "b"
    assert network.sender(50000, said=6000) is None


def test_nodes_long_unheard_take_no_posts_from_unknown_ports() -> None:
    network = Network()
    network.announce("gone", 40001)
    network.now = PRESENT
    assert network.sender(50000) == "gone"
    network.now += 1
    assert network.sender(50000) is None
    assert network.sender(40001) == "gone"
    network.announce("there", 40002)
    assert network.sender(50000) == "there"


def test_each_message_from_another_port() -> None:
    network = Network()
    first = network.announce("1234", 40001)
    network.peers.located(first.peer, COAP_PORT)
    again = network.announce("1234", 40002)
    assert again.peer.address == first.peer.address
    assert not again.moved
    assert again.peer.serves == COAP_PORT
    assert network.sender(40003) == "1234"


def test_a_new_port_of_a_node_that_serves_where_it_posts_from() -> None:
    network = Network()
    first = network.announce("a", 40001)
    network.peers.located(first.peer, 40001)
    assert not network.announce("a", 40001).moved
    again = network.announce("a", 40002)
    assert again.moved
    assert again.peer.address == "10.0.0.1:40001"
    assert again.peer.ports(COAP_PORT) == (40002, COAP_PORT)


def test_a_port_that_is_said_later() -> None:
    network = Network()
    network.peers.located(network.announce("a", 40001).peer, COAP_PORT)
    change = network.announce("a", 40001, said=5690)
    assert change.moved
    assert change.peer.port == 5690


def test_another_host() -> None:
    network = Network()
    network.peers.located(network.announce("a", host="fe80::1%tap0").peer, COAP_PORT)
    change = network.announce("a", host="2001:db8::1")
    assert change.moved
    assert change.gone == ()
    assert change.peer.address == f"[2001:db8::1]:{RIOT}"
    assert change.peer.serves is None
    assert network.peers.at(Address(f"[fe80::1%tap0]:{RIOT}")) is None
    assert network.sender(RIOT, "fe80::1%tap0") is None
    assert network.sender(RIOT, "2001:db8::1") == "a"
    assert len(network.peers) == 1


def test_a_new_name_at_the_same_place() -> None:
    network = Network()
    old = network.announce("old").peer
    change = network.announce("new")
    assert change.gone == (old,)
    assert change.peer.address == f"10.0.0.1:{RIOT}"
    assert network.sender(RIOT) == "new"
    assert len(network.peers) == 1


def test_a_node_comes_to_the_place_of_another() -> None:
    network = Network()
    old = network.announce("old", 40001).peer
    network.announce("new", 40002)
    change = network.announce("new", 40001)
    assert change.gone == (old,)
    assert change.peer.address == "10.0.0.1:40002"
    assert network.announce("other", 40002).peer.address == "10.0.0.1:40002#2"


def test_a_port_that_is_said_by_another() -> None:
    network = Network()
    old = network.announce("old", 5690).peer
    assert network.announce("new", 40001, said=5690).gone == (old,)


def test_another_node_answers_where_one_did() -> None:
    network = Network()
    old = network.announce("old", 40001).peer
    assert network.peers.located(old, COAP_PORT) == ()
    new = network.announce("new", 40002).peer
    assert network.peers.located(new, COAP_PORT) == (old,)
    assert (old.displaced, old.port) == (True, None)
    assert network.sender(50000) == "new"
    assert not network.announce("old", 40003).peer.displaced
    assert network.sender(50000) is None


def test_where_a_node_was_that_is_no_more_known() -> None:
    network = Network()
    old = network.announce("old").peer
    network.announce("new")
    assert network.peers.located(old, COAP_PORT) == ()


def test_nameless_nodes_are_apart_from_named_ones() -> None:
    peers = Peers()
    named = peers.announced("10.0.0.1", Naming.UNIQUE, "10.0.0.1", 40001, 0).peer
    nameless = peers.announced("10.0.0.1", Naming.LOCAL, "10.0.0.1", 40002, 0).peer
    assert named is not nameless
    assert len(peers) == 2


def test_a_host_crowds_out_nobody_but_itself() -> None:
    network = Network(Peers(limit=10, per_host=3))
    victim = network.announce("victim", host="10.0.0.9").peer
    gone: list[Peer] = []
    for number in range(100):
        gone += network.announce(f"flood-{number}", 1000 + number).gone
    assert len(network.peers) == 4
    assert network.peers.at(victim.address) is victim
    assert [peer.name for peer in gone[:2]] == ["flood-0", "flood-1"]


def test_the_longest_unheard_give_way() -> None:
    network = Network(Peers(limit=2))
    network.announce("a", host="10.0.0.1")
    network.announce("b", host="10.0.0.2")
    network.announce("a", host="10.0.0.1")
    change = network.announce("c", host="10.0.0.3")
    assert [peer.name for peer in change.gone] == ["b"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["h1", "h2"]),
        st.sampled_from([5683, 40001, 40002, 40003]),
        st.sampled_from([None, None, 5690, 40001]),
        st.sampled_from([None, "source", 5683]),
    ),
    max_size=30,
)


@given(STEPS)
def test_addresses_are_of_one_node_each(
    steps: list[tuple[str, str, int, int | None, str | int | None]],
) -> None:
    peers = Peers(limit=5, per_host=3)
    known: dict[str, Peer] = {}
    for name, host, source, said, found in steps:
        change = peers.announced(name, Naming.UNIQUE, host, source, 0, said=said)
        for peer in change.gone:
            assert known.pop(peer.name) is peer
            assert peers.at(peer.address) is not peer
        known[name] = change.peer
        assert change.peer not in change.gone
        if found is not None:
            peers.located(change.peer, source if found == "source" else COAP_PORT)
        assert len(peers) == len(known) <= 5
        assert all(peers.at(peer.address) is peer for peer in known.values())
        assert peers.sender(host, source, 0) in known.values()
        for each in ("h1", "h2"):
            ports = [p.port for p in known.values() if p.host == each and p.serves and not p.said]
            assert len(ports) == len(set(ports))
