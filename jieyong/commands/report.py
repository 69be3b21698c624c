"""`jieyong report`: what institutions report, compiled and audited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from jieyong.commands import report_steps
from jieyong.commands.options import institutions_named
from jieyong.commands.report_tables import (
    cells_table,
    difference_table,
    findings_table,
    lineage_table,
    overview_table,
)
from jieyong.commands.screen import console, counting
from jieyong.commands.session import Config, Session, session
from registry.refusal import RefusedError
from registry.table import write_by
from reporting.draft import sources, store
from reporting.draft.due import due, last_over
from reporting.draft.period import Period, period_of
from reporting.draft.run import compile_reports
from reporting.draft.store import Draft
from reporting.forms.model import Cadence, Edition
from reporting.forms.reading import edition_named, load_editions
from reporting.life.life import Step
from reporting.send.folder import SIGNED, write_folder
from reporting.sheets import paper
from reporting.sheets.excel import write_excel
from reporting.sheets.plain import write_csv, write_json

report_app = typer.Typer(
    no_args_is_help=True, help="上报：编制、审核各单位的报表 (what institutions report)."
)

report_app.command("enter")(report_steps.enter)
report_app.command("explain")(report_steps.explain)
report_app.command("sign")(report_steps.sign)
for _name, _step, _help in (
    (
        "take-back",
        Step.TAKE_BACK,
        "撤回待签的报表，改后重签 (take back what is being signed).",
    ),
    ("return", Step.RETURN, "退回报表，由填报单位修订 (return a report)."),
    ("revise", Step.REVISE, "修订已签的报表：原版本保留 (begin another revision)."),
):
    report_app.command(_name, help=_help)(report_steps.why(_step))
report_app.command("submit")(report_steps.submit)
report_app.command("accept")(report_steps.accept)

_SHOWN: Final = 10
_Period = Annotated[
    str | None,
    typer.Option(
        "--period", help="报告期：2026-10（月）、2026Q4（季度）或 2026（年）；缺省为上月。"
    ),
]
_Institution = Annotated[str, typer.Argument(help="机构编码。")]
_Given = Annotated[str, typer.Argument(help="报告期：2026-10、2026Q4 或 2026。")]
_Institutions = Annotated[
    list[str] | None, typer.Option("--institution", help="机构编码，可多次；缺省为全部上报单位。")
]


@report_app.command()
def run(
    period: Annotated[
        str | None,
        typer.Option("--period", help="报告期，如 2026-10、2026Q4、2026；缺省为缺少草稿的各期。"),
    ] = None,
    institution: _Institutions = None,
    config: Config = None,
) -> None:
    """编制并审核报表草稿；不写报告期则补齐已结束各期缺少的草稿 (compile and audit drafts)."""
    with session(config) as at:
        if period is not None:
            asked = period_of(period)
            _run(at, asked, _reporters(at, asked, institution))
            return
        institutions_named(at.conn, institution)
        lacking = [
            (one.period, codes)
            for one in due(at.conn, at.today, at.zone)
            if (codes := [c for c in one.institutions if institution is None or c in institution])
        ]
        for asked, codes in lacking:
            _run(at, asked, codes)
        if not lacking:
            typer.echo("没有缺少草稿的报告期；要编制某一期，请写 --period，如 --period 2026-10。")


def _run(at: Session, period: Period, codes: list[str]) -> None:
    with counting(len(codes)) as tick:
        found = compile_reports(at.conn, period, codes, report_steps.statistics(at), at.now, tick)
    screen = console()
    screen.print(overview_table(period, found))
    screen.print(f"已编制 {period.name}报表草稿 {len(found)} 份。")
    if len(found) < len(codes):
        screen.print(f"另有 {len(codes) - len(found)} 份已提交签字或已签，未重新编制。")


@report_app.command("list")
def list_(period: _Period = None, institution: _Institutions = None, config: Config = None) -> None:
    """列出报表草稿 (list drafts)."""
    with session(config) as at:
        asked = _asked(at, period)
        codes = _reporters(at, asked, institution)
        found = store.read(at.conn, asked, codes)
    screen = console()
    screen.print(overview_table(asked, [*found.values()]))
    lacking = [code for code in codes if code not in found]
    if lacking:
        shown = "、".join(lacking[:_SHOWN]) + (" 等" if len(lacking) > _SHOWN else "")
        advice = f"运行 jieyong report run --period {asked.code}"
        screen.print(f"{len(lacking)} 个单位尚未编制（{shown}）：{advice}")


@report_app.command()
def show(
    institution: _Institution,
    period: _Given,
    config: Config = None,
) -> None:
    """显示一份报表及审核结果 (show a report with what the audit found)."""
    with session(config) as at:
        draft = _standing(at, institution, period_of(period))
    screen = console()
    for form in _edition(draft).forms:
        screen.print(cells_table(form, draft.cells))
    screen.print(findings_table(draft))


@report_app.command()
def lineage(
    institution: _Institution,
    period: _Given,
    line: Annotated[str, typer.Argument(help="指标代码，见 jieyong report show 的第一列。")],
    config: Config = None,
) -> None:
    """显示一个数值由哪些月份、账单、计量而来 (lead a figure back)."""
    with session(config) as at:
        draft = _standing(at, institution, period_of(period))
        meters = dict(at.conn.execute("SELECT id, code FROM meter").fetchall())
    if line not in draft.cells:
        raise RefusedError(f"报表没有指标 {line}：指标代码见 jieyong report show 的第一列")
    console().print(lineage_table(draft.cells[line], meters))


@report_app.command()
def difference(
    institution: _Institution,
    period: _Given,
    config: Config = None,
) -> None:
    """显示最后一版与前一版的差异 (what the last revision changed)."""
    with session(config) as at:
        asked = period_of(period)
        found = store.revisions(at.conn, asked, institution)
    if len(found) < 2:
        raise RefusedError(f"{institution} {asked.name}报表没有修订过")
    console().print(difference_table(_edition(found[-1]), *found[-2:]))


@report_app.command()
def write(
    institution: _Institution,
    period: _Given,
    file: Annotated[Path, typer.Argument(help=".xlsx、.csv 或 .json。")],
    revision: Annotated[
        int | None, typer.Option("--revision", help="第几版；缺省为最后一版。")
    ] = None,
    config: Config = None,
) -> None:
    """导出一份报表：.xlsx 与表式一致，可打印签章 (write a report into a file)."""
    with session(config) as at:
        asked = period_of(period)
        one = paper.read(at.conn, institution, asked, load_editions(), at.zone, revision)
    write_by(file, {".xlsx": write_excel, ".csv": write_csv, ".json": write_json}, one)
    typer.echo(f"{institution} {one.draft.period.name}报表已写入 {file}")


@report_app.command()
def folders(
    directory: Annotated[Path, typer.Argument(help="目录；每份报表一个文件夹。")],
    period: _Period = None,
    institution: _Institutions = None,
    config: Config = None,
) -> None:
    """导出已签报表的报送文件夹：Excel、CSV、JSON 和清单 (folders of what is signed)."""
    with session(config) as at:
        asked = _asked(at, period)
        codes = _reporters(at, asked, institution)
        signed = [
            code
            for code, draft in store.read(at.conn, asked, codes).items()
            if draft.state in SIGNED
        ]
        editions = load_editions()
        with counting(len(signed)) as tick:
            for code in signed:
                write_folder(directory, paper.read(at.conn, code, asked, editions, at.zone))
                tick()
    typer.echo(
        f"{asked.name}已签报表 {len(signed)} 份在 {directory}；未签 {len(codes) - len(signed)} 份。"
    )


def _standing(at: Session, institution: str, period: Period) -> Draft:
    draft = store.read(at.conn, period, [institution]).get(institution)
    if draft is None:
        raise store.missing(institution, period)
    return draft


def _edition(draft: Draft) -> Edition:
    return edition_named(load_editions(), draft.edition)


def _asked(at: Session, period: str | None) -> Period:
    return last_over(Cadence.MONTH, at.today) if period is None else period_of(period)


def _reporters(at: Session, period: Period, wanted: list[str] | None) -> list[str]:
    if period.end > at.today:
        raise RefusedError(f"{period.name}尚未结束：{period.end} 起可以编制")
    found = sources.reporters(at.conn, period, at.zone)
    for code in wanted or ():
        if code not in found:
            raise RefusedError(f"{code} 不上报 {period.name}：没有此机构、已停用，或由其他单位代报")
    return [code for code in found if wanted is None or code in wanted]
