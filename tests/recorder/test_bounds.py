# SPDX-License-Identifier: BSD-3-Clause
import math
from typing import Any

import pytest

from pyaiot.recorder.bounds import Bounds, Verdict
from tests.recorder.travelling import rule


def verdicts(condition: str, values: list[float | str | None], **members: Any) -> str:
    """For each value `W`rong, `N`early, `R`ight, or `-` where it says nothing."""
    bounds = Bounds(rule(condition, **members))
    letters = {Verdict.WRONG: "W", Verdict.NEARLY: "N", Verdict.RIGHT: "R", None: "-"}
    return "".join(
        letters[bounds.judge(None, value) if isinstance(value, str) else bounds.judge(value, None)]
        for value in values
    )


@pytest.mark.parametrize(
    ("condition", "members", "values", "expected"),
    [
        ("above", {"high": 30}, [29, 30, 30.1, math.inf], "RRWW"),
        ("above", {"high": 30, "hysteresis": 2}, [28, 28.1, 30, 31], "RNNW"),
        ("above", {"high": 30, "low": 10}, [5], "R"),
        ("below", {"low": 5}, [4.9, 5, -math.inf], "WRW"),
        ("below", {"low": 5, "hysteresis": 1}, [4, 5, 5.9, 6], "WNNR"),
        ("below", {"low": 5, "high": 10}, [11], "R"),
        ("outside", {"low": 0, "high": 10}, [-1, 0, 5, 10, 11], "WRRRW"),
        ("outside", {"low": 0, "high": 10, "hysteresis": 1}, [-1, 0, 1, 9, 9.5, 11], "WNRRNW"),
        ("above", {"high": 30}, [math.nan, "on", None], "---"),
        ("equals", {"low": 1}, [1, 0, "on", None], "WRR-"),
        ("equals", {"high": 1}, [1, 2], "WR"),
        ("equals", {"low": 1, "hysteresis": 0.5}, [1, 1.5, 1.6], "WNR"),
        ("equals", {"text": "open"}, ["open", " open ", "Open", "closed", 1], "WWRRR"),
        ("equals", {"text": "21"}, [21, "21", 22], "WWR"),
        ("equals", {"text": "true"}, [1, 0, "true"], "WRW"),
        ("equals", {"text": "False"}, [0, 1], "WR"),
        ("rate", {"high": 2}, [2, 2.1, -100], "RWR"),
        ("rate", {"low": -2, "high": 2}, [-3, 0, 3], "WRW"),
        ("rate", {"low": -2}, [-3, 100], "WR"),
    ],
)
def test_verdicts(
    condition: str, members: dict[str, Any], values: list[float | str | None], expected: str
) -> None:
    assert verdicts(condition, values, **members) == expected


@pytest.mark.parametrize(
    ("condition", "members", "phrase"),
    [
        ("above", {"high": 30}, "above 30"),
        ("below", {"low": 0.5}, "below 0.5"),
        ("outside", {"low": 0, "high": 10}, "outside 0 to 10"),
        ("rate", {"high": 2}, "more than 2 a second"),
        ("rate", {"low": -2}, "less than -2 a second"),
        ("rate", {"low": -2, "high": 2}, "outside -2 to 2 a second"),
        ("equals", {"text": "open"}, ""),
        ("offline", {}, ""),
    ],
)
def test_says_what_is_wrong(condition: str, members: dict[str, Any], phrase: str) -> None:
    assert Bounds(rule(condition, **members)).phrase == phrase
