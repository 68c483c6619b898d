# SPDX-License-Identifier: BSD-3-Clause
"""Which series there are, and their numbers in the database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pyaiot.model.samples import Sample
from pyaiot.store.engine import Engine
from pyaiot.store.forgotten import beginnings
from pyaiot.store.schema import FACTS, SERIES

MAX_OF_RESOURCE: Final = 128
"""Series of one resource of one node; a node that makes up ever new members is cut off there."""
MAX_OF_NODE: Final = 16_384
"""And of one node, with all its resources: as many as a broker lets it have at once."""

_MAX_KNOWN: Final = 200_000
_AT_ONCE: Final = 500
_FACT: Final = "series"
"""The highest number of a series that was deleted."""


class SeriesKey(NamedTuple):
    """One series: a resource of a node, and the place in its value."""

    node: str
    resource: str
    path: str = ""


Row: TypeAlias = tuple[int, int, float | None, str | None]
"""A series by its number, a time, and one of number and text."""


class _Known(NamedTuple):
    number: int
    unit: str


class SeriesBook:
    """Remembers the numbers of series that were asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[SeriesKey, _Known] = {}
        self._late: dict[SeriesKey, _Known] = {}
        """Of nodes that were forgotten once: each sample is looked at by itself."""
        self._beginnings: dict[str, int] = {}
        """From when on samples of these nodes count."""
        self._of_resource: Counter[tuple[str, str]] = Counter()
        self._of_node: Counter[str] = Counter()
        self.refused = 0
        """Samples that were not kept because their resource, or node, has too many series."""

    def rows(self, samples: Iterable[Sample]) -> tuple[list[Row], list[Sample]]:
        """Rows of the table of readings, and the samples whose series are to be entered first."""
        # Called for each reading; a plain tuple is as good a key.
        known = cast("dict[tuple[str, str, str], _Known]", self._known)
        rows: list[Row] = []
        others: list[Sample] = []
        for each in samples:
            found = known.get((each.node, each.resource, each.path))
            if found is None or (each.unit and each.unit != found[1]):
                others.append(each)
            else:
                rows.append((found[0], each.time_us, each.number, each.text))
        return rows, others

    def row(self, sample: Sample) -> Row | None:
        """The row of a sample, whatever its unit; None where its series is not known."""
        found = self._find(SeriesKey(sample.node, sample.resource, sample.path))
        return None if found is None else (found.number, sample.time_us, sample.number, sample.text)

    def forget(self) -> None:
        """Ask the database again from now on."""
        self._known.clear()
        self._late.clear()
        self._beginnings.clear()
        self._of_resource.clear()
        self._of_node.clear()

    async def enter(
        self, connection: AsyncConnection, samples: Sequence[Sample]
    ) -> Sequence[Sample]:
        """Know the series of all `samples`, new ones too, and their newest units.

        Gives those that are to be kept: not what was measured before its node was forgotten. Call
        `forget` if the transaction fails: what it would have made is not there then.
        """
        strange = self._strange(samples)
        if len(self._known) + len(self._late) + len(strange) > _MAX_KNOWN:
            self.forget()
            strange = self._strange(samples)
        if strange:
            nodes = {key.node for key in strange}
            self._beginnings |= await beginnings(self._engine, connection, nodes)
        kept = self._timely(samples)
        wanted: dict[SeriesKey, str] = {}
        for sample in kept:
            key = SeriesKey(sample.node, sample.resource, sample.path)
            found = self._find(key)
            if found is None:
                # Whoever is refused all the time has nobody look at all that they have each time.
                if not self._is_full(key):
                    wanted[key] = sample.unit or wanted.get(key, "")
            elif sample.unit and sample.unit != found.unit:
                wanted[key] = sample.unit
        if wanted:
            missing = {key.node for key in wanted if self._find(key) is None}
            await self._look_up(connection, sorted(missing))
            await self._make(connection, wanted)
            await self._rename(connection, wanted)
        return kept

    def _strange(self, samples: Iterable[Sample]) -> set[SeriesKey]:
        """Series that are not known."""
        keys = {SeriesKey(each.node, each.resource, each.path) for each in samples}
        return {key for key in keys if self._find(key) is None}

    def _timely(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Those that count."""
        if not self._beginnings:
            return samples
        begins = self._beginnings
        return [each for each in samples if each.time_us >= begins.get(each.node, each.time_us)]

    def _find(self, key: SeriesKey) -> _Known | None:
        return self._known.get(key) or self._late.get(key)

    def _is_full(self, key: SeriesKey) -> bool:
        """Whether it is known that there is no room for a new series."""
        return (
            self._of_resource[key[:2]] >= MAX_OF_RESOURCE or self._of_node[key.node] >= MAX_OF_NODE
        )

    def _know(self, key: SeriesKey, known: _Known) -> None:
        if key.node in self._beginnings:
            self._known.pop(key, None)
            self._late[key] = known
        else:
            self._known[key] = known

    async def _look_up(self, connection: AsyncConnection, nodes: Sequence[str]) -> None:
        for start in range(0, len(nodes), _AT_ONCE):
            query = select(SERIES).where(SERIES.c.node.in_(nodes[start : start + _AT_ONCE]))
            for number, node, resource, path, unit in await connection.execute(query):
                key = SeriesKey(node, resource, path)
                if self._find(key) is None:
                    self._of_resource[node, resource] += 1
                    self._of_node[node] += 1
                self._know(key, _Known(number, unit))

    async def _make(self, connection: AsyncConnection, wanted: dict[SeriesKey, str]) -> None:
        new = [key for key in wanted if self._find(key) is None]
        if not new:
            return
        taken = Counter({each[:2]: self._of_resource[each[:2]] for each in new})
        room = {each.node: MAX_OF_NODE - self._of_node[each.node] for each in new}
        rows: list[dict[str, Any]] = []
        for key in new:
            if taken[key[:2]] < MAX_OF_RESOURCE and room[key.node] > 0:
                taken[key[:2]] += 1
                room[key.node] -= 1
                rows.append({**key._asdict(), "unit": wanted[key]})
        if rows:
            if self._engine.dialect == "sqlite":
                first = await _unused(connection)
                rows = [{"id": first + count, **row} for count, row in enumerate(rows)]
            await connection.execute(self._engine.insert(SERIES).on_conflict_do_nothing(), rows)
            await self._look_up(connection, sorted({key.node for key in new}))

    async def _rename(self, connection: AsyncConnection, wanted: dict[SeriesKey, str]) -> None:
        for key, unit in wanted.items():
            known = self._find(key)
            if known is not None and unit and unit != known.unit:
                statement = update(SERIES).where(SERIES.c.id == known.number).values(unit=unit)
                await connection.execute(statement)
                self._know(key, _Known(known.number, unit))


async def number_of(connection: AsyncConnection, key: SeriesKey) -> tuple[int, str] | None:
    """The number and the unit of a series, or None where there is none."""
    query = select(SERIES.c.id, SERIES.c.unit).where(
        SERIES.c.node == key.node, SERIES.c.resource == key.resource, SERIES.c.path == key.path
    )
    row = (await connection.execute(query)).first()
    return None if row is None else (row.id, row.unit)


async def drop(engine: Engine, connection: AsyncConnection, number: int) -> None:
    """Delete a series; its number is never given to another.

    Whoever knows it still would take that for it.
    """
    await connection.execute(delete(SERIES).where(SERIES.c.id == number))
    if engine.dialect == "sqlite":
        value = max(number, await _highest_dropped(connection))
        statement = engine.insert(FACTS).values(name=_FACT, value=value)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=[FACTS.c.name], set_={"value": value})
        )


async def _unused(connection: AsyncConnection) -> int:
    """A number from which on no series has, or had, one. Only SQLite would use them again."""
    highest = await connection.scalar(select(func.max(SERIES.c.id))) or 0
    return max(highest, await _highest_dropped(connection)) + 1


async def _highest_dropped(connection: AsyncConnection) -> int:
    return await connection.scalar(select(FACTS.c.value).where(FACTS.c.name == _FACT)) or 0


async def count(connection: AsyncConnection) -> int:
    """How many series there are."""
    return await connection.scalar(select(func.count()).select_from(SERIES)) or 0
