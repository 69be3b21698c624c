"""Where sources of kilometres contradict each other: a question, whichever of them counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger.account import Account
from fleet.ledger.events import Stretch

_MM_IN_HM: Final = 100_000
_NAMES: Final = {"terminal": "终端里程", "gps": "卫星定位"}
# A trip under way at an end counts by its time. A sum that lacks a part is not known.
_BESIDE: Final[LiteralString] = """
    SELECT c.code, seen.days, way.gps_mm, way.terminal_mm
    FROM unnest(%(codes)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[])
            AS s (code, since, until)
    JOIN fuel_consumer c ON c.code = s.code AND c.withdrawn_at IS NULL
    CROSS JOIN LATERAL (
        SELECT count(*) AS days FROM vehicle_day d
        WHERE d.vehicle_id = c.vehicle_id AND d.fixes > d.bad
            AND d.day >= (s.since AT TIME ZONE %(zone)s)::date
            AND d.day <= ((s.until - interval '1 microsecond') AT TIME ZONE %(zone)s)::date
    ) seen
    CROSS JOIN LATERAL (
        SELECT CASE WHEN count(*) = count(distance_mm)
                THEN coalesce(sum(div(distance_mm * inside, whole)), 0)::int8 END AS gps_mm,
            CASE WHEN count(*) = count(terminal_mm)
                THEN sum(div(terminal_mm * inside, whole))::int8 END AS terminal_mm
        FROM (
            SELECT distance_mm::numeric, terminal_mm::numeric,
                extract(epoch FROM least(ended_at, s.until) - greatest(started_at, s.since))
                    AS inside,
                extract(epoch FROM ended_at - started_at) AS whole
            FROM trip
            WHERE vehicle_id = c.vehicle_id AND started_at < s.until AND ended_at > s.since
        ) AS parts
    ) way
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the other sources say of the same stretch.

    Attributes:
        unseen: days of it without a fix.
        hm: source → hundreds of metres; a source that does not know is not in it.
    """

    unseen: int
    hm: dict[str, int]


def beside(
    conn: psycopg.Connection[Any], found: Iterable[Account], zone: ZoneInfo
) -> dict[str, Beside]:
    """Return vehicle → what terminals and positions say of the stretch of its account.

    Vehicles without kilometres, or never seen on the stretch, are not in it.
    """
    spans = {one.consumer.code: one.stretch for one in found if isinstance(one.stretch, Stretch)}
    named = {
        "codes": list(spans),
        "since": [one.since for one in spans.values()],
        "until": [one.until for one in spans.values()],
        "zone": zone.key,
    }
    result = {}
    for code, seen, gps, terminal in conn.execute(_BESIDE, named):
        figures = {"terminal": terminal, "gps": gps}
        hm = {name: _hm(mm) for name, mm in figures.items() if mm is not None}
        if seen:
            result[code] = Beside(_days(spans[code], zone) - seen, hm)
    return result


def doubts(
    stretch: Stretch, others: Beside, percent: int, least_km: int
) -> tuple[tuple[str, int], ...]:
    """Return the sources that contradict a stretch: name and hundreds of metres.

    Args:
        stretch: what counts.
        others: what else is known.
        percent: a source contradicts when it differs by more than this share of the stretch,
        least_km: and by more than so many kilometres.
    """
    return tuple(
        (name, hm)
        for name, hm in others.hm.items()
        if name != stretch.source
        and abs(hm - stretch.hm) > least_km * 10
        and abs(hm - stretch.hm) * 100 > percent * stretch.hm
    )


def all_doubts(
    conn: psycopg.Connection[Any],
    found: Sequence[Account],
    zone: ZoneInfo,
    percent: int,
    least_km: int,
) -> dict[str, str]:
    """Return vehicle → its doubt in words, or what its kilometres lack; others are not in it."""
    others = beside(conn, found, zone)
    result = {}
    for one in found:
        code, stretch = one.consumer.code, one.stretch
        if code in others and isinstance(stretch, Stretch):
            its = doubts(stretch, others[code], percent, least_km)
            result[code] = said(its, others[code].unseen) or lacking(stretch, others[code].unseen)
    return {code: text for code, text in result.items() if text}


def said(found: tuple[tuple[str, int], ...], unseen: int) -> str:
    """Write doubts for the sheet; empty without any."""
    if not found:
        return ""
    parts = [f"{_NAMES[name]} {Decimal(hm).scaleb(-1)} km" for name, hm in found]
    holes = f"（其间 {unseen} 天没有定位）" if unseen else ""
    return f"里程待核对（疑点）：同期{'、'.join(parts)}{holes}"


def lacking(stretch: Stretch, unseen: int) -> str:
    """Say what a way from fix to fix may lack; empty for odometers, which count unseen."""
    if stretch.source != "gps" or not unseen:
        return ""
    return f"其间 {unseen} 天没有定位，里程可能少计"


def _hm(millimetres: int) -> int:
    return (millimetres + _MM_IN_HM // 2) // _MM_IN_HM


def _days(stretch: Stretch, zone: ZoneInfo) -> int:
    first, last = (at.astimezone(zone).date() for at in (stretch.since, stretch.until))
    whole = stretch.last is None  # ends at a midnight, which is no day of it
    return (last - first).days + (not whole)
