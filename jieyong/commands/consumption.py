"""`jieyong consumption …`: figures and what they rest on, and what is missing. For officers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jieyong.commands import asked
from jieyong.commands.options import AsJson, Month, OneMonth
from jieyong.commands.plan import earlier_app, quota_app
from jieyong.commands.session import Config, Session, session
from metering.factors.kinds import load_kinds
from metering.facts.meters import all_meters, find
from metering.plan.base_load import By
from metering.plan.base_load_read import base_load_of
from metering.plan.compare import month_on_month, year_on_year
from metering.plan.text import comparison_lines
from metering.plan.usage import Usage, Window, month_of, year_before
from metering.plan.usage_load import institution_meters, institution_usage, meter_usage
from metering.quality import gaps, notes, stale
from metering.quality.completeness import MeterDay, completeness
from metering.quality.explain import explain
from metering.quality.explanation import Explanation
from metering.quality.export import to_csv, to_excel, to_json
from metering.quality.parts import Parts, added, entered
from metering.quality.presence import local_span
from metering.quality.text import render, summary
from metering.quality.words import amount, moment, percent
from registry.calendar_store import load_calendar
from registry.refusal import refuse

ON_ITS_WAY = timedelta(hours=1)
"""What is younger than this is not missing yet."""

consumption_app = typer.Typer()
consumption_app.add_typer(quota_app, name="quota")
consumption_app.add_typer(earlier_app, name="earlier")

Meter = Annotated[str | None, typer.Option("--meter", help="计量表编码，见 jieyong meter list。")]
Institution = Annotated[str | None, typer.Option("--institution", help="机构编码。")]
Energy = Annotated[str, typer.Option("--energy", help="能源，如 electricity、water。")]


@consumption_app.callback(
    invoke_without_command=True,
    help="用能量：某月或某日的用量，--explain 说明它从何而来；同比环比和数据质量见子命令。",
)
def consumption(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    context: typer.Context,
    meter: Meter = None,
    month: Month = None,
    day: Annotated[str | None, typer.Option("--day", help="哪一天，如 2026-10-09。")] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="列出读数、换表、倍率、异常、录入、账单和校验。")
    ] = False,
    as_json: AsJson = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="逐日（逐时）表写入 CSV。")] = None,
    excel: Annotated[Path | None, typer.Option("--excel", help="表和说明写入 Excel。")] = None,
    config: Config = None,
) -> None:
    """Print a figure, or all it rests on."""
    if context.invoked_subcommand is not None:
        return
    if meter is None or (month is None) == (day is None):
        refuse("用法", "请写 --meter 计量表编码，以及 --month 2026-10 或 --day 2026-10-09 之一")
    window = _month(month) if month is not None else _day(str(day))
    with session(config) as at, at.conn.transaction():
        at.conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = explain(at.conn, meter, window, at.zone, at.now - ON_ITS_WAY)
    if csv is not None:
        csv.write_text(to_csv(found), encoding="utf-8", newline="")
    if excel is not None:
        excel.write_bytes(to_excel(found))
    typer.echo(to_json(found) if as_json else _shown(found, explained=explained))


@consumption_app.command(help="同比和环比：只用两期都已知的可比日（工作日对工作日）。")
def compare(
    month: OneMonth,
    meter: Meter = None,
    institution: Institution = None,
    energy: Energy = "electricity",
    config: Config = None,
) -> None:
    """Compare a month with last year's and with the one before."""
    whole = _month(month)
    both = Window(year_before(whole).first, whole.last)
    with session(config) as at:
        window = _over(whole, at)
        usage, unit = _usage(at, meter, institution, energy, both)
        calendar = load_calendar(at.conn)
    lines = [
        *comparison_lines("同比", year_on_year(usage, usage, window, calendar), unit),
        *comparison_lines("环比", month_on_month(usage, window, calendar), unit),
    ]
    typer.echo("\n".join(lines))


@consumption_app.command(help="数据质量：完整率、缺失时段及原因、估算和人工抄表的比例。")
def quality(
    month: OneMonth,
    meter: Meter = None,
    institution: Institution = None,
    energy: Energy = "electricity",
    config: Config = None,
) -> None:
    """Say how complete a month is, what is missing, and why."""
    window = _month(month)
    with session(config) as at:
        meters = _meters(at, meter, institution, energy, window)
        found = _quality(at, meters, window)
    typer.echo("\n".join(_quality_lines(found, meters, window, at.zone)))


@consumption_app.command("base-load", help="夜间基础负荷：每周 0 至 5 时的稳健最小值。")
def base_load_command(
    meter: Annotated[str, typer.Option("--meter", help="计量表编码。")],
    month: OneMonth,
    config: Config = None,
) -> None:
    """Print the base load of each week that begins in a month."""
    mondays = [day for day in _month(month) if day.weekday() == 0]
    with session(config) as at:
        found = find(at.conn, meter)
        weeks = [base_load_of(at.conn, found.id, monday, at.zone) for monday in mondays]
    for week in weeks:
        by = "按整夜（读数分度较粗）" if week.by is By.NIGHT else "按小时"
        load = amount(week.micro_per_hour, found.unit)
        shown = f"每小时 {load}，{by}" if week.micro_per_hour is not None else "数据不足"
        typer.echo(f"{week.monday} 起一周：{shown}（{week.nights} 个完整夜晚）")


@consumption_app.command("stale", help="列出没有新数据的计量点及原因。")
def stale_command(
    intervals: Annotated[int, typer.Option(min=1, help="超过几个采集周期没有数据算停止上报。")] = 4,
    config: Config = None,
) -> None:
    """List meters without fresh readings."""
    with session(config) as at:
        found = stale.stale(at.conn, at.now, intervals)
    for one in found:
        since = "" if one.since is None else f"，最后有效读数 {moment(one.since, at.zone)}"
        device = f"（设备 {one.device}）" if one.device else ""
        typer.echo(f"{one.meter}{device}：{stale.WORDS[one.why]}{since}")
    typer.echo(f"共 {len(found)} 个。" if found else "所有计量点都有新数据。")


@dataclass(frozen=True, slots=True)
class _Quality:
    days: tuple[MeterDay, ...]
    made: Parts
    notes: dict[int, tuple[notes.Note, ...]]
    missing: dict[int, tuple[gaps.Gap, ...]]


def _shown(found: Explanation, *, explained: bool) -> str:
    return render(found) if explained else summary(found)


def _over(month: Window, at: Session) -> Window:
    """The days of a month that are over."""
    yesterday = at.today - timedelta(days=1)
    if yesterday < month.first:
        refuse("--month", f"{month.first:%Y-%m} 还没有一天结束，无法比较")
    return Window(month.first, min(month.last, yesterday))


def _usage(
    at: Session, meter: str | None, institution: str | None, energy: str, window: Window
) -> tuple[Usage, str]:
    if (meter is None) == (institution is None):
        refuse("用法", "请写 --meter 或 --institution 之一")
    if meter is not None:
        found = find(at.conn, meter)
        return meter_usage(at.conn, found.id, window, at.zone), found.unit
    kinds = load_kinds()
    if energy not in kinds:
        refuse("--energy", f"没有能源 {energy}，可用：{'、'.join(kinds)}")
    usage = institution_usage(at.conn, str(institution), energy, window, at.zone)
    return usage, kinds[energy].unit


def _meters(
    at: Session, meter: str | None, institution: str | None, energy: str, window: Window
) -> dict[int, str]:
    if (meter is None) == (institution is None):
        refuse("用法", "请写 --meter 或 --institution 之一")
    if meter is not None:
        found = find(at.conn, meter)
        return {found.id: found.code}
    numbers = institution_meters(at.conn, str(institution), energy, window, at.zone)
    codes = {one.id: one.code for one in all_meters(at.conn)}
    return {number: codes[number] for number in numbers}


def _quality(at: Session, meters: dict[int, str], window: Window) -> _Quality:
    due = at.now - ON_ITS_WAY
    days = completeness(at.conn, list(meters), window, at.zone, due)
    incomplete = {day.meter_id for day in days if not day.complete}
    return _Quality(
        days=days,
        made=added(days, entered(at.conn, list(meters), window, at.zone)),
        notes=notes.notes(at.conn, list(meters), local_span(window, at.zone)),
        missing={
            number: gaps.missing(at.conn, number, window, at.zone, due) for number in incomplete
        },
    )


def _quality_lines(
    found: _Quality, meters: dict[int, str], window: Window, zone: ZoneInfo
) -> Iterator[str]:
    made = found.made
    if made.expected_s:
        yield f"完整率 {percent(made.known)}（装有设备且已结束的时段中，前后都有可信读数的部分）"
    else:
        yield "完整率 无法计算：没有已知装有设备且已结束的时段"
    for name, share in (("估算", made.estimated_share), ("人工抄表", made.entered_share)):
        yield f"{name}占用量 {'未知' if share is None else percent(abs(share))}"
    for number, code in meters.items():
        mine = [day for day in found.days if day.meter_id == number]
        whole = sum(day.complete for day in mine)
        said = [notes.WORDS[note] for note in found.notes.get(number, ())]
        without = f"（这段时间共 {len(window)} 天）" if len(mine) < len(window) else ""
        said = [f"{len(mine)} 天中 {whole} 天完整{without}", *said] if mine else said
        yield f"{code}：{'；'.join(said) or '这段时间不应有数据'}"
        for gap in found.missing.get(number, ()):
            span = f"{moment(gap.span.begin, zone)} 至 {moment(gap.span.end, zone)}"
            yield f"  缺 {span}：{gaps.WORDS[gap.why]}"
    if not meters:
        yield "没有计入的计量点。"


def _month(text: str) -> Window:
    return month_of(asked.month(text, "--month"))


def _day(text: str) -> Window:
    day = asked.day(text, "--day")
    return Window(day, day)
