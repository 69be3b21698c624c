"""`jieyong fence …`: fences, yards, sealed times, duty; entries and exits."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from fleet.fence import fences, geojson
from fleet.fence.visits import visits
from fleet.ledger import imports, store
from fleet.ledger.draft import Draft
from fleet.yards import entry, load, template
from jieyong.commands import asked, fence_tables
from jieyong.commands.giving import give
from jieyong.commands.options import AsJson, DryRun, ThisVehicle, Why, in_order
from jieyong.commands.screen import console
from jieyong.commands.session import By, Config, Reader, Reason, session, track_of
from registry.refusal import refuse
from registry.vehicles import find_vehicle
from storage.times import us_of

TABLES: Final = {
    "fence": "fleet_fence",
    "yard": "fleet_yard",
    "sealed": "fleet_sealed",
    "duty": "fleet_duty",
}
fence_app = typer.Typer(
    no_args_is_help=True, help="电子围栏、定点停放、封存停驶、值班：录入、列出、撤回；进出记录。"
)

Since = Annotated[str, typer.Option("--since", help="起始日期，如 2026-01-01。")]
Until = Annotated[str, typer.Option("--until", help="截止日期（不含）；不写为长期。")]
Institution = Annotated[str, typer.Option("--institution", help="机构编码。")]
Vehicle = Annotated[str, typer.Option("--vehicle", help="车辆编码或车牌。")]
Days = Annotated[
    str,
    typer.Option("--days", help="每天、工作日、周末、节假日、周一…周日；可写多个，用顿号隔开。"),
]


@fence_app.command(help="录入一个围栏：圆形写 --lon --lat --radius，多边形写 --corners。")
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


@fence_app.command(
    help="指定停放地点：--vehicle 一辆车，--institution 一个机构，都不写为全部车辆。"
)
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


@fence_app.command(help="封存停驶：某段日期，每逢节假日（--days 节假日），或按尾号（--tail）。")
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


@fence_app.command(help="值班：一辆车在一段时间内不受定点停放和封存的限制。")
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


@fence_app.command("list", help="列出围栏、停放地点、封存和值班。")
def list_command(as_json: AsJson = False, config: Config = None) -> None:
    """List what stands."""
    with session(config) as at:
        tables = fence_tables.standing(at.conn, at.zone)
    give(tables, None, as_json=as_json)


@fence_app.command(help="一个围栏：原坐标和换算后的 WGS-84 坐标，按日期列出。")
def show(code: Annotated[str, typer.Argument(help="围栏编码。")], config: Config = None) -> None:
    """Show a fence."""
    with session(config) as at:
        found = fences.standing(at.conn, [code])
    if not found:
        refuse(code, "没有这个编码的围栏，请用 jieyong fence list 核对")
    for one in found:
        console().print(fence_tables.fence(one), markup=False, highlight=False)


@fence_app.command(help="撤回一条：fence、yard、sealed 或 duty 加编号；记录保留，不再采用。")
def withdraw(
    what: Annotated[str, typer.Argument(help="fence、yard、sealed 或 duty。")],
    number: Annotated[int, typer.Argument(min=1, help="编号，见 jieyong fence list。")],
    reason: Why,
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw one."""
    if what not in TABLES:
        refuse(what, f"没有这一类，请从这些中选：{'、'.join(TABLES)}")
    with session(config, by) as at:
        key = store.withdraw(at.conn, at.act, TABLES[what], number, reason)
    typer.echo(f"已撤回 {what} {number}（{key}）。")


@fence_app.command("import", help="导入 GeoJSON、Excel 或 CSV；有一处错误则全部不导入。")
def import_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: Path,
    datum: Annotated[
        str, typer.Option("--datum", help="GeoJSON 未注明坐标系的图形按此换算。")
    ] = "",
    since: Annotated[str, typer.Option("--since", help="起始日期，供 GeoJSON 未注明的图形。")] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Import a file, all of it or nothing."""
    usual = {"datum": datum, "since": since}
    with session(config, by) as at:
        if dry_run:
            drawn, number = entry.draw(at.conn, file, at.zone, usual), None
        else:
            done = imports.bring(at.conn, at.act, lambda: entry.draw(at.conn, file, at.zone, usual))
            drawn, number = done.draft, done.import_id
    if as_json:
        said = {"import": number, "new": drawn.counts(), "unchanged": drawn.unchanged}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    typer.echo(_counted(drawn))
    for text in drawn.ignored:
        typer.echo(f"未使用的列 {text}")
    if dry_run:
        typer.echo("以上为预览，未导入。")
    elif number is None:
        typer.echo("内容均已入库，没有变化。")
    else:
        typer.echo(f"已导入，导入编号 {number}；撤销：jieyong fence undo {number}")


@fence_app.command(help="撤销一次导入：撤回它带来的全部内容。")
def undo(number: int, by: By = None, config: Config = None) -> None:
    """Withdraw what an import brought."""
    with session(config, by) as at:
        rows = imports.undo(at.conn, at.act, number)
    typer.echo(f"已撤销导入 {number}：撤回 {rows} 行。记录仍可查。")


@fence_app.command(help="导出某日有效的围栏为 GeoJSON，供地图软件打开；缺省为 WGS-84。")
def export(
    file: Path,
    day: Annotated[str | None, typer.Option("--day", help="哪一天；缺省为今日。")] = None,
    original: Annotated[
        bool, typer.Option("--original", help="按录入时的坐标系导出，各图形注明坐标系。")
    ] = False,
    config: Config = None,
) -> None:
    """Write fences as GeoJSON."""
    with session(config) as at:
        on = at.today if day is None else asked.day(day, "--day")
        known = fences.standing(at.conn)
    codes = dict.fromkeys(one.code for one in known)
    found = [one for code in codes if (one := fences.of_day(known, code, on))]
    geojson.write(file, found, original=original)
    typer.echo(f"{len(found)} 个围栏已写入 {file}")


@fence_app.command("template", help="导出填报模板（Excel）。")
def template_command(file: Path) -> None:
    """Write the workbook to fill in."""
    template.write_template(file)
    typer.echo(f"模板已写入 {file}")


@fence_app.command("visits", help="一辆车进出围栏的记录。须写明原因，记入操作日志。")
def visits_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: ThisVehicle,
    first: Annotated[str, typer.Option("--from", help="第一天，如 2026-10-01。")],
    last: Annotated[str, typer.Option("--to", help="最后一天（含）。")],
    reason: Reason,
    fence: Annotated[
        list[str] | None, typer.Option("--fence", help="围栏编码，可写多次；不写为全部。")
    ] = None,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show entries and exits."""
    with session(config, by) as at:
        days = in_order(asked.day(first, "--from"), asked.day(last, "--to"))
        found = find_vehicle(at.conn, vehicle)
        (its,) = load.vehicles(at.conn, vehicle_id=found.id)
        if its.sensitive_between(*days):
            refuse(found.code, "敏感车辆不保存位置，没有进出记录")
        known = fences.standing(at.conn, fence)
        lacking = sorted(set(fence or ()) - {one.code for one in known})
        if lacking:
            refuse(
                "--fence", f"没有编码为 {'、'.join(lacking)} 的围栏，请用 jieyong fence list 核对"
            )
        trips = at.settings.trips
        silence = at.settings.fences.silence(trips.gap_s)
        said = {"from": days[0].isoformat(), "to": days[1].isoformat()}
        with track_of(at, "fence.visits.read", found.code, reason, **said):
            seen = visits(
                at.conn, found.id, known, days, at.zone, trips.rules(), silence, us_of(at.now)
            )
    title = f"{found.plate} 进出围栏"
    give([fence_tables.visits(seen, title, at.zone)], None, as_json=as_json)


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


def _counted(drawn: Draft) -> str:
    names = {
        "fleet_fence": "围栏",
        "fleet_yard": "定点停放",
        "fleet_sealed": "封存",
        "fleet_duty": "值班",
    }
    counts = "、".join(f"{names[table]} {number}" for table, number in drawn.counts().items())
    return f"新增：{counts or '无'}；已入库 {drawn.unchanged} 项。"
