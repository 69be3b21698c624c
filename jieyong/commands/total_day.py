"""`jieyong total day`: totals of days, which add up to the month."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

import typer

from jieyong.commands import asked
from jieyong.commands.options import AsJson
from jieyong.commands.session import Config, session
from jieyong.commands.total_screen import Csv, Energy, Excel, Level, check_energy, show, write_files
from metering.tree.report import Grouping, day_report
from metering.tree.report_table import days_table, days_to_json
from registry.refusal import refuse

MOST_DAYS: Final = 366


def day_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    since: Annotated[str, typer.Option("--from", help="第一天，如 2026-10-01。")],
    to: Annotated[
        str | None, typer.Option("--to", help="最后一天（含）；缺省为第一天当日。")
    ] = None,
    energy: Energy = None,
    level: Level = Grouping.INSTITUTION,
    csv: Csv = None,
    excel: Excel = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print what every holder used on each day."""
    first, last = asked.day(since, "--from"), asked.day(to or since, "--to")
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        refuse("--to", f"应不早于 {first}，且一次不超过 {MOST_DAYS} 天")
    check_energy(energy)
    with session(config) as at:
        report = day_report(at.conn, (first, last + timedelta(days=1)), at.zone, level, energy)
    table = days_table(report)
    write_files(csv, excel, [table])
    if as_json:
        typer.echo(days_to_json(report, table))
    elif not report.rows:
        typer.echo(f"{first} 至 {last} 没有计入的计量表。")
    else:
        show(f"{first} 至 {last} {table.name}", table)
