"""`jieyong fleet`: what vehicles did, for officers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from fleet.dashboard import readings
from fleet.dashboard.compare import compared
from fleet.derive import due, listing
from jieyong import logs
from jieyong.commands import asked, fleet_cards, fleet_check, fleet_tables
from jieyong.commands.options import (
    AsJson,
    First,
    Last,
    OneMonth,
    ThisVehicle,
    Vehicle,
    moments,
    until_last,
)
from jieyong.commands.screen import console
from jieyong.commands.session import By, Config, Reader, Reason, session, track_of
from jieyong.commands.yards import sealed, yards
from jieyong.settings_file import load_settings
from jieyong.workers.crew import run_crew
from jieyong.workers.fleet import CREW
from jieyong.workers.processes import until_signal
from metering.facts import written
from registry.audit import record
from registry.vehicles import find_vehicle

fleet_app = typer.Typer(
    no_args_is_help=True, help="车辆：行程、里程、使用情况，定点停放、封存与单据核对。"
)
odometer_app = typer.Typer(no_args_is_help=True, help="里程表读数：录入、列出、撤销。")
fleet_app.add_typer(odometer_app, name="odometer")
fleet_app.command(
    "check",
    help="加油、维修、派车单与车辆位置、油箱、里程比对，列出疑点。须写明原因，记入操作日志。",
)(fleet_check.check_command)
fleet_app.command(
    "evaluate",
    help="测量各种疑点自多大起能检出：用模拟车队，或真实轨迹；约需几分钟。",
)(fleet_check.evaluate_command)
fleet_app.command(
    "cards", help="一辆车的驾驶员卡：何时、谁的卡在终端内。须写明原因，记入操作日志。"
)(fleet_cards.cards_command)
fleet_app.command("yards", help="定点停放：哪些车没有按时停在指定地点。须写明原因，记入操作日志。")(
    yards
)
fleet_app.command("sealed", help="封存停驶：哪些封存的车有移动。须写明原因，记入操作日志。")(sealed)


@fleet_app.command(help="持续计算行程，直到 Ctrl-C。")
def work(config: Config = None) -> None:
    """Compute what is due until Ctrl-C or TERM."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    run_crew(CREW, settings, until_signal())


@fleet_app.command(help="将全部或一辆车列入重新计算；修改设置（trips）后会自动进行。")
def recompute(
    vehicle: Vehicle = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Make everything due; the workers do it, and the audit log says who asked for it."""
    with session(config, by) as at, at.conn.transaction():
        if vehicle is None:
            count = due.mark_all(at.conn, "asked for")
            due.QUEUE.pardon(at.conn, None, at.act.at)
            record(at.conn, at.act, "trips.recompute", "全部车辆", {"vehicles": count})
        else:
            found = find_vehicle(at.conn, vehicle)
            due.QUEUE.mark(at.conn, found.id, None, None, "asked for")
            due.QUEUE.pardon(at.conn, found.id, at.act.at)
            record(at.conn, at.act, "trips.recompute", found.code)
            count = 1
    typer.echo(f"已将 {count} 辆车列入重新计算，由 jieyong fleet work 完成。")


@fleet_app.command(help="一辆车的行程；缺省为最近七天。须写明原因，记入操作日志。")
def trips(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: ThisVehicle,
    reason: Reason,
    first: First = None,
    last: Last = None,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show the trips of a vehicle."""
    with session(config, by) as at:
        begin, end = until_last(last, first, at.today, 7)
        found = find_vehicle(at.conn, vehicle)
        since, until = moments(begin, end, at.zone)
        days_asked = {"from": begin.isoformat(), "to": end.isoformat()}
        with track_of(at, "trips.read", found.code, reason, **days_asked):
            rows = listing.trips(at.conn, found.id, since, until)
    if as_json:
        typer.echo(fleet_tables.as_json(rows, at.zone))
        return
    console().print(fleet_tables.trips(rows, f"{found.plate} 的行程", at.zone))
    typer.echo(fleet_tables.trips_total(rows))


@fleet_app.command(help="某月每日里程；不写车辆则列出各车合计。")
def days(
    month: OneMonth,
    vehicle: Vehicle = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show the days of a vehicle, or the month of all."""
    begin = asked.month(month, "--month")
    end = (begin + timedelta(days=31)).replace(day=1)
    with session(config) as at:
        found = None if vehicle is None else find_vehicle(at.conn, vehicle, "--vehicle")
        rows = listing.days(at.conn, begin, end, None if found is None else found.id)
        pairs = [] if found is None else compared(at.conn, found.id)
    if as_json:
        typer.echo(fleet_tables.as_json(rows, at.zone))
        return
    if found is None:
        sums = list(listing.totals(rows))
        console().print(fleet_tables.totals(sums, f"{begin:%Y-%m} 各车里程"))
        return
    console().print(fleet_tables.days(rows, f"{found.plate} {begin:%Y-%m} 每日里程"))
    inside = [one for one in pairs if begin <= one.until.astimezone(at.zone).date() < end]
    if inside:
        console().print(fleet_tables.compared(inside, at.zone))


@odometer_app.command("enter", help="录入里程表（仪表盘）读数；换表或归零请加 --restarts。")
def enter_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: ThisVehicle,
    km: Annotated[str, typer.Argument(help="仪表盘公里数，最多一位小数，不带单位。")],
    at: Annotated[str, typer.Option(help="抄表时间：2026-10-31 08:30。")],
    restarts: Annotated[
        bool, typer.Option("--restarts", help="新仪表或归零后的首个读数。")
    ] = False,
    note: Annotated[str, typer.Option("--note", help="备注，写进记录。")] = "",
    instead: Annotated[
        int | None, typer.Option("--instead-of", help="更正：撤销这个编号的读数，以本次为准。")
    ] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter one reading."""
    with session(config, by) as here:
        number = readings.enter(
            here.conn,
            here.act,
            find_vehicle(here.conn, vehicle),
            written.moment(at, here.zone, "--at"),
            written.number(km, "里程"),
            restarts=restarts,
            note=note,
            instead_of=instead,
        )
    typer.echo(f"已录入里程读数 #{number}。")


@odometer_app.command("list", help="列出一辆车的里程表读数。")
def list_command(vehicle: ThisVehicle, config: Config = None) -> None:
    """List the readings that stand."""
    with session(config) as at:
        found = find_vehicle(at.conn, vehicle)
        rows = readings.standing(at.conn, found.id)
    console().print(fleet_tables.readings(rows, f"{found.plate} 的里程表读数", at.zone))


@odometer_app.command("withdraw", help="撤销一条里程表读数；原记录保留，不再采用。")
def withdraw_command(
    number: Annotated[int, typer.Argument(help="编号，见 jieyong fleet odometer list。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw a reading."""
    with session(config, by) as at:
        readings.withdraw(at.conn, at.act, number)
    typer.echo(f"已撤销里程读数 #{number}。")
