"""`jieyong temperature`: the outdoor temperature of a site, for officers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from psycopg.types.range import Range
from rich.console import Console

from jieyong.commands import temperature_tables
from jieyong.commands.options import DryRun, First, Last
from jieyong.commands.session import By, Config, Session, session
from metering.facts import written
from metering.gauge.outdoor import Days, daily_means, site_seasons
from metering.gauge.sensor import UNITS, assign_sensor, withdraw_sensor
from metering.gauge.sites import find_point, require_site, sensors, sites
from metering.gauge.temperature import Observed, enter
from metering.gauge.temperature_sheet import read_sheet, write_template
from registry.refusal import refuse

temperature_app = typer.Typer(
    no_args_is_help=True, help="室外气温：录入、导入、传感器，以及度日数和采暖、制冷季。"
)

Site = Annotated[str, typer.Argument(help="站点名称，见 jieyong temperature list。")]
When = Annotated[
    str, typer.Argument(help="2026-06-01 为全天平均；“2026-06-01 08:00” 为那一刻的气温。")
]

_MOST_DAYS: Final = 3_660


@temperature_app.command("list", help="列出全部站点。")
def list_command(config: Config = None) -> None:
    """List all sites."""
    with session(config) as at:
        found = sites(at.conn)
    for site in found:
        typer.echo(site)
    if not found:
        typer.echo("还没有任何站点；录入第一个气温即建立。")


# Else a temperature below zero would be taken for an option.
@temperature_app.command(
    "enter",
    help="录入一天的平均气温，或某一时刻的气温；同一时间以最后录入为准。",
    context_settings={"ignore_unknown_options": True},
)
def enter_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    site: Site,
    when: When,
    celsius: Annotated[str, typer.Argument(help="气温，℃，不带单位；零下写 -3.5。")],
    source: Annotated[str, typer.Option(help="数据来源，如 气象公报。")] = "人工录入",
    by: By = None,
    config: Config = None,
) -> None:
    """Enter one temperature."""
    with session(config, by) as at:
        row = Observed(_when(when, at.zone), _celsius(celsius), "气温")
        _enter(at, site, [row], source)


@temperature_app.command(help="撤回为某天或某时刻录入的气温；原记录保留，不再采用。")
def withdraw(site: Site, when: When, by: By = None, config: Config = None) -> None:
    """Take back what was entered for a time."""
    with session(config, by) as at:
        require_site(at.conn, site)
        row = Observed(_when(when, at.zone), None, "时间")
        done = enter(at.conn, at.act, site, [row], "撤回")
    typer.echo(f"已撤回 {site} {when} 的录入。" if done.written else "这一时间没有录入，没有改动。")


@temperature_app.command(help="生成气温 Excel 模板。")
def template(
    file: Annotated[Path, typer.Argument(help="要生成的 Excel 文件，如 气温.xlsx。")],
) -> None:
    """Write the empty sheet."""
    file.write_bytes(write_template())
    typer.echo(f"已生成 {file}。")


@temperature_app.command(
    "import", help="导入气温 Excel；有一处错误则整个文件不导入，错误逐格指出。"
)
def import_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    site: Site,
    file: Annotated[Path, typer.Argument(help="填好的气温 Excel 文件。")],
    source: Annotated[str | None, typer.Option(help="数据来源；缺省为文件名。")] = None,
    dry_run: DryRun = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Bring in a sheet of temperatures, all of it or nothing."""
    with session(config, by) as at, at.conn.transaction(force_rollback=dry_run):
        rows = read_sheet(file.read_bytes(), file.name, at.zone)
        if dry_run:
            Console().print(temperature_tables.observed(rows, at.zone))
        _enter(at, site, rows, source or file.name)
    if dry_run:
        typer.echo("以上为预览，没有录入；去掉 --dry-run 即导入。")


@temperature_app.command(help="指定某测点为站点的气温传感器；人工录入优先于传感器。")
def sensor(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    site: Site,
    point: Annotated[str, typer.Argument(help="测点：设备编码/测点名；单位须为 ℃。")],
    since: Annotated[str | None, typer.Option(help="起始时间，如 2026-06-01；缺省不限。")] = None,
    until: Annotated[str | None, typer.Option(help="截止时间（不含）；缺省一直有效。")] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Say that a point measures a site's temperature."""
    with session(config, by) as at:
        begin = written.moment(since, at.zone, "--since") if since else None
        end = written.moment(until, at.zone, "--until") if until else None
        _note_new(at, site)
        number = find_point(at.conn, point, UNITS)
        valid = Range(begin, end)
        assigned = assign_sensor(at.conn, at.act, site, number, valid)
    typer.echo(f"已登记气温传感器 #{assigned}。")


@temperature_app.command("withdraw-sensor", help="撤销一条气温传感器的指定；原记录保留。")
def withdraw_sensor_command(
    number: Annotated[int, typer.Argument(help="编号，见 jieyong temperature show。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw an assignment."""
    with session(config, by) as at:
        withdraw_sensor(at.conn, at.act, number)
    typer.echo(f"已撤销气温传感器 #{number}。")


@temperature_app.command(help="查看逐日气温、度日数和季节；缺省为昨天所在的月份，至昨天。")
def show(
    site: Site,
    first: First = None,
    last: Last = None,
    config: Config = None,
) -> None:
    """Show days with their degree-days and seasons."""
    with session(config) as at:
        require_site(at.conn, site)
        asked = _days(first, last, at)
        degrees, seasons = at.settings.degree_days, at.settings.seasons
        means = daily_means(at.conn, site, asked, degrees)
        of_day = site_seasons(at.conn, site, asked, degrees, seasons)
        assigned = sensors(at.conn, site)
    Console().print(temperature_tables.days(means, of_day, degrees, f"{site}：逐日气温"))
    for line in temperature_tables.totals(means, degrees):
        typer.echo(line)
    if assigned:
        Console().print(temperature_tables.sensors(assigned, at.zone))


def _enter(at: Session, site: str, rows: list[Observed], source: str) -> None:
    _note_new(at, site)
    done = enter(at.conn, at.act, site, rows, source)
    same = f"，另有 {done.unchanged} 个与已录入的相同" if done.unchanged else ""
    typer.echo(f"{site}：录入 {done.written} 个气温{same}。")


def _note_new(at: Session, site: str) -> None:
    known = sites(at.conn)
    if known and site not in known:
        typer.echo(f"注意：“{site}”是新站点；已有站点：{'、'.join(known)}。")


def _when(text: str, zone: ZoneInfo) -> datetime | date:
    return _date(text) or written.moment(text, zone, "时间")


def _date(text: str) -> date | None:
    """A day as it is written; None: it is something else."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-06-01") else None
    except ValueError:
        return None


def _celsius(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return refuse("气温", f"“{text}”不是数；请填写气温，不带单位，零下写 -3.5")


def _days(first: str | None, last: str | None, at: Session) -> Days:
    # Not today: a day that is not over yet makes every sum unknown.
    yesterday = at.act.at.date() - timedelta(days=1)
    end = yesterday if last is None else _day(last, "--to")
    begin = end.replace(day=1) if first is None else _day(first, "--from")
    if end < begin:
        refuse("--to", f"最后一天 {end} 早于第一天 {begin}；请改正")
    if (end - begin).days >= _MOST_DAYS:
        refuse("--from", "超过十年；请分几次查看")
    return Days(begin, end, at.zone, at.act.at)


def _day(text: str, where: str) -> date:
    found = _date(text)
    return found or refuse(where, f"“{text}”不是日期；请写成 2026-06-01")
