"""`jieyong fence enter|yard|seal|duty`: entering fences, yards, sealed times and duty."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from fleet.yards import entry
from jieyong.commands import asked
from jieyong.commands.options import ThisVehicle
from jieyong.commands.session import By, Config, session
from registry.refusal import refuse

Since = Annotated[str, typer.Option("--since", help="起始日期，如 2026-01-01。")]
Until = Annotated[str, typer.Option("--until", help="截止日期（不含）；不写为长期。")]
Institution = Annotated[str, typer.Option("--institution", help="机构编码。")]
Vehicle = Annotated[str, typer.Option("--vehicle", help="车辆编码或车牌。")]
Days = Annotated[
    str,
    typer.Option("--days", help="每天、工作日、周末、节假日、周一…周日；可写多个，用顿号隔开。"),
]


def enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: Annotated[str, typer.Argument(help="围栏编码。")],
    datum: Annotated[
        str, typer.Option("--datum", help="坐标系：WGS84、GCJ02（高德、腾讯）、BD09（百度）。")
    ],
    since: Since,
    name: Annotated[str, typer.Option("--name", help="名称。")] = "",
    purpose: Annotated[
        str, typer.Option("--purpose", help="定点停放、定点加油站、定点维修厂；可不写。")
    ] = "",
    institution: Institution = "",
    lon: Annotated[str, typer.Option("--lon", help="圆心经度。")] = "",
    lat: Annotated[str, typer.Option("--lat", help="圆心纬度。")] = "",
    radius: Annotated[str, typer.Option("--radius", help="半径，米。")] = "",
    corners: Annotated[
        str, typer.Option("--corners", help="多边形各点：“经度,纬度 经度,纬度 …”。")
    ] = "",
    margin: Annotated[str, typer.Option("--margin", help="边界余量，米；缺省 50。")] = "",
    dwell: Annotated[str, typer.Option("--dwell", help="最短停留，分钟；缺省 0。")] = "",
    until: Until = "",
    note: Annotated[str, typer.Option("--note", help="备注。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a fence."""
    said = {
        "code": code,
        "datum": datum,
        "since": since,
        "name": name,
        "purpose": purpose,
        "institution": institution,
        "lon": lon,
        "lat": lat,
        "radius": radius,
        "margin": margin,
        "dwell": dwell,
        "last": _last(since, until),
        "note": note,
    }
    _enter("fences", said, by, config, _polygon(corners) if corners else None)


def yard(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    fence: Annotated[str, typer.Argument(help="围栏编码。")],
    since: Since,
    vehicle: Vehicle = "",
    institution: Institution = "",
    days: Days = "",
    from_time: Annotated[str, typer.Option("--from-time", help="应在起时；缺省 22:00。")] = "",
    to_time: Annotated[str, typer.Option("--to-time", help="应在止时；缺省次日 06:00。")] = "",
    until: Until = "",
    note: Annotated[str, typer.Option("--note", help="备注。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Enter where vehicles must be."""
    said = {
        "fence": fence,
        "vehicle": vehicle,
        "institution": institution,
        "days": days,
        "from_time": from_time,
        "to_time": to_time,
        "since": since,
        "last": _last(since, until),
        "note": note,
    }
    _enter("yards", said, by, config)


def seal(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    since: Since,
    reason: Annotated[str, typer.Option("--reason", help="原因或依据的文件。")],
    vehicle: Vehicle = "",
    institution: Institution = "",
    kind: Annotated[str, typer.Option("--class", help="车辆类别，如 轿车；不写为全部。")] = "",
    tail: Annotated[str, typer.Option("--tail", help="车牌尾号，如 1、6；特种等车辆除外。")] = "",
    days: Days = "",
    from_time: Annotated[str, typer.Option("--from-time", help="起时；不写为全天。")] = "",
    to_time: Annotated[str, typer.Option("--to-time", help="止时。")] = "",
    until: Until = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Enter when vehicles are sealed."""
    said = {
        "vehicle": vehicle,
        "institution": institution,
        "class": kind,
        "tail": tail,
        "days": days,
        "from_time": from_time,
        "to_time": to_time,
        "since": since,
        "last": _last(since, until),
        "reason": reason,
    }
    _enter("sealed", said, by, config)


def duty(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: ThisVehicle,
    since: Annotated[str, typer.Option("--since", help="值班的起始时间，如 2026-10-01 08:00。")],
    until: Annotated[str, typer.Option("--until", help="值班的截止时间（不含）。")],
    reason: Annotated[str, typer.Option("--reason", help="原因：值班内容。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a duty."""
    said = {"vehicle": vehicle, "from_at": since, "to_at": until, "reason": reason}
    _enter("duty", said, by, config)


def _last(since: str, until: str) -> str:
    """Return the last day of what holds until before a day; empty: for good."""
    if not until:
        return ""
    end = asked.day(until, "--until")
    if end <= asked.day(since, "--since"):
        refuse("--until", f"截止日期 {end} 不含当日，应晚于起始日期 {since}")
    return (end - timedelta(days=1)).isoformat()


def _enter(
    kind: str,
    said: dict[str, str],
    by: str | None,
    config: Path | None,
    geometry: object = None,
) -> None:
    with session(config, by) as at:
        number = entry.enter(at.conn, at.act, kind, said, at.zone, geometry)
    typer.echo("已经录入过，没有变化。" if number is None else f"已录入，编号 {number}。")


def _polygon(text: str) -> object:
    places = list[list[float]]()
    for number, word in enumerate(text.split(), 1):
        try:
            lon, lat = map(float, word.split(","))
        except ValueError:
            refuse("--corners", f"第 {number} 个点“{word}”不是坐标，请写成 经度,纬度")
        places.append([lon, lat])
    return {"type": "Polygon", "coordinates": [places]}
