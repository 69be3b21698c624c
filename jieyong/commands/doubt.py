"""`jieyong doubt`: what rules found, and what people make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jieyong.believed import believed
from jieyong.commands.bill_entry import write_scan
from jieyong.commands.doubt_tables import (
    course_table,
    history_table,
    inspected,
    listed,
    row_of,
    shown,
    sums_table,
)
from jieyong.commands.factor_files import decimal, pricing
from jieyong.commands.giving import give
from jieyong.commands.options import (
    AsJson,
    File,
    First,
    Last,
    institutions_named,
    moments,
    until_last,
)
from jieyong.commands.session import By, Config, Reader, Session, session, track_of
from metering.bills.model import Attachment
from metering.facts import written
from registry.calendar import Calendar
from registry.calendar_store import load_calendar
from registry.refusal import refuse
from rules.cases import inspection, listing
from rules.cases.acting import do_all
from rules.cases.evidence import evidence
from rules.cases.inspection import Finding, photo_of, recorded
from rules.cases.life import STATES, VERDICTS, Conclusion, Deed, State, Step, Verdict
from rules.cases.overdue import Overdue
from rules.cases.overdue import overdue as find_overdue
from rules.cases.photo import LARGEST, Photo
from rules.cases.sums import LEFT_OUT, Judged, Sum, sums
from rules.kinds.catalogue import KINDS
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage.times import us_of

doubt_app = typer.Typer(no_args_is_help=True, help="疑点：列出、查看依据、说明、核实、办结。")
Number = Annotated[int, typer.Argument(help="疑点编号，见 jieyong doubt list。")]
Numbers = Annotated[
    str, typer.Argument(help="疑点编号；可写多个：3,5,8-40，要么全办，要么全不办。")
]
Words = Annotated[str, typer.Argument(help="内容或理由，记入疑点的经过。")]
Whose = Annotated[
    list[str] | None,
    typer.Option("--institution", help="机构编码，含其下级，可写多次；不写为全部。"),
]
_CLOSED = (State.CONCLUDED, State.EXEMPT, State.WITHDRAWN)
_SPAN = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")
_LARGEST = 2**31
_MOST = 10_000
"""Doubts with which the same is done at once."""
_EVER_DAYS = 3660
"""Longer than anything is kept open."""


@doubt_app.command("list", help="列出疑点，新的在前；缺省为最近 31 天未办结的。")
def list_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: File = None,
    first: First = None,
    last: Last = None,
    institution: Whose = None,
    everything: Annotated[bool, typer.Option("--all", help="也列出已办结、豁免和撤销的。")] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="只列逾期未说明的；不指定起始日期时不限时间。")
    ] = False,
    sum_: Annotated[
        bool,
        typer.Option("--sum", help="按单位和月份合计疑点期间的用量、金额和其中的浪费量。"),
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List doubts."""
    if sum_ and overdue:
        refuse("--sum", "--sum 与 --overdue 不能同时使用")
    with session(config) as at:
        named = institutions_named(at.conn, institution)
        begin, end = until_last(last, first, at.today, _EVER_DAYS if overdue else 31)
        since, until = moments(begin, end, at.zone)
        if sum_:
            table = sums_table(_sums(at, since, until, institution), f"{named} {begin} 至 {end}")
            give([table], file, as_json=as_json)
            return
        states = None if everything else [state for state in State if state not in _CLOSED]
        late = _late(at) if overdue else {}
        numbers = list(late) if overdue else None
        wanted = listing.Wanted(since, until, states, institution, numbers)
        found = listing.doubts(at.conn, wanted)
        title = f"{named} {begin} 至 {end} 的{'逾期未说明的' if overdue else ''}疑点"
        give([listed(found, title, at.zone, at.now, late)], file, as_json=as_json)


def _sums(
    at: Session, since: datetime, until: datetime, institution: list[str] | None
) -> list[Sum]:
    states = [state for state in State if state not in LEFT_OUT]
    found = listing.doubts(at.conn, listing.Wanted(since, until, states, institution))
    verdicts = listing.verdicts(at.conn, [one.id for one in found])
    judged = [Judged(one, verdicts.get(one.id)) for one in found]
    calendar = load_calendar(at.conn)
    window = since, min(until, at.now)
    return sums(at.conn, _basis(at, calendar), judged, window, pricing(at, calendar))


def _basis(at: Session, calendar: Calendar) -> Basis:
    return Basis(
        versions(at.conn), at.settings.gauges, calendar, at.zone, Modes(), believed(at.settings)
    )


def _late(at: Session) -> dict[int, Overdue]:
    found = find_overdue(at.conn, load_calendar(at.conn), at.zone, at.now)
    return {one.doubt: one for one in found}


@doubt_app.command(help="一个疑点：说了什么、依据什么、经过如何。")
def show(
    number: Number,
    reason: Annotated[
        str, typer.Option(help="查看原因，记入操作日志；疑点涉及车辆轨迹时必填。")
    ] = "",
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show one doubt with what it rests on; one that tells of a track only with a reason."""
    with session(config, by) as at:
        found = listing.doubt(at.conn, number)
        seen = recorded(at.conn, number)
        if seen is not None:
            title = row_of(found, at.zone, at.now)
            history = history_table(listing.history(at.conn, number), at.zone)
            give([inspected(title, seen, at.zone), history], None, as_json=as_json)
            return
        with _looking(at, found, reason):
            calendar = load_calendar(at.conn)
            basis = _basis(at, calendar)
            rests = evidence(at.conn, basis, found, us_of(at.now), pricing(at, calendar))
        tables = [shown(row_of(found, at.zone, at.now), rests)]
        if not found.sort.by_day:
            tables.append(course_table(rests, at.zone))
        tables.append(history_table(listing.history(at.conn, number), at.zone))
        give(tables, None, as_json=as_json)


@contextmanager
def _looking(at: Session, found: listing.Listed, reason: str) -> Iterator[None]:
    """Look at a doubt inside; one that tells where or when a vehicle was is taken note of."""
    kind = KINDS.get(found.kind)
    # A condition of somebody's own may name anything of a vehicle.
    tracks = found.sort is Sort.VEHICLE if kind is None else kind.tracks
    if not tracks:
        yield
        return
    with track_of(at, "doubt.read", found.subject, reason, doubt=found.id, kind=found.kind):
        yield


@doubt_app.command(help="报告巡查中见到的情况，成为一个疑点。")
def report(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    room: Annotated[str, typer.Option(help="房间编码，见设备清单。")],
    kind: Annotated[str, typer.Option(help="巡查类别：inspection 类规则的编码或名称。")],
    when: Annotated[str, typer.Option("--at", help="见到的时间：2026-10-03 14:20。")],
    words: Annotated[str, typer.Option(help="见到的情况。")],
    reading: Annotated[str | None, typer.Option(help="读数，如 22.5；单位见规则。")] = None,
    photo: Annotated[Path | None, typer.Option(help="照片：JPEG、PNG、WebP 或 HEIC。")] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Open a doubt about what an inspector saw."""
    with session(config, by) as at:
        finding = Finding(
            room,
            kind,
            written.moment(when, at.zone, "--at"),
            words,
            None if reading is None else decimal(reading),
            None if photo is None else _photo(photo),
        )
        number = inspection.report(at.conn, at.act, finding, versions(at.conn), at.zone)
    typer.echo(f"疑点 {number}：{STATES[State.ASKED]}。查看：jieyong doubt show {number}")


def _photo(file: Path) -> Photo:
    try:
        with file.open("rb") as opened:
            # One more byte says that it is too large; of a device there would be no end.
            return Photo(file.name, opened.read(LARGEST + 1))
    except OSError as error:
        refuse("--photo", f"{file}：不能读取（{error.strerror}），请核对路径")


@doubt_app.command("photo", help="取回疑点的照片，与当初报告的逐字节相同；不覆盖已有文件。")
def photo_command(number: Number, file: Path, config: Config = None) -> None:
    """Read a photo back."""
    with session(config) as at:
        found = photo_of(at.conn, number)
    write_scan(file, Attachment(found.name, found.content))


def _step(step: Step, help_: str) -> None:
    def command(number: Numbers, words: Words, by: By = None, config: Config = None) -> None:
        numbers = _numbers(number)
        with session(config, by) as at:
            state = do_all(at.conn, at.act, numbers, Deed(step, words))
        typer.echo(f"疑点 {number}：{STATES[state]}{_how_many(numbers)}。")

    command.__doc__ = help_
    doubt_app.command(step.value, help=help_)(command)


for _one, _help in (
    (Step.EXPLAIN, "单位说明情况。"),
    (Step.RETURN, "退回，请单位再说明。"),
    (Step.CHECK, "核实单位的说明。"),
    (Step.SHELVE, "搁置，以后再办。"),
    (Step.EXEMPT, "豁免：这里的这种情况不必说明。"),
    (Step.REOPEN, "重新打开。"),
):
    _step(_one, _help)


@doubt_app.command(help="办结：结论、原因和措施。")
def conclude(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    number: Numbers,
    verdict: Annotated[str, typer.Option(help=f"结论：{'、'.join(VERDICTS.values())}。")],
    cause: Annotated[str, typer.Option(help="原因。")],
    measure: Annotated[str, typer.Option(help="措施；不需要的写明“无需措施”及理由。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Conclude a doubt."""
    chosen = {word: one for one, word in VERDICTS.items()}.get(verdict)
    if chosen is None:
        refuse("--verdict", f"结论 {verdict} 不对；可用：{'、'.join(VERDICTS.values())}")
    numbers = _numbers(number)
    with session(config, by) as at:
        deed = Deed(Step.CONCLUDE, conclusion=Conclusion(Verdict(chosen), cause, measure))
        state = do_all(at.conn, at.act, numbers, deed)
    typer.echo(f"疑点 {number}：{STATES[state]}（{verdict}）{_how_many(numbers)}。")


def _numbers(written: str) -> list[int]:
    """Read numbers of doubts like 3,5,8-40."""
    found: set[int] = set()
    for part in written.replace("，", ",").split(","):
        match = _SPAN.fullmatch(part.strip())
        first, last = (0, -1) if match is None else (int(match[1]), int(match[2] or match[1]))
        if not 0 < first <= last < _LARGEST:
            refuse("NUMBER", f"{part.strip()} 不是疑点编号；写 3，或 3,5,8-40")
        if last - first >= _MOST or len(found) >= _MOST:
            refuse("NUMBER", f"一次最多办 {_MOST} 个疑点，请分几次办")
        found.update(range(first, last + 1))
    return sorted(found)


def _how_many(numbers: Sequence[int]) -> str:
    return f"，共 {len(numbers)} 个" if len(numbers) > 1 else ""
