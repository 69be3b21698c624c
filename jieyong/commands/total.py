"""`jieyong total …`: totals in which nothing counts twice, remainders, and what is wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from jieyong.commands import asked
from jieyong.commands.options import AsJson
from jieyong.commands.session import Config, session
from jieyong.commands.total_day import day_command
from jieyong.commands.total_facts import relation_app, standing_app
from jieyong.commands.total_mains import mains_command
from jieyong.commands.total_screen import (
    Csv,
    Energy,
    Excel,
    Level,
    check_energy,
    show,
    text_table,
    write_files,
)
from jieyong.settings import Settings
from jieyong.settings_file import load_settings
from metering.bills.reported_totals import reported_table, reported_totals
from metering.factors.library import Library, load_library
from metering.quality.words import UNKNOWN
from metering.tree import scope
from metering.tree.account_problems import account_problems
from metering.tree.coal import Coal, Factors, holders_coal, row_coal
from metering.tree.levels import Problem
from metering.tree.report import Grouping, Report, month_report
from metering.tree.report_table import (
    Table,
    coal_table,
    to_json,
    totals_table,
)
from registry.refusal import refuse

PROBLEM_KINDS = {
    "formula": "公式",
    "energy": "能源或单位",
    "ring": "总表成环",
    "mixed": "合成表跨机构",
    "relation_ring": "上报关系成环",
    "account": "户号的表重复",
    "no_account": "总表没有户号",
}


class Basis(StrEnum):
    """What totals rest on."""

    METERED = "metered"
    REPORTED = "reported"


_NOTHING = {
    Basis.METERED: "没有计入的计量表。",
    Basis.REPORTED: "没有票据、购入或计入的计量表。",
}

total_app = typer.Typer(
    no_args_is_help=True, help="汇总：不重复计算的能耗合计、总分表差额、上报关系和机构归属。"
)
total_app.command("day", help="某日或某几日的合计：各日相加等于当月。")(day_command)
total_app.command("mains", help="总表与分表：差额，以及分表多于总表时的可能原因。")(mains_command)
total_app.add_typer(relation_app, name="relation")
total_app.add_typer(standing_app, name="standing")

Month = Annotated[str, typer.Argument(help="月份，如 2026-10。")]


@total_app.command(help="某月的合计：用入、自发、外送、用量；未知不当作 0。")
def month(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    month: Month,
    energy: Energy = None,
    level: Level = Grouping.INSTITUTION,
    basis: Annotated[
        Basis, typer.Option("--basis", help="metered 计量合计；reported 上报数（票据优先）。")
    ] = Basis.METERED,
    coal: Annotated[bool, typer.Option("--coal", help="折算标准煤，并按机构合计。")] = False,
    csv: Csv = None,
    excel: Excel = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print what every holder used in a month."""
    first = asked.month(month, "月份")
    check_energy(energy)
    if coal and basis is Basis.REPORTED:
        refuse("--coal", "上报数不在这里折算标准煤；请去掉 --coal，或用 --basis metered")
    factors = _factors(load_settings(config)) if coal else None
    with session(config) as at:
        if basis is Basis.REPORTED:
            totals = reported_totals(at.conn, first, at.zone, level, energy)
            report, tables = Report(first, level, ()), {"totals": reported_table(totals)}
        else:
            report = month_report(at.conn, first, at.zone, level, energy)
            tables = _tables(report, factors)
    write_files(csv, excel, list(tables.values()))
    if as_json:
        typer.echo(to_json(report, tables))
    elif not tables["totals"].rows:
        typer.echo(f"{first:%Y-%m} {_NOTHING[basis]}")
    else:
        for table in tables.values():
            show(f"{first:%Y-%m} {table.name}", table)


@total_app.command(help="计量关系中不合理之处，以及按什么计算。")
def problems(config: Config = None) -> None:
    """List what in the tree makes no sense."""
    with session(config) as at:
        accounts = account_problems(at.conn, at.zone)
        found = [*scope.problems(at.conn), *accounts]
        institutions = dict(at.conn.execute("SELECT id::text, code FROM institution").fetchall())
    if not found:
        typer.echo("没有发现问题。")
        return
    rows = tuple((*_named(problem, institutions), problem.text) for problem in found)
    show("计量关系的问题", text_table("问题", ("类别", "编码", "说明"), rows))


def _tables(report: Report, factors: Factors | None) -> dict[str, Table]:
    if factors is None:
        return {"totals": totals_table(report)}
    coals: list[Coal] = [row_coal(row, report.month, factors) for row in report.rows]
    return {
        "totals": totals_table(report, coals),
        "coal": coal_table(holders_coal(report, coals)),
    }


def _factors(settings: Settings) -> Factors:
    library: Library = load_library(more=settings.factors.own("sets"))
    place = settings.factors.jurisdiction
    if place not in library.parents:
        refuse(
            "设置 factors.jurisdiction",
            f"没有地区 {place}；请写省级行政区划代码前两位，如 50，或 CN",
        )
    return Factors(library, place)


def _named(problem: Problem, institutions: dict[str, str]) -> tuple[str, str]:
    kind = PROBLEM_KINDS.get(problem.kind, problem.kind)
    if problem.kind == "relation_ring":
        return kind, institutions.get(problem.subject, UNKNOWN)
    return kind, problem.subject
