# SPDX-License-Identifier: BSD-3-Clause
import csv
import io
import json

import pytest

from pyaiot.model.samples import Sample
from pyaiot.store.formats import FORMATS, Format, guarded, iso, registered, senml_name, written

T = 1_790_000_000_123_456
SAMPLES = [
    Sample("n1", "temperature", "", T, -5.0, None, "°C"),
    Sample("n1", "imu", "acc.x", T + 1, 1.25, None),
    Sample("n1", "text", "", T + 2, None, "=cmd()", ""),
    Sample("n1", "text", "", T + 3, None, 'a "b",\nc', ""),
    Sample("n1", "none", "", T + 4, None, None, ""),
    Sample("n1", "old", "", 5_000_000, 1.0, None, "V"),
]


def whole(name: str, *pages: list[Sample]) -> str:
    form: Format = FORMATS[name]()
    return form.begin() + "".join(form.page(page) for page in pages) + form.end()


def test_csv() -> None:
    text = whole("csv", SAMPLES[:2], [], SAMPLES[2:])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["time", "node", "resource", "path", "value", "unit"],
        ["2026-09-21T14:13:20.123456Z", "n1", "temperature", "", "-5", "°C"],
        ["2026-09-21T14:13:20.123457Z", "n1", "imu", "acc.x", "1.25", ""],
        ["2026-09-21T14:13:20.123458Z", "n1", "text", "", "'=cmd()", ""],
        ["2026-09-21T14:13:20.123459Z", "n1", "text", "", 'a "b",\nc', ""],
        ["2026-09-21T14:13:20.123460Z", "n1", "none", "", "", ""],
        ["1970-01-01T00:00:05Z", "n1", "old", "", "1", "V"],
    ]
    assert text.endswith("\r\n")


@pytest.mark.parametrize(
    "begin",
    [
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "  =",
        "\u00a0@",
        "|",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    ],
)
def test_no_cell_is_a_formula(begin: str) -> None:
    evil = f"{begin}1+1"
    assert guarded(evil) == f"'{evil}"
    text = whole(
        "csv", [Sample(evil, evil, evil, T, None, evil), Sample("n", "r", "", T, 1.0, None, evil)]
    )
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert rows[0][1:] == [f"'{evil}"] * 4 + [""]
    assert rows[1][5] == f"'{evil}"
    assert guarded("a=b") == "a=b"
    assert guarded("%") == "%"


def test_json() -> None:
    found = json.loads(whole("json", SAMPLES[:1], SAMPLES[1:]))
    assert [each["value"] for each in found] == [-5.0, 1.25, "=cmd()", 'a "b",\nc', None, 1.0]
    assert found[1] == {
        "time": (T + 1) / 1e6, "node": "n1", "resource": "imu", "path": "acc.x", "value": 1.25,
        "unit": "",
    }  # fmt: skip


def test_senml() -> None:
    found = json.loads(whole("senml", SAMPLES[:2], SAMPLES[4:], SAMPLES[2:4]))
    assert found == [
        {"n": "n1/temperature", "t": T / 1e6, "u": "Cel", "v": -5.0},
        {"n": "n1/imu/acc.x", "t": (T + 1) / 1e6, "v": 1.25},
        {"n": "n1/text", "t": (T + 2) / 1e6, "vs": "=cmd()"},
        {"n": "n1/text", "t": (T + 3) / 1e6, "vs": 'a "b",\nc'},
    ]
    assert senml_name(Sample("_ü", "a b", "", T, 1.0, None)) == "n__fc_/a_20_b"


@pytest.mark.parametrize(
    ("unit", "number", "known"),
    [
        ("hPa", 1013.2, ("Pa", 101320)),
        ("°F", 68.0, ("Cel", 20)),
        ("\N{GREEK SMALL LETTER MU}g/m³", 12.5, ("kg/m3", 1.25e-8)),
        ("\N{MICRO SIGN}T", 48.0, ("T", 4.8e-5)),
        ("km/h", 36.0, ("m/s", 10)),
        ("dBm", -70.5, ("dBW", -100.5)),
        ("\N{OHM SIGN}", 1 / 3, ("Ohm", 1 / 3)),
        ("m/s²", 9.81, ("m/s2", 9.81)),
        ("V", 3.3, ("V", 3.3)),
        ("", 1e300, ("", 1e300)),
        ("furlongs", 7.0, ("furlongs", 7)),
    ],
)
def test_units_of_senml(unit: str, number: float, known: tuple[str, float]) -> None:
    assert registered(unit, number) == known
    (found,) = json.loads(whole("senml", [Sample("n", "r", "", T, number, None, unit)]))
    assert (found.get("u", ""), found["v"]) == known


@pytest.mark.parametrize("name", ["json", "senml"])
def test_arrays_of_nothing(name: str) -> None:
    assert json.loads(whole(name)) == []
    assert json.loads(whole(name, [])) == []


def test_words() -> None:
    assert [written(each) for each in (5.0, -0.1, 1e300, 1 / 3)] == [
        "5", "-0.1", "1e+300", "0.3333333333333333",
    ]  # fmt: skip
    assert iso(10**18) == "9999-12-31T23:59:59.999999Z"
