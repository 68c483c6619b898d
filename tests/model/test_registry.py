# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import given
from hypothesis import strategies as st

from pyaiot.model.registry import Registry


def test_finds_by_uid_and_by_address() -> None:
    registry = Registry()
    assert registry.settle("1234", "here") is None
    assert registry.address_of("1234") == "here"
    assert registry.uid_at("here") == "1234"
    assert registry.address_of("other") is None
    assert registry.uid_at("there") is None
    assert len(registry) == 1


def test_settling_again_changes_nothing() -> None:
    registry = Registry()
    registry.settle("1234", "here")
    assert registry.settle("1234", "here") is None
    assert len(registry) == 1


def test_a_node_moves() -> None:
    registry = Registry()
    registry.settle("1234", "here")
    assert registry.settle("1234", "there") is None
    assert registry.address_of("1234") == "there"
    assert registry.uid_at("here") is None


def test_an_address_changes_hands() -> None:
    registry = Registry()
    registry.settle("1234", "here")
    assert registry.settle("5678", "here") == "1234"
    assert registry.address_of("1234") is None
    assert registry.uid_at("here") == "5678"


def test_leaving() -> None:
    registry = Registry()
    registry.settle("1234", "here")
    assert registry.leave("1234") == "here"
    assert registry.leave("1234") is None
    assert registry.uid_at("here") is None
    assert len(registry) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", "z", None]))))
def test_both_sides_always_agree(moves: list[tuple[str, str | None]]) -> None:
    registry = Registry()
    latest: dict[str, str] = {}
    for uid, address in moves:
        if address is None:
            registry.leave(uid)
            latest.pop(uid, None)
        else:
            registry.settle(uid, address)
            latest = {u: a for u, a in latest.items() if a != address} | {uid: address}
    assert {uid: registry.address_of(uid) for uid in latest} == latest
    assert {registry.uid_at(address): address for address in latest.values()} == latest
    assert len(registry) == len(latest)
