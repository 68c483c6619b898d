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
                if each.unit:
                    record["u"] = _UNITS.get(each.unit, each.unit)
                record["v"] = each.number
            yield record


_ABSOLUTE: Final = 1 << 28
"""Seconds; smaller times are relative to now (RFC 8428 section 4.5.3)."""

_UNITS: Final[Mapping[str, str]] = {"°C": "Cel", "Ω": "Ohm", "lux": "lx", "m²": "m2", "m³": "m3"}
"""Units that the registry of SenML calls otherwise."""

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
