# SPDX-License-Identifier: BSD-3-Clause
import json
from pathlib import Path

import pytest

import pyaiot.dashboard
from pyaiot.model.value import Quantity, Value

CASES = Path(pyaiot.dashboard.__file__).parent / "frontend" / "tests" / "quantities.json"


@pytest.mark.parametrize(("value", "number", "unit"), json.loads(CASES.read_text("utf-8")))
def test_the_page_and_the_services_see_the_same_numbers(
    value: Value, number: float | None, unit: str
) -> None:
    quantity = Quantity.of(value)
    expected = None if number is None else Quantity(number, unit)
    assert quantity == expected
