"""`jieyong fence …`: fences, yards, sealed times, duty; entries and exits."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from fleet.fence import fences
from fleet.fence.visits import visits
from fleet.ledger import store
from fleet.yards import load
from jieyong.commands import asked, fence_entry, fence_files, fence_tables
from jieyong.commands.giving import give
from jieyong.commands.options import AsJson, ThisVehicle, Why, in_order
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
fence_app.command(help="录入一个围栏：圆形写 --lon --lat --radius，多边形写 --corners。")(
    fence_entry.enter
)
fence_app.command(
    help="指定停放地点：--vehicle 一辆车，--institution 一个机构，都不写为全部车辆。"
)(fence_entry.yard)
fence_app.command(help="封存停驶：某段日期，每逢节假日（--days 节假日），或按尾号（--tail）。")(
    fence_entry.seal
)
fence_app.command(help="值班：一辆车在一段时间内不受定点停放和封存的限制。")(fence_entry.duty)
fence_app.command("import", help="导入 GeoJSON、Excel 或 CSV；有一处错误则全部不导入。")(
    fence_files.import_command
)
fence_app.command(help="撤销一次导入：撤回它带来的全部内容。")(fence_files.undo)
fence_app.command(help="导出某日有效的围栏为 GeoJSON，供地图软件打开；缺省为 WGS-84。")(
    fence_files.export
)
fence_app.command("template", help="导出填报模板（Excel）。")(fence_files.template_command)


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
        (its,) = load.vehicles(at.conn, ids=[found.id])
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
