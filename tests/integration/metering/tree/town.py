"""A town to hang meters in: what the tests of the tree put into the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.range import TimestamptzRange

from metering.counter.model import GRAIN_US
from metering.derive.rollup import Window, roll_up
from registry.audit import Act
from storage.times import us_of

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
ACT = Act("李会计", NOON)
EVER = TimestamptzRange(None, None)
QUARTER = timedelta(minutes=15)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def since(day: date | None, until: date | None = None) -> TimestamptzRange:
    return TimestamptzRange(
        midnight(day) if day is not None else None, midnight(until) if until is not None else None
    )


class Town:
    """Puts things into a database; everything is known by its code."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.ids: dict[str, int] = {}

    def institution(self, code: str, parent: str | None = None) -> int:
        return self._add(
            code,
            "INSERT INTO institution (code, name, parent_id) VALUES (%s, %s, %s) RETURNING id",
            [code, code, parent and self.ids[parent]],
        )

    def building(self, code: str, institution: str) -> int:
        return self._add(
            code,
            "INSERT INTO building (code, name, institution_id) VALUES (%s, %s, %s) RETURNING id",
            [code, code, self.ids[institution]],
        )

    def room(self, code: str, building: str) -> int:
        return self._add(
            code,
            "INSERT INTO room (code, name, building_id) VALUES (%s, %s, %s) RETURNING id",
            [code, code, self.ids[building]],
        )

    def house(self, *codes: str) -> None:
        """Institutions, each with a building (b-…) and a room (r-…)."""
        for code in codes:
            self.institution(code)
            self.building(f"b-{code}", code)
            self.room(f"r-{code}", f"b-{code}")

    def meter(self, code: str, room: str | None, **columns: object) -> int:
        """A meter at a place of its own in a room."""
        place = self._add(
            f"p-{code}",
            "INSERT INTO place (code, name, measures) VALUES (%s, %s, 'energy') RETURNING id",
            [f"p-{code}", code],
        )
        if room is not None:
            self.put(code, room, EVER)
        return self._meter(code, {"place_id": place, **columns})

    def virtual(self, code: str, formula: str, **columns: object) -> int:
        return self._meter(code, {"formula": formula, **columns})

    def put(self, meter: str, room: str, valid: TimestamptzRange) -> None:
        self.conn.execute(
            "INSERT INTO place_room VALUES (%s, %s, %s)",
            [self.ids[f"p-{meter}"], self.ids[room], valid],
        )

    def hang(self, meter: str, main: str, valid: TimestamptzRange = EVER) -> None:
        self.conn.execute(
            "INSERT INTO meter_main VALUES (%s, %s, %s)", [self.ids[meter], self.ids[main], valid]
        )

    def quarters(self, meter: str, begin: datetime, micros: Mapping[int, int | None]) -> Window:
        """Replace quarters by their number from a begin on; None: nothing is known."""
        id_ = self.ids[meter]
        slots = {begin + n * QUARTER: micro for n, micro in micros.items()}
        self.conn.execute(
            "DELETE FROM consumption WHERE meter_id = %s AND slot = ANY(%s)", [id_, list(slots)]
        )
        self.conn.cursor().executemany(
            "INSERT INTO consumption VALUES (%s, %s, %s, 0, 900, 0)",
            [(id_, slot, micro) for slot, micro in slots.items() if micro is not None],
        )
        return Window(id_, us_of(min(slots)), us_of(max(slots)) + GRAIN_US)

    def known(self, meter: str, begin: datetime, micros: Mapping[int, int | None]) -> Window:
        """The same, with hours, days and months."""
        window = self.quarters(meter, begin, micros)
        roll_up(self.conn, [window], ZONE)
        return window

    def days(self, meter: str, figures: Mapping[date, int]) -> None:
        """Whole days, and the months they make, without quarters."""
        id_ = self.ids[meter]
        self.conn.cursor().executemany(
            "INSERT INTO consumption_day VALUES (%s, %s, %s, 0, 86400, 0)",
            [(id_, day, micro) for day, micro in figures.items()],
        )
        self.conn.execute(
            """
            INSERT INTO consumption_month
            SELECT meter_id, date_trunc('month', day::timestamp)::date, sum(micro), sum(estimated),
                   sum(covered_s), bit_or(flags)
            FROM consumption_day WHERE meter_id = %s GROUP BY 1, 2
            """,
            [id_],
        )

    def _meter(self, code: str, columns: Mapping[str, object]) -> int:
        row: dict[str, object] = {"energy": "electricity", "unit": "kWh"} | dict(columns)
        names, holes = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        query = f"INSERT INTO meter (code, name, {names}) VALUES (%(c)s, %(c)s, {holes})"
        return self._add(code, f"{query} RETURNING id", {"c": code, **row})

    def _add(self, code: str, query: str, values: Sequence[object] | Mapping[str, object]) -> int:
        row = self.conn.execute(query.encode(), values).fetchone()
        assert row is not None
        self.ids[code] = int(row[0])
        return self.ids[code]


def month_of(micro: int, first: date) -> dict[date, int]:
    """A month's figure as whole days: all but the last use a thirtieth."""
    following = (first + timedelta(days=31)).replace(day=1)
    length = (following - first).days
    days = {first + timedelta(days=n): micro // length for n in range(length)}
    days[following - timedelta(days=1)] += micro - sum(days.values())
    return days


def wait_for_lock(town: Town, kind: str) -> None:
    """Wait until some session waits for a lock."""
    query = """
        SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = %s AND NOT granted AND datname = current_database()
    """
    until = datetime.now(UTC) + timedelta(seconds=60)
    while town.conn.execute(query, [kind]).fetchone() == (0,):
        assert datetime.now(UTC) < until, "nobody waits"
