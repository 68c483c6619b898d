# SPDX-License-Identifier: BSD-3-Clause
from pyaiot.broker.moves import Moves


def test_one_node_is_one_line() -> None:
    moves = Moves()
    moves.moved("1234", "a", "b", 0.0)
    assert moves.notes(0.5) == ["Node 1234 moved from gateway a to gateway b."]
    assert moves.notes(1.0) == []


def test_many_nodes_are_one_line_too() -> None:
    moves = Moves()
    for number in range(5):
        moves.moved(f"n{number}", "a", "b", 0.0)
    moves.moved("other", "b", "c", 0.0)
    assert moves.notes(0.5) == [
        "5 nodes (n0, n1, n2, …) moved from gateway a to gateway b.",
        "Node other moved from gateway b to gateway c.",
    ]


def test_a_quarrel_is_reported_once_a_minute() -> None:
    moves = Moves()
    said: list[str] = []
    for second in range(200):
        one, two = ("a", "b") if second % 2 else ("b", "a")
        moves.moved("1234", one, two, float(second))
        said += moves.notes(float(second))
    quarrels = [line for line in said if "claim" in line]
    assert quarrels[0] == (
        "Gateways a and b claim the same, and the newest claim wins: Node 1234."
        " Do two nodes have the same uid?"
    )
    assert len(quarrels) == 4
    assert len(said) == len(quarrels) + 2, "the first two moves could be honest ones"


def test_slow_moves_are_no_quarrel() -> None:
    moves = Moves()
    said = []
    for number in range(10):
        moves.moved("1234", "ab"[number % 2], "ba"[number % 2], number * 31.0)
        said += moves.notes(number * 31.0)
    assert len(said) == 10
    assert not any("claim" in line for line in said)


def test_a_quarrel_over_many_nodes_is_one_line() -> None:
    moves = Moves()
    for second in range(4):
        for number in range(100):
            moves.moved(f"n{number}", "ab"[second % 2], "ba"[second % 2], float(second))
    quarrels = [line for line in moves.notes(4.0) if "claim" in line]
    assert len(quarrels) == 1
    assert "100 nodes (n0, n1, n2, …)" in quarrels[0]


def test_what_is_long_past_is_forgotten() -> None:
    moves = Moves()
    for second in range(3):
        moves.moved("1234", "a", "b", float(second))
    assert len(moves.notes(3.0)) == 2
    moves.notes(100.0)
    assert not moves._recent
    assert not moves._reported
