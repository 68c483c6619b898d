# SPDX-License-Identifier: BSD-3-Clause
"""Readings as text for other programs: CSV, JSON and SenML (RFC 8428), a page after the other."""

import csv
import io
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Final, Protocol

import msgspec

from pyaiot.model.samples import Sample

COLUMNS: Final = ("time", "node", "resource", "path", "value", "unit")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = 253_402_300_799_999_999
"""Microseconds until the end of the year 9999, the last that a date can say."""

# A spreadsheet takes what begins so for something to reckon; some look past spaces, and some take
# wide signs for the others. No percent sign, which is a unit.
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@|\uff1d\uff0b\uff0d\uff20]")

_encode: Final = msgspec.json.Encoder().encode


class Format(Protocol):
    """A way to write readings: the beginning, pages of them in order, and the end."""

    content_type: ClassVar[str]
    suffix: ClassVar[str]

    def begin(self) -> str: ...

    def page(self, samples: Sequence[Sample]) -> str: ...

    def end(self) -> str: ...


class Csv:
    """One line a reading (RFC 4180), with a heading; times are ISO 8601 in UTC.

    A text that a spreadsheet would take for a formula gets a ``'`` in front.
    """

    content_type: ClassVar[str] = "text/csv; charset=utf-8"
    suffix: ClassVar[str] = "csv"

    def begin(self) -> str:
        """The heading."""
        return _lines([COLUMNS])

    def page(self, samples: Sequence[Sample]) -> str:
        """Some lines."""
        return _lines(
            (
                iso(each.time_us),
                _name(each.node),
                _name(each.resource),
                _name(each.path),
                written(each.number) if each.number is not None else guarded(each.text or ""),
                _name(each.unit) if each.number is not None else "",
            )
            for each in samples
        )

    def end(self) -> str:
        """Nothing."""
        return ""


class _Array:
    """An array in JSON, one element a line."""

    def __init__(self) -> None:
        self._any = False

    def begin(self) -> str:
        """Its beginning."""
        return "["

    def page(self, samples: Sequence[Sample]) -> str:
        """Some elements."""
        lines = [_encode(each).decode() for each in self._elements(samples)]
        if not lines:
            return ""
        before = ",\n" if self._any else "\n"
        self._any = True
        return before + ",\n".join(lines)

    def end(self) -> str:
        """Its end."""
        return "\n]\n"

    def _elements(self, samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
        raise NotImplementedError


class Json(_Array):
    """An array of objects; times are seconds since the epoch."""

    content_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = "json"

    def _elements(self, samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
        for each in samples:
            yield as_object(each)


class SenML(_Array):
    """Sensor Measurement Lists (RFC 8428).

    What SenML cannot say is left out: nulls, and times before 1978, which it takes for relative.
    Numbers are in the units of its registry, where that has one for what was measured (100 Pa for
    1 hPa); a unit that is foreign to it stands there as the node said it.
    """

    content_type: ClassVar[str] = "application/senml+json"
    suffix: ClassVar[str] = "senml.json"

    def _elements(self, samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
        for each in samples:
            nothing = each.number is None and each.text is None
            if nothing or each.time_us < _ABSOLUTE * 1_000_000:
                continue
            record: dict[str, Any] = {"n": senml_name(each), "t": each.time_us / 1e6}
            if each.number is None:
                record["vs"] = each.text
            else:
                unit, number = registered(each.unit, each.number)
                if unit:
                    record["u"] = unit
                record["v"] = number
            yield record


_ABSOLUTE: Final = 1 << 28
"""Seconds; smaller times are relative to now (RFC 8428 section 4.5.3)."""

_UNITS: Final[Mapping[str, str]] = {
    "°C": "Cel", "℃": "Cel", "°": "deg", "Ω": "Ohm", "\N{OHM SIGN}": "Ohm", "lux": "lx", "L": "l",
    "m²": "m2", "m³": "m3", "m/s²": "m/s2", "m³/s": "m3/s", "L/s": "l/s", "W/m²": "W/m2",
    "cd/m²": "cd/m2", "kg/m³": "kg/m3",
}  # fmt: skip
"""Units that the registry of SenML calls otherwise."""

_SCALED: Final[Mapping[str, tuple[str, float, float]]] = {
    "hPa": ("Pa", 1e2, 0), "mbar": ("Pa", 1e2, 0), "kPa": ("Pa", 1e3, 0), "bar": ("Pa", 1e5, 0),
    "mm": ("m", 1e-3, 0), "cm": ("m", 1e-2, 0), "km": ("m", 1e3, 0),
    "ms": ("s", 1e-3, 0), "min": ("s", 60, 0), "h": ("s", 3600, 0), "km/h": ("m/s", 1 / 3.6, 0),
    "kHz": ("Hz", 1e3, 0), "MHz": ("Hz", 1e6, 0),
    "mV": ("V", 1e-3, 0), "kV": ("V", 1e3, 0), "mA": ("A", 1e-3, 0), "µA": ("A", 1e-6, 0),
    "mW": ("W", 1e-3, 0), "kW": ("W", 1e3, 0), "Wh": ("J", 3600, 0), "kWh": ("J", 3.6e6, 0),
    "kΩ": ("Ohm", 1e3, 0), "µT": ("T", 1e-6, 0), "uT": ("T", 1e-6, 0),
    "ppm": ("/", 1e-6, 0), "ppb": ("/", 1e-9, 0),
    "µg/m³": ("kg/m3", 1e-9, 0), "ug/m3": ("kg/m3", 1e-9, 0), "mg/m³": ("kg/m3", 1e-6, 0),
    "°F": ("Cel", 5 / 9, -160 / 9), "dBm": ("dBW", 1, -30),
}  # fmt: skip
"""Units that the registry has only in another size: which, and the factor and the summand.

Some of them are its *secondary units* (RFC 8798), which older readers of SenML do not know.
"""

_NAME: Final = frozenset(string.ascii_letters + string.digits + "-:./_")

FORMATS: Final[Mapping[str, type[Csv] | type[Json] | type[SenML]]] = {
    "csv": Csv,
    "json": Json,
    "senml": SenML,
}


def as_object(sample: Sample) -> dict[str, Any]:
    """A reading as JSON says it."""
    return {
        "time": sample.time_us / 1e6,
        "node": sample.node,
        "resource": sample.resource,
        "path": sample.path,
        "value": sample.text if sample.number is None else sample.number,
        "unit": sample.unit,
    }


def registered(unit: str, number: float) -> tuple[str, float]:
    """A quantity in the unit that the registry of SenML has for it."""
    # There are two of this letter, and keyboards have the first.
    known = unit.replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
    scaled = _SCALED.get(known)
    if scaled is None:
        return _UNITS.get(unit, unit), number
    unit, factor, summand = scaled
    # Without the noise of the last digits, that is what the node said.
    return unit, float(f"{number * factor + summand:.12g}")


def senml_name(sample: Sample) -> str:
    """The name of a series, of the characters that a name may have (RFC 8428 section 4.5.1).

    Others stand there as their number between underscores.
    """
    parts = [sample.node, sample.resource, *([sample.path] if sample.path else [])]
    name = "".join(
        char if char in _NAME else f"_{ord(char):x}_" for part in parts for char in f"/{part}"
    )[1:]
    return name if name[:1].isalnum() else f"n{name}"


def guarded(text: str) -> str:
    """`text` so that no spreadsheet reckons with it."""
    return f"'{text}" if _FORMULA.match(text) else text


_name: Final = lru_cache(maxsize=4096)(guarded)  # names come again and again


def written(number: float) -> str:
    """`number` exactly, without a fraction where it has none."""
    return repr(number).removesuffix(".0")


def iso(time_us: int) -> str:
    """A time as ``2026-11-28T02:20:00.123456Z``; beyond the year 9999, as its last moment."""
    second, micro = divmod(min(time_us, _LAST), 1_000_000)
    return f"{_second(second)}.{micro:06}Z" if micro else f"{_second(second)}Z"


@lru_cache(maxsize=1024)  # readings come in the order of time
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
