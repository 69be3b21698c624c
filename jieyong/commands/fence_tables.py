"""Tables of what stands: fences, yards, sealed times, duty; of entries and exits. In Chinese."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from fleet.fence import fences
from fleet.fence.fences import Fence
from fleet.fence.rows import PLACES
from fleet.fence.visits import Seen
from fleet.ledger.words import words
from fleet.yards.days import shown_days
from fleet.yards.spans import Span, total
from jieyong.commands.giving import tabled
from registry.table import Row, Table
from storage.times import at_us

_HOUR_US: Final = 3_600_000_000
_STANDING: Final = (
    (
        "定点停放",
        (
            *(("id", "编号"), ("fence", "围栏"), ("whose", "车辆或机构"), ("days", "哪些天")),
            *(("times", "时段"), ("since", "自"), ("last", "至（含）"), ("note", "备注")),
        ),
        """
        SELECT y.id, y.fence, coalesce(v.code, i.name, '全部车辆') AS whose, y.days,
            to_char(y.from_time, 'HH24:MI') || '—' || to_char(y.to_time, 'HH24:MI') AS times,
            y.since, y.until - 1 AS last, y.note
        FROM fleet_yard y LEFT JOIN vehicle v ON v.id = y.vehicle_id
        LEFT JOIN institution i ON i.id = y.institution_id
        WHERE y.withdrawn_at IS NULL ORDER BY y.fence, y.id
        """,
    ),
    (
        "封存停驶",
        (
            *(("id", "编号"), ("whose", "车辆或机构"), ("class", "车辆类别"), ("tail", "尾号")),
            *(
                ("days", "哪些天"),
                ("times", "时段"),
                ("since", "自"),
                ("last", "至（含）"),
                ("reason", "依据"),
            ),
        ),
        """
        SELECT s.id, coalesce(v.code, i.name, '全部车辆') AS whose, s.class, s.tail, s.days,
            coalesce(to_char(s.from_time, 'HH24:MI') || '—' || to_char(s.to_time, 'HH24:MI'),
                '全天') AS times,
            s.since, s.until - 1 AS last, s.reason
        FROM fleet_sealed s LEFT JOIN vehicle v ON v.id = s.vehicle_id
        LEFT JOIN institution i ON i.id = s.institution_id
        WHERE s.withdrawn_at IS NULL ORDER BY s.since, s.id
        """,
    ),
    (
        "值班",
        (
            ("id", "编号"),
            ("vehicle", "车辆"),
            ("from_at", "起"),
            ("to_at", "止"),
            ("reason", "内容"),
        ),
        """
        SELECT d.id, v.code AS vehicle, d.from_at, d.to_at, d.reason
        FROM fleet_duty d JOIN vehicle v ON v.id = d.vehicle_id
        WHERE d.withdrawn_at IS NULL ORDER BY d.from_at, d.id
        """,
    ),
)
# A chain is any house of its name; a fence of no institution is of all.
_PLACES: Final = """
    SELECT p.kind, p.name, coalesce(i.name, '全部') AS institution, p.chain, p.since,
        p.until - 1 AS last, coalesce(string_agg(DISTINCT f.code, '、' ORDER BY f.code), '')
    FROM fleet_party p LEFT JOIN institution i ON i.id = p.institution_id
    LEFT JOIN fleet_fence f ON f.withdrawn_at IS NULL AND f.purpose = p.kind AND f.name = p.name
        AND (f.institution_id IS NULL OR f.institution_id = p.institution_id)
        AND daterange(f.since, f.until) && daterange(p.since, p.until)
    WHERE p.withdrawn_at IS NULL AND p.kind = ANY(%s)
    GROUP BY p.id, i.name ORDER BY p.kind, p.name, p.since, p.id
"""


def standing(conn: psycopg.Connection[Any], zone: ZoneInfo) -> list[Table]:
    """Return the tables of all that stands: fences, places of the ledger, yards, seals, duty."""
    found = [_fences(fences.standing(conn)), _places(conn)]
    for name, columns, statement in _STANDING:
        cursor = conn.execute(statement.encode())
        keys = [column.name for column in cursor.description or ()]
        rows = [
            {key: _shown(key, value, zone) for key, value in zip(keys, row, strict=True)}
            for row in cursor
        ]
        found.append(tabled(name, columns, rows))
    return found


def fence(one: Fence) -> str:
    """Say everything of a fence."""
    last = f"至 {one.last}" if one.last else "起"
    radius = f"，半径 {one.radius_m} 米" if one.radius_m else ""
    return "\n".join(
        (
            f"围栏 {one.code}（编号 {one.id}）{one.name}，自 {one.since} {last}{radius}",
            f"边界余量 {one.margin_m} 米，最短停留 {one.dwell_s // 60} 分钟",
            f"录入人 {one.entered_by}",
            f"录入坐标（{one.datum}）：{one.original}",
            f"WGS-84 坐标：{one.wgs84}",
        )
    )


def visits(seen: Seen, title: str, zone: ZoneInfo) -> Table:
    """Return the entries and exits of a vehicle, and how long nobody knows of any."""
    columns = (
        *(("fence", "围栏"), ("name", "名称"), ("what", "进出"), ("at", "时间")),
        *(("after", "前一定位"), ("before", "后一定位"), ("remark", "说明")),
    )
    found = [
        {
            "fence": one.fence.code,
            "name": one.fence.name,
            "what": "进入" if one.crossing.entered else "离开",
            "at": _moment(one.crossing.at_us, zone),
            "after": _moment(one.crossing.after_us, zone),
            "before": _moment(one.crossing.before_us, zone),
            "remark": "" if one.crossing.seen else "两次定位之间，时间为估算",
        }
        for one in seen.visits
    ]
    return replace(tabled("进出围栏", columns, found, title), remarks=_unseen(seen.unknown, zone))


def _unseen(spans: Sequence[Span], zone: ZoneInfo) -> tuple[str, ...]:
    if not spans:
        return ()
    most = max(spans, key=lambda span: span[1] - span[0])
    hours = f"{total(spans) / _HOUR_US:.1f}"
    return (f"共 {hours} 小时没有定位（最长 {spans_shown([most], zone)}），其间的进出不可知。",)


def _fences(found: Sequence[Fence]) -> Table:
    columns = (
        *(("id", "编号"), ("code", "编码"), ("name", "名称"), ("purpose", "定点类别")),
        *(("shape", "形状"), ("datum", "录入坐标系"), ("margin", "余量 米"), ("dwell", "停留 分")),
        *(("since", "自"), ("last", "至（含）"), ("note", "备注")),
    )
    rows = [
        {
            "id": str(one.id),
            "code": one.code,
            "name": one.name,
            "purpose": words().parties[one.purpose][0] if one.purpose else "",
            "shape": f"圆形 半径 {one.radius_m} 米" if one.radius_m else "多边形",
            "datum": one.datum,
            "margin": str(one.margin_m),
            "dwell": str(one.dwell_s // 60),
            "since": one.since.isoformat(),
            "last": "" if one.last is None else one.last.isoformat(),
            "note": one.note,
        }
        for one in found
    ]
    return tabled("围栏", columns, rows)


def _places(conn: psycopg.Connection[Any]) -> Table:
    """Return the designated places of the ledger, and what to enter of those without a fence."""
    columns = (
        *(("kind", "定点类别"), ("name", "名称"), ("institution", "单位"), ("since", "自")),
        *(("last", "至（含）"), ("fences", "围栏"), ("remark", "说明")),
    )
    rows = list[Row]()
    for kind, name, institution, chain, since, last, codes in conn.execute(_PLACES, [list(PLACES)]):
        called = words().parties[kind][0]
        how = f"jieyong fence enter 编码 --purpose {called} --name {shlex.quote(name)}"
        lacks = "" if codes or chain else f"没有坐标，请录入围栏：{how}"
        rows.append(
            {
                "kind": called,
                "name": name,
                "institution": institution,
                "since": since.isoformat(),
                "last": "" if last is None else last.isoformat(),
                "fences": codes,
                "remark": "连锁，各点均可" if chain and not codes else lacks,
            }
        )
    return tabled("定点单位", columns, rows)


def _shown(key: str, value: object, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if key == "days":
        return shown_days(str(value))
    if key == "class":
        return words().name("class", str(value)) if value else ""
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def spans_shown(spans: Sequence[Span], zone: ZoneInfo) -> str:
    """Return spans of µs UTC as people read them, in a zone."""
    return "；".join(f"{_minute(start, zone)}—{_minute(end, zone)}" for start, end in spans)


def _minute(us: int, zone: ZoneInfo) -> str:
    return f"{at_us(us).astimezone(zone):%m-%d %H:%M}"


def _moment(us: int, zone: ZoneInfo) -> str:
    return f"{at_us(us).astimezone(zone):%Y-%m-%d %H:%M:%S}"
