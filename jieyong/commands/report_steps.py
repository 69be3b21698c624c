"""What people do with drafts: enter, explain, sign, take back, revise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import typer

from jieyong.commands.factor_files import decimal
from jieyong.commands.session import By, Config, Session, session
from reporting.audit.reading import load_rules
from reporting.draft import entering
from reporting.draft.period import Period, period_of
from reporting.draft.run import Statistics
from reporting.forms.reading import edition_of, load_editions
from reporting.life import acting
from reporting.life.life import ROLES, STATES, Role, State, Step

_Institution = Annotated[str, typer.Argument(help="机构编码。")]
_Period = Annotated[str, typer.Argument(help="报告期：2026-10、2026Q4 或 2026。")]
_Words = Annotated[str, typer.Option("--reason", help="原因。")]
_NOTHING: Final = "-"


def enter(  # noqa: PLR0913, PLR0917 - a value, whose, and of which line
    institution: _Institution,
    period: _Period,
    line: Annotated[str, typer.Argument(help="指标代码，如 210。")],
    value: Annotated[str, typer.Argument(help="数值；- 表示撤销已录入的数值。")],
    note: Annotated[str, typer.Option("--note", help="备注，如依据。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """录入只有本单位知道的指标，如机柜数量 (enter what only people know)."""
    asked = period_of(period)
    stated = None if value == _NOTHING else decimal(value)
    edition = edition_of(load_editions(), asked.last)
    one = entering.Entered(line, stated, note)
    with session(config, by) as at:
        entering.enter(at.conn, at.act, (institution, asked), edition, one)
    done = "已撤销" if stated is None else f"已录入 {stated:,}"
    again = f"jieyong report run --period {asked.code} --institution {institution}"
    typer.echo(f"{institution} {asked.name} 指标 {line} {done}；写入草稿：{again}")


def explain(  # noqa: PLR0913, PLR0917 - what, whose, and who says so
    institution: _Institution,
    period: _Period,
    rule: Annotated[str, typer.Argument(help="审核规则，见 jieyong report show。")],
    words: _Words,
    by: By = None,
    config: Config = None,
) -> None:
    """说明审核发现的原因 (explain what the audit found)."""
    with session(config, by) as at:
        whose = institution, period_of(period)
        found = acting.explain(at.conn, at.act, *whose, rule, words)
    for one in found:
        typer.echo(f"已说明：{one.said}")


def sign(
    institution: _Institution,
    period: _Period,
    role: Annotated[Role, typer.Argument(help="filler 填表人、lead 统计负责人、head 单位负责人。")],
    by: By = None,
    config: Config = None,
) -> None:
    """签字：填表人、统计负责人、单位负责人依次 (sign, in turn)."""
    with session(config, by) as at:
        asked = period_of(period)
        state = acting.sign(at.conn, at.act, institution, asked, role, statistics(at))
        typer.echo(
            f"{at.act.principal} 已作为{ROLES[role]}签字；{_stands(institution, asked, state)}"
        )


def statistics(at: Session) -> Statistics:
    """Return the forms and rules of this installation."""
    editions = load_editions()
    lines = {line.code for edition in editions for line in edition.lines()}
    return Statistics(editions, load_rules(lines), at.zone)


def why(step: Step) -> Callable[..., None]:
    """Return the command of a step of which somebody says why."""

    def command(
        institution: _Institution,
        period: _Period,
        words: _Words,
        by: By = None,
        config: Config = None,
    ) -> None:
        with session(config, by) as at:
            _do(at, institution, period, step, words)

    return command


def submit(
    institution: _Institution, period: _Period, by: By = None, config: Config = None
) -> None:
    """报送主管部门审核 (submit what is signed for review)."""
    with session(config, by) as at:
        _do(at, institution, period, Step.SUBMIT, "")


def accept(
    period: _Period,
    institution: Annotated[
        str | None, typer.Argument(help="机构编码；缺省为全部无须说明的。")
    ] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """审核通过；不写机构则通过全部无须说明的 (accept one, or all that are clean)."""
    with session(config, by) as at:
        if institution is not None:
            _do(at, institution, period, Step.ACCEPT, "")
            return
        asked = period_of(period)
        done = acting.accept_clean(at.conn, at.act, asked)
    typer.echo(f"{asked.name}报表审核通过 {len(done)} 份：{'、'.join(done) or '无'}")


def _do(at: Session, institution: str, period: str, step: Step, words: str) -> None:
    asked = period_of(period)
    state = acting.do(at.conn, at.act, institution, asked, step, words)
    typer.echo(_stands(institution, asked, state))


def _stands(institution: str, period: Period, state: State) -> str:
    return f"{institution} {period.name}报表：{STATES[state]}"
