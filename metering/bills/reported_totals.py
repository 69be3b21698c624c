"""A month's reported figures, from institution to district to city, beside what meters counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.ledger import REASONS, SOURCES, amount_of, quantity_of
from metering.bills.month import Source
from metering.bills.reported import Part, Reported
from metering.bills.reporting import reported
from metering.bills.ways import undivided_text
from metering.bills.words import words
from metering.derive.times import next_month
from metering.quality.words import energy_names, unit_name
from metering.tree.holders import OUTSIDE
from metering.tree.report import (
    SUM,
    UNHELD,
    Grouping,
    Row,
    State,
    districts,
    month_report,
)
from metering.tree.report_table import Form, Table, Value
from registry.refusal import refuse

GROUPINGS: Final = frozenset({Grouping.INSTITUTION, Grouping.DISTRICT})
_NAMES: Final[LiteralString] = "SELECT id, code, name FROM institution"
_SHARE_DIGITS: Final = 9
_RESTS_ON: Final = (Source.BILLED, Source.METERED, Source.ENTERED)
_EACH, _SUM, _EXCLUDED = range(3)
_Key = tuple[int, str, str, str]
"""(one of the three above, code, name, energy)."""


@dataclass(frozen=True, slots=True)
class Total:
    """What is reported of an energy in a month, by one institution, a district, or the city.

    Attributes:
        code: of the institution or the district; empty for what has none.
        name: the same, for people; ``合计`` for the sum of all that is reported.
        reported: all of it; of a district and the city the parts of all who report there.
        metered: what meters counted for the same; None: no meters do.
    """

    code: str
    name: str
    reported: Reported
    metered: Row | None

    @property
    def state(self) -> State:
        """Say how much is known."""
        if self.reported.micro is not None:
            return State.COMPLETE
        return State.UNKNOWN if self.reported.known is None else State.INCOMPLETE


def reported_totals(
    conn: psycopg.Connection[Any],
    month: date,
    zone: ZoneInfo,
    by: Grouping = Grouping.INSTITUTION,
    energy: str | None = None,
) -> list[Total]:
    """Return what is reported of a month: by code and energy, then the sums, then what is excluded.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        month: its first day.
        zone: the site's.
        by: institution or district.
        energy: only of this kind.

    Raises:
        RefusedError: bills are not told apart by building, room or item.
    """
    if by not in GROUPINGS:
        refuse("--level", "票据只到机构，不分建筑、房间和分项：请用 institution 或 district")
    found = reported(conn, (month, next_month(month)), zone.key)
    wanted = [one for one in found if energy in {None, one.energy}]
    names = _names(conn, month, by)
    metered = _metered(month_report(conn, month, zone, by, energy).rows)
    groups: dict[_Key, list[Part]] = defaultdict(list)
    for one in wanted:
        if one.institution is None:
            groups[_EXCLUDED, "", UNHELD[OUTSIDE], one.energy].extend(one.parts)
        else:
            groups[_EACH, *names[one.institution], one.energy].extend(one.parts)
            groups[_SUM, "", SUM, one.energy].extend(one.parts)
    return [_total(key, groups[key], month, metered) for key in sorted(groups, key=_order)]


def _order(key: _Key) -> tuple[int, bool, str, int]:
    rank, code, _, energy = key
    return rank, not code, code, list(words().energies).index(energy)


def _total(
    key: _Key, parts: Sequence[Part], month: date, metered: Mapping[tuple[str, str, str], Row]
) -> Total:
    rank, code, name, energy = key
    counted = metered.get((code, name, energy))
    fits = counted is not None and counted.unit == words().energies[energy].unit
    whose = None if rank == _EXCLUDED else code
    given = Reported(whose, energy, month, tuple(parts))
    return Total(code, name, given, counted if fits else None)


def _names(conn: psycopg.Connection[Any], month: date, by: Grouping) -> dict[str, tuple[str, str]]:
    rows = conn.execute(_NAMES).fetchall()
    if by is Grouping.INSTITUTION:
        return {code: (code, name) for _, code, name in rows}
    places = districts(conn, month, [id_ for id_, _, _ in rows])
    return {code: places[id_] for id_, code, _ in rows}


def _metered(rows: Sequence[Row]) -> dict[tuple[str, str, str], Row]:
    return {(row.code, row.name, row.energy): row for row in rows}


def reported_table(totals: Sequence[Total]) -> Table:
    """Return the totals as a table; None is unknown."""
    columns = _COLUMNS
    return Table(
        name="上报汇总",
        keys=tuple(key for key, _, _ in columns),
        titles=tuple(title for _, title, _ in columns),
        forms=tuple(form for _, _, form in columns),
        rows=tuple(_row(total) for total in totals),
    )


_COLUMNS: Final = (
    ("code", "编码", Form.TEXT),
    ("name", "名称", Form.TEXT),
    ("energy", "能源", Form.TEXT),
    ("total", "上报用量", Form.QUANTITY),
    ("known", "其中已知", Form.QUANTITY),
    ("unit", "单位", Form.TEXT),
    ("amount", "金额（元）", Form.QUANTITY),
    ("known_amount", "已知金额（元）", Form.QUANTITY),
    ("source", "数据来源", Form.TEXT),
    ("by_bills", "其中票据", Form.QUANTITY),
    ("by_meters", "其中计量", Form.QUANTITY),
    ("by_records", "其中历史录入", Form.QUANTITY),
    ("estimated_share", "估算占比", Form.SHARE),
    ("institutions", "含机构", Form.COUNT),
    ("unknown_institutions", "未知机构", Form.COUNT),
    ("accounts", "含户号", Form.COUNT),
    ("unknown_accounts", "未知户号", Form.COUNT),
    ("metered", "计量用量", Form.QUANTITY),
    ("metered_state", "计量状态", Form.TEXT),
    ("difference", "票据－计量", Form.QUANTITY),
    ("reasons", "差异原因", Form.TEXT),
    ("state", "状态", Form.TEXT),
)


def _row(total: Total) -> tuple[Value, ...]:
    one, meters = total.reported, total.metered
    return (
        *(total.code, total.name, energy_names().get(one.energy, one.energy)),
        *(quantity_of(one.micro), quantity_of(one.known)),
        unit_name(words().energies[one.energy].unit),
        *(amount_of(one.fen), amount_of(one.known_fen)),
        "、".join(SOURCES[source] for source in one.sources),
        *(quantity_of(one.by_source.get(source)) for source in _RESTS_ON),
        _estimated(one),
        *(len(one.members), len(one.unknown_members)),
        *(len(one.accounts), len(one.unknown_accounts)),
        None if meters is None else quantity_of(meters.quantities[3]),
        "无计量表" if meters is None else meters.state.value,
        quantity_of(one.difference),
        "；".join(filter(None, [_reasons(one), _undivided(one)])),
        total.state.value,
    )


def _reasons(one: Reported) -> str:
    return "、".join(REASONS[reason] for reason in one.reasons)


def _undivided(one: Reported) -> str:
    return undivided_text(one.undivided_accounts) if one.undivided_accounts else ""


def _estimated(one: Reported) -> Decimal | None:
    if one.known is None:
        return None
    if not one.known:
        return Decimal(0)
    return round(min(Decimal(one.estimated) / one.known, Decimal(1)), _SHARE_DIGITS)
