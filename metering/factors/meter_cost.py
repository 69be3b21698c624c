"""What a meter's consumption costs: assigned tariffs, entered base prices, stored quarters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from metering.counter.model import GRAIN_US, Quarters
from metering.factors.assignments import OfInstitution, OfMeter, assignments
from metering.factors.base_prices import read as read_base_prices
from metering.factors.clock import midnight_us
from metering.factors.cost import Calendar, Cost, Pricer, span_begin, tiers_of
from metering.factors.layers import Piece, first_of
from metering.factors.meter_basic import BasicLine, DemandRule, Metered, basic_lines
from metering.factors.notes import carried_bases, unpublished_years
from metering.factors.rounding import of_micro, total
from metering.factors.tariff import Tariff, TimeOfUse, pieces
from registry.refusal import RefusedError
from storage.times import midnight

_METER: Final[LiteralString] = "SELECT id, energy, unit FROM meter WHERE code = %s"
_INSTITUTIONS: Final[LiteralString] = """
    SELECT i.code, lower(pr.valid), upper(pr.valid)
    FROM meter m
    JOIN place_room pr ON pr.place_id = m.place_id AND NOT isempty(pr.valid)
    JOIN room r ON r.id = pr.room_id
    JOIN building b ON b.id = r.building_id
    JOIN institution i ON i.id = b.institution_id
    WHERE m.id = %s AND pr.valid && tstzrange(%s, %s)
    ORDER BY pr.valid
"""
_QUARTERS: Final[LiteralString] = """
    SELECT (extract(epoch FROM slot) * 1000000)::int8, micro, estimated, covered_s, flags
    FROM consumption WHERE meter_id = %s AND slot >= %s AND slot < %s ORDER BY slot
"""
_BEFORE: Final[LiteralString] = """
    SELECT coalesce(sum(micro), 0)::int8 FROM consumption_day
    WHERE meter_id = %s AND day >= %s AND day < %s
"""
_KNOWN_BEFORE: Final[LiteralString] = """
    SELECT count(*) FROM consumption WHERE meter_id = %s AND slot >= %s AND slot < %s
"""
_POWER_TOTAL: Final = DemandRule()


@dataclass(frozen=True, slots=True)
class Pricing:
    """What pricing needs besides the database.

    Attributes:
        tariffs: all versions of all tariffs.
        calendar: says what a day is.
        zone: of the site.
        now: aware; of what is not over by then no demand is known.
        demand: how the demand of a meter is found.
        published: whether the calendar rests on the notice of a year.
    """

    tariffs: Sequence[Tariff]
    calendar: Calendar
    zone: ZoneInfo
    now: datetime
    demand: DemandRule = _POWER_TOTAL
    published: Callable[[int], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class MeterCost:
    """What a meter's consumption costs in a time, as far as the consumption is known.

    Attributes:
        costs: by tariff, in order; without basic charges.
        basic: lines of the basic charge, by month.
        unpriced: first day and day after the last of times without a tariff.
        missing_quarters: quarter hours with a tariff of which nothing is known.
        notes: what else the figures rest on, in Chinese.
    """

    costs: tuple[Cost, ...]
    basic: tuple[BasicLine, ...]
    unpriced: tuple[tuple[date, date], ...]
    missing_quarters: int
    notes: tuple[str, ...]

    @property
    def yuan(self) -> Decimal | None:
        """The exact sum for energy; None when any part is unknown, or nothing is known."""
        known = [cost.yuan for cost in self.costs if cost.yuan is not None and cost.quarters]
        whole = known and len(known) == len(self.costs) and not self.unpriced
        return total(known) if whole else None

    @property
    def basic_yuan(self) -> Decimal | None:
        """The sum of the basic charge; 0 without one, None when any line is unknown."""
        known = [line.yuan for line in self.basic if line.yuan is not None]
        return total(known) if len(known) == len(self.basic) else None

    @property
    def whole_yuan(self) -> Decimal | None:
        """Energy and basic charge together; None when either is unknown."""
        if self.yuan is None or self.basic_yuan is None:
            return None
        return total([self.yuan, self.basic_yuan])

    @property
    def why(self) -> str:
        """Why a sum is unknown, in Chinese; else empty."""
        found = [f"{begin} 至 {end - timedelta(days=1)} 没有电价" for begin, end in self.unpriced]
        found += [cost.why for cost in self.costs if cost.why]
        if any(not cost.quarters for cost in self.costs):
            found.append("没有用量数据")
        found += [line.why for line in self.basic if line.why]
        return "；".join(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A meter and a time."""

    meter_id: int
    meter: str
    energy: str
    begin: date
    end: date


def unit_of(conn: psycopg.Connection[Any], meter: str) -> str:
    """Return the unit of a meter's consumption; empty when there is no such meter."""
    row = conn.execute("SELECT unit FROM meter WHERE code = %s", [meter]).fetchone()
    return "" if row is None else str(row[0])


def meter_cost(
    conn: psycopg.Connection[Any], meter: str, begin: date, end: date, pricing: Pricing
) -> MeterCost:
    """Price what a meter counted.

    The meter's own tariff counts; on days without one, that of the institution it stands in.

    Args:
        conn: any connection.
        meter: its code.
        begin: first day, of the site's zone.
        end: day after the last.
        pricing: tariffs, calendar, zone.

    Raises:
        RefusedError: there is no such meter, it counts in another unit than prices are for, or the
            file of an assigned tariff is not there.
        ValueError: there is no day between ``begin`` and ``end``.
    """
    if begin >= end:
        raise ValueError(f"{begin} to {end} has no day: the end is the day after the last")
    row = conn.execute(_METER, [meter]).fetchone()
    if row is None:
        raise RefusedError(f"没有编码为 {meter} 的计量表：请核对编码")
    asked = _Asked(int(row[0]), meter, str(row[1]), begin, end)
    own = assigned(conn, OfMeter(meter), begin, end)
    shared = _of_institutions(conn, asked, pricing.zone)
    laid = first_of([own, shared], begin, end)
    spans = [
        Piece(first, last, tariff)
        for piece in laid
        if piece.value is not None
        for first, last, tariff in cut(pricing.tariffs, piece.value, piece.begin, piece.end)
    ]
    _check_unit(meter, str(row[2]), spans)
    entered = {span.value.code: read_base_prices(conn, span.value.code) for span in spans}
    priced = [Piece(s.begin, s.end, with_entered(s.value, entered[s.value.code])) for s in spans]
    costs = tuple(_cost(conn, asked.meter_id, span, pricing) for span in priced)
    expected = sum(_quarters_of(span.begin, span.end, pricing.zone) for span in spans)
    metered = Metered(asked.meter_id, meter, pricing.zone, pricing.demand, pricing.now)
    return MeterCost(
        costs=costs,
        basic=basic_lines(conn, metered, spans, (begin, end)),
        unpriced=tuple((piece.begin, piece.end) for piece in laid if piece.value is None),
        missing_quarters=expected - sum(cost.quarters for cost in costs),
        notes=(
            *unpublished_years(spans, pricing.published),
            *carried_bases(spans, entered),
            *(note for span in spans if (note := _gap_before(conn, asked, span, pricing.zone))),
            *_estimated(costs),
            *_fed_back(costs),
        ),
    )


def _check_unit(meter: str, unit: str, spans: Sequence[Piece[Tariff]]) -> None:
    """Refuse a meter that counts in another unit than prices are for: tonnes, not litres."""
    for tariff in (span.value for span in spans):
        if tariff.unit != unit:
            counted = f"计量表 {meter} 以 {unit} 计量，{tariff.name}按 {tariff.unit} 定价"
            raise RefusedError(f"{counted}：不能计价，请撤回指定")


def cut(
    tariffs: Sequence[Tariff], code: str, begin: date, end: date
) -> list[tuple[date, date, Tariff]]:
    """Return what holds of an assigned tariff when; see :func:`metering.factors.tariff.pieces`.

    Raises:
        RefusedError: its file is not there.
    """
    try:
        return pieces(tariffs, code, begin, end)
    except LookupError as error:
        raise RefusedError(
            f"已指定的电价方案 {code} 在 {begin} 没有电价文件：请放回该文件，或撤回指定"
        ) from error


def assigned(
    conn: psycopg.Connection[Any], subject: OfMeter | OfInstitution, begin: date, end: date
) -> list[Piece[str]]:
    """Return the tariffs that are assigned to one, by days."""
    found = assignments(conn, subject, begin, end)
    return [Piece(max(a.begin, begin), min(a.end or end, end), a.tariff) for a in found]


def _of_institutions(
    conn: psycopg.Connection[Any], asked: _Asked, zone: ZoneInfo
) -> list[Piece[str]]:
    """Return the tariffs of the institutions that the meter's place was in."""
    window = [midnight(day, zone) for day in (asked.begin, asked.end)]
    found: list[Piece[str]] = []
    for code, since, until in conn.execute(_INSTITUTIONS, [asked.meter_id, *window]).fetchall():
        # A place that moves on a day belongs to the new institution from that day on.
        first, last = _day(since, zone, asked.begin), _day(until, zone, asked.end)
        first, last = max(first, asked.begin), min(last, asked.end)
        if first < last:
            found += assigned(conn, OfInstitution(code, asked.energy), first, last)
    return found


def with_entered(tariff: Tariff, bases: Sequence[tuple[date, Decimal]]) -> Tariff:
    """Return a tariff with the base prices that were entered for it, where it needs some."""
    if not isinstance(tariff.scheme, TimeOfUse) or not tariff.scheme.multiplies:
        return tariff
    return tariff.with_bases(bases)


def _cost(
    conn: psycopg.Connection[Any], meter_id: int, span: Piece[Tariff], pricing: Pricing
) -> Cost:
    tariff, zone = span.value, pricing.zone
    rows = conn.execute(
        _QUARTERS, [meter_id, midnight(span.begin, zone), midnight(span.end, zone)]
    ).fetchall()
    window = (midnight_us(span.begin, zone), midnight_us(span.end, zone))
    pricer = Pricer(tariff, pricing.calendar, zone, *window)
    return pricer.cost(_quarters(rows), already_micro=_already(conn, meter_id, span))


def _already(conn: psycopg.Connection[Any], meter_id: int, span: Piece[Tariff]) -> int | None:
    """What was used since the tiers began anew, as far as it is known."""
    tiered = tiers_of(span.value)
    if tiered is None:
        return None
    row = conn.execute(_BEFORE, [meter_id, span_begin(tiered, span.begin), span.begin]).fetchone()
    return int(row[0]) if row is not None else 0


def _gap_before(
    conn: psycopg.Connection[Any], asked: _Asked, span: Piece[Tariff], zone: ZoneInfo
) -> str:
    """Say how much of the time since the tiers began is unknown: they may be too low."""
    tiered = tiers_of(span.value)
    if tiered is None:
        return ""
    start = span_begin(tiered, span.begin)
    window = [midnight(start, zone), midnight(span.begin, zone)]
    row = conn.execute(_KNOWN_BEFORE, [asked.meter_id, *window]).fetchone()
    missing = _quarters_of(start, span.begin, zone) - (int(row[0]) if row is not None else 0)
    if not missing:
        return ""
    return f"{start} 至 {span.begin - timedelta(days=1)} 有 {missing} 个刻钟用量未知，分档可能偏低"


def _estimated(costs: Sequence[Cost]) -> list[str]:
    micro = sum(cost.estimated_micro for cost in costs)
    if not micro:
        return []
    return [f"其中 {of_micro(micro).normalize():f} 为缺口分摊的估算用量，所属时段不确定"]


def _fed_back(costs: Sequence[Cost]) -> list[str]:
    count = sum(cost.backward_quarters for cost in costs)
    micro = sum(cost.backward_micro for cost in costs)
    if not count:
        return []
    fed = f"{of_micro(micro).normalize():f}"
    return [f"{count} 个刻钟净用量为负，共 {fed}，已按同价冲减；上网电量另有电价的，请单独计量"]


def _quarters(rows: Sequence[tuple[int, ...]]) -> Quarters:
    columns: Iterator[tuple[int, ...]] = zip(*rows, strict=True) if rows else iter([()] * 5)
    slot, micro, estimated, covered_s, flags = columns
    return Quarters(
        slot=np.asarray(slot, np.int64),
        micro=np.asarray(micro, np.int64),
        estimated=np.asarray(estimated, np.int64),
        covered_s=np.asarray(covered_s, np.int16),
        flags=np.asarray(flags, np.int16),
    )


def _day(moment: datetime | None, zone: ZoneInfo, otherwise: date) -> date:
    return otherwise if moment is None else moment.astimezone(zone).date()


def _quarters_of(begin: date, end: date, zone: ZoneInfo) -> int:
    return (midnight_us(end, zone) - midnight_us(begin, zone)) // GRAIN_US
