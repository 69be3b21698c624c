"""What people say of yards, sealed times and duty, from a sheet or the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fleet.fence.rows import day
from fleet.ledger import cells
from fleet.ledger.lines import Line, Said, choice, utc
from fleet.ledger.words import meant, words
from fleet.yards.days import DAILY, known_words, read_clock, read_days
from registry.sheet import Row
from registry.vehicles import plain

FROM: Final = time(22)
TO: Final = time(6)
_TAIL: Final = re.compile(r"[0-9]([、,，和\s]*[0-9])*")
HEADINGS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "yards": {
        "fence": ("围栏编码", "停放地点", "围栏"),
        "vehicle": ("车辆", "车辆编码", "车牌号"),
        "institution": ("机构编码", "单位编码"),
        "days": ("哪些天", "日期类型"),
        "from_time": ("应在起时", "起时"),
        "to_time": ("应在止时", "止时"),
        "since": ("起始日期",),
        "last": ("截止日期",),
        "note": ("备注", "说明"),
    },
    "sealed": {
        "vehicle": ("车辆", "车辆编码", "车牌号"),
        "institution": ("机构编码", "单位编码"),
        "class": ("车辆类别", "车型"),
        "tail": ("尾号", "车牌尾号"),
        "days": ("哪些天", "日期类型"),
        "from_time": ("起时",),
        "to_time": ("止时",),
        "since": ("起始日期",),
        "last": ("截止日期",),
        "reason": ("依据", "原因", "文件"),
    },
    "duty": {
        "vehicle": ("车辆", "车辆编码", "车牌号"),
        "from_at": ("值班起", "起始时间"),
        "to_at": ("值班止", "截止时间"),
        "reason": ("原因", "值班内容", "备注"),
    },
}
"""Kind of sheet → field → what sheets call it, the usual one first."""


class Vehicles:
    """Vehicles of the inventory by code or plate."""

    def __init__(self, plates: Mapping[str, str]) -> None:
        """Take code → plate."""
        self._codes = set(plates)
        self._by_plate: dict[str, list[str]] = {}
        for code, plate in plates.items():
            self._by_plate.setdefault(plain(plate), []).append(code)

    def find(self, row: Row, *, needed: bool) -> str | None:
        """Return the code of the vehicle that a row names; None without one, or after a refusal."""
        word = row.needed("vehicle") if needed else row.text("vehicle")
        if not word or word in self._codes:
            return word or None
        found = self._by_plate.get(plain(word), []) if plain(word) else []
        if len(found) == 1:
            return found[0]
        said = f"指 {'、'.join(found)} 几辆，请改写编码" if found else "不在设备清单中，请核对"
        row.refuse("vehicle", f"车辆 {word} {said}")
        return None


def yard_line(row: Row, vehicles: Vehicles) -> Line | None:
    """Return where somebody's vehicles must be; None after a refusal."""
    before = len(row.refusals.found)
    fence, (since, until) = row.needed("fence"), _dates(row)
    vehicle, institution = _whose(row, vehicles)
    days = _days(row, DAILY)
    start, end = _clock(row, "from_time", FROM), _clock(row, "to_time", TO)
    if len(row.refusals.found) > before or since is None:
        return None
    values: dict[str, Said] = {
        "fence": fence,
        "vehicle": vehicle,
        "institution": institution,
        "days": days,
        "from_time": start.isoformat(),
        "to_time": end.isoformat(),
        "since": since.isoformat(),
        "until": until,
        "note": row.text("note"),
    }
    whose = f"{vehicle or ''}|{institution or ''}"
    return Line(row, "fleet_yard", f"{whose}|{fence}|{days}|{start:%H%M}|{since}", values)


def sealed_line(row: Row, vehicles: Vehicles) -> Line | None:
    """Return when somebody's vehicles are sealed; None after a refusal."""
    before = len(row.refusals.found)
    since, until = _dates(row)
    vehicle, institution = _whose(row, vehicles)
    days, kind = _days(row, DAILY), _class(row)
    tail, times = _tail(row), _times(row)
    if days == DAILY and not tail and until is None and not row.has("last"):
        row.refuse("last", "每天封存要写截止日期；只在节假日封存，请将“哪些天”写成 节假日")
    reason = row.needed("reason")
    if len(row.refusals.found) > before or since is None:
        return None
    values: dict[str, Said] = {
        "vehicle": vehicle,
        "institution": institution,
        "class": kind or "",
        "tail": tail,
        "days": days,
        **times,
        "since": since.isoformat(),
        "until": until,
        "reason": reason,
    }
    whose = f"{vehicle or ''}|{institution or ''}|{kind or ''}|{tail}"
    return Line(row, "fleet_sealed", f"{whose}|{days}|{since}", values)


def duty_line(row: Row, vehicles: Vehicles, zone: ZoneInfo) -> Line | None:
    """Return when a vehicle is on duty; None after a refusal."""
    before = len(row.refusals.found)
    vehicle, reason = vehicles.find(row, needed=True), row.needed("reason")
    start, end = _moment(row, "from_at", zone), _moment(row, "to_at", zone)
    if start is not None and end is not None and end <= start:
        row.refuse("to_at", "不晚于开始时间，请核对")
    if len(row.refusals.found) > before or start is None or end is None:
        return None
    values: dict[str, Said] = {
        "vehicle": vehicle,
        "from_at": utc(start),
        "to_at": utc(end),
        "reason": reason,
    }
    return Line(row, "fleet_duty", f"{vehicle}|{utc(start)}", values)


def _whose(row: Row, vehicles: Vehicles) -> tuple[str | None, str | None]:
    if row.has("vehicle") and row.has("institution"):
        row.refuse("institution", "车辆和机构只写一个；都不写为全部车辆")
    return vehicles.find(row, needed=False), row.text("institution") or None


def _dates(row: Row) -> tuple[date | None, str | None]:
    since, last = day(row, "since"), row.day("last")
    if since is not None and last is not None and last < since:
        row.refuse("last", f"{last} 早于起始日期 {since}，请核对")
    return since, None if last is None else (last + timedelta(days=1)).isoformat()


def _days(row: Row, usual: str) -> str:
    if not row.has("days"):
        return usual
    found = read_days(row.text("days"))
    if found is None:
        row.refuse("days", f"“{row.text('days')}”不认识，请从这些中选：{known_words()}")
    return found or usual


def _clock(row: Row, name: str, usual: time) -> time:
    value = row.values.get(name, "")
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0)
    if isinstance(value, timedelta):
        return (datetime.min + value).time()  # noqa: DTZ901 - a time of day
    if not row.has(name):
        return usual
    found = read_clock(row.text(name))
    if found is None:
        row.refuse(name, f"“{row.text(name)}”不是时刻，请写成 22:00")
    return found or usual


def _class(row: Row) -> str | None:
    if not row.has("class"):
        return ""
    options = words().choices["class"]
    known = [names[0] for names in options.values()]
    return choice(row, "class", meant(options, row.text("class")), known)


def _tail(row: Row) -> str:
    """Return the digits that plates end in, ascending."""
    text = row.text("tail")
    if text and not _TAIL.fullmatch(text):
        row.refuse("tail", f"“{text}”不是尾号，请写成 1、6")
        return ""
    return "".join(sorted(set(re.sub(r"\D", "", text))))


def _times(row: Row) -> dict[str, Said]:
    if not row.has("from_time") and not row.has("to_time"):
        return {"from_time": None, "to_time": None}
    for name, other in (("from_time", "to_time"), ("to_time", "from_time")):
        if not row.has(name):
            row.refuse(name, f"“{HEADINGS['sealed'][other][0]}”已填写，请两项都填，或都不填")
    start, end = _clock(row, "from_time", FROM), _clock(row, "to_time", TO)
    return {"from_time": start.isoformat(), "to_time": end.isoformat()}


def _moment(row: Row, name: str, zone: ZoneInfo) -> datetime | None:
    found = cells.moment(row, zone, name, "") if row.has(name) else None
    if found is None:
        if not row.has(name):
            row.needed(name)
        return None
    if not found[1]:
        row.refuse(name, f"“{row.text(name)}”没有钟点，请写成 2026-01-31 22:00")
        return None
    return found[0]
