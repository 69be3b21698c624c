"""An explanation in plain Chinese, line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from metering.quality import gaps, words
from metering.quality.check import Check, Edge, Segment
from metering.quality.explanation import EntryLine, Explanation, Period, RatioLine
from metering.quality.words import (
    amount,
    bar,
    flag_signs,
    moment,
    percent,
    plain,
    to_the_right,
    unit_name,
    width,
)
from storage.times import at_us


def render(explanation: Explanation) -> str:
    """The explanation as a text, ready to print."""
    zone = ZoneInfo(explanation.zone)
    blocks = (
        _figure(explanation),
        _counters(explanation, zone),
        _devices(explanation, zone),
        _ratios(explanation, zone),
        _findings(explanation, zone),
        _estimates(explanation, zone),
        _entries(explanation, zone),
        _bills(explanation),
        _accounts(explanation),
        _missing(explanation, zone),
        _periods(explanation, zone),
        _inputs(explanation, zone),
        _check(explanation, zone),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines)


def summary(explanation: Explanation) -> str:
    """The figure, how far it is known, and what of it is estimated."""
    return "\n".join(_figure(explanation))


def _figure(e: Explanation) -> Iterator[str]:
    subject = e.subject
    energy = words.energy_names().get(subject.energy, subject.energy)
    direction = words.DIRECTIONS.get(subject.direction, subject.direction)
    where = f"计算表：{subject.formula}" if subject.formula else f"计量点位 {subject.place}"
    yield f"{subject.code} {subject.name}（{energy}，{direction}，{where}）"
    yield f"{e.title} 用量：{amount(e.micro, subject.unit)}"
    until = f"装有设备、截至 {moment(e.as_of, ZoneInfo(e.zone))} 的时段"
    if e.expected_s:
        yield f"数据覆盖：{percent(e.share)}（{until}中，前后都有可信读数的部分）"
    else:
        yield f"数据覆盖：无法计算（没有已知{until}；若装表时间未录入且从未有过用量，请补录）"
    if e.absent:
        yield "注意：有时段没有设备安装在此，用量不含这些时段，见下。"
    if e.micro:
        spread = f"，分摊在 {e.estimated_quarters} 个刻钟" if e.estimated_quarters else ""
        yield f"其中估算：{_part(e.estimated, e.micro, subject.unit)}{spread}"
        yield f"其中依据人工抄表：{_part(e.entered, e.micro, subject.unit)}"
    if e.waiting:
        yield "注意：这段时间有数据正在等待重算，结果可能变化。"
    if e.failure is not None:
        yield f"注意：最近一次计算失败：{e.failure}"


def _part(micro: int, whole: int, unit: str) -> str:
    share = amount(micro, unit)
    return f"{share}（{percent(abs(_ratio(micro, whole)))}）" if micro else share


def _ratio(micro: int, whole: int) -> Decimal:
    return Decimal(micro) / whole


def _counters(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.first is not None and e.last is not None:
        for name, one in (("首个整刻读数", e.first), ("末个整刻读数", e.last)):
            yield f"{name}：{moment(one.ts, zone)}  {plain(one.value)}（设备 {one.device}）"


def _devices(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.subject.formula is not None:
        return
    yield "设备：" if e.devices else "设备：这段时间没有设备安装在此。"
    for one in e.devices:
        serial = f"，表号 {one.serial_no}" if one.serial_no else ""
        register = f"，寄存器 {one.register}" if one.register else "，没有累计量测点"
        ends = [
            f"，{name} {plain(value)}"
            for name, value in (("底数", one.initial), ("止数", one.final))
            if value is not None
        ]
        yield (
            f"  {one.code}{serial}{register}：{moment(one.begin, zone)} 至"
            f" {moment(one.end, zone, unbounded='今')}{''.join(ends)}（设备模板 {one.profile}）"
        )
    for span in e.absent:
        yield f"  没有设备：{moment(span.begin, zone)} 至 {moment(span.end, zone)}"


def _ratios(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.subject.formula is not None:
        return
    standing = any(one.withdrawn_at is None for one in e.ratios)
    yield "倍率：" if standing else "倍率：未录入，按 1 计算。"
    for one in e.ratios:
        yield (
            f"  CT {plain(one.ct)} × PT {plain(one.pt)} = {plain(one.ct * one.pt)}："
            f"{moment(one.begin, zone)} 至 {moment(one.end, zone, unbounded='今')}"
            f"（{one.entered_by}，{moment(one.entered_at, zone)} 录入）{_gone(one, zone)}"
        )
    for span in e.unrated:
        yield f"  未录入，按 1 计算：{moment(span.begin, zone)} 至 {moment(span.end, zone)}"


def _findings(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.findings:
        yield "异常与处理："
    for one in e.findings:
        span = moment(one.ts, zone)
        if one.until > one.ts:
            span += f" 至 {moment(one.until, zone)}"
        values = [plain(value) for value in (one.before, one.after) if value is not None]
        booked = "" if one.kind in {"first", "suspect"} else f"，计 {amount(one.micro, _unit(e))}"
        name = words.FINDINGS.get(one.kind, one.kind)
        yield f"  {span}  {name}：读数 {' → '.join(values)}{booked}（设备 {one.device}）"


def _estimates(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if not e.estimated_quarters:
        return
    yield "估算依据：" if e.load_profiles else "估算依据：没有指定负荷曲线，按时间平均分摊。"
    for one in e.load_profiles:
        yield (
            f"  负荷曲线 {one.code} 第 {one.version} 版（{one.source}）："
            f"{moment(one.begin, zone)} 至 {moment(one.end, zone, unbounded='今')}；"
            "其余时段按时间平均分摊"
        )


def _missing(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.missing:
        yield "缺失时段（未计入用量）："
    for gap in e.missing:
        span = f"{moment(gap.span.begin, zone)} 至 {moment(gap.span.end, zone)}"
        yield f"  {span}：{gaps.WORDS[gap.why]}"


def _entries(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.entries:
        yield "人工录入："
    for one in e.entries:
        note = f"，{one.note}" if one.note else ""
        who = f"{one.entered_by}，{moment(one.entered_at, zone)} 录入{note}"
        yield (
            f"  {moment(one.ts, zone)}  {words.ENTRIES.get(one.kind, one.kind)} {plain(one.value)}"
            f"（设备 {one.device}；{who}）{_gone(one, zone)}"
        )


def _gone(one: EntryLine | RatioLine, zone: ZoneInfo) -> str:
    if one.withdrawn_at is None:
        return ""
    return f"【已撤销：{one.withdrawn_by}，{moment(one.withdrawn_at, zone)}】"


def _bills(e: Explanation) -> Iterator[str]:
    if e.subject.formula is not None:
        return
    if not e.bills:
        yield "相关账单：这段时间没有关联到该表的账单。"
        bind = f"jieyong bill bind 户号 {e.subject.code} --since 日期"
        yield f"  有账单而这里没有的，可能是表没有绑定到户号：{bind}"
        return
    yield "相关账单："
    for one in e.bills:
        last = one.end - timedelta(days=1)
        quantity = words.UNKNOWN if one.quantity is None else plain(one.quantity)
        cost = words.UNKNOWN if one.amount is None else f"{one.amount:,.2f} 元"
        yield (
            f"  {one.supplier} {one.account}：{one.first} 至 {last}，{quantity}"
            f" {unit_name(one.unit)}，金额 {cost}，{words.STATUSES.get(one.status, one.status)}"
            f"（编号 {one.id}，{one.entered_by} 录入）"
        )


def _accounts(e: Explanation) -> Iterator[str]:
    if e.accounts:
        yield (
            "户号：只有部分日子属于户号，这些日子以账单为准；"
            "其余日子，机构没有别的同种户号的，以计量为准："
        )
    for one in e.accounts:
        days = f"{one.first} 至 {one.end - timedelta(days=1)}"
        whose = "没有户号" if one.account is None else f"户号 {one.account}"
        yield f"  {days}：{whose}，本表计 {amount(one.micro, _unit(e))}"


def _periods(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if not e.periods:
        return
    hourly = e.periods[0].end - e.periods[0].begin <= timedelta(hours=1)
    yield f"{'逐时' if hourly else '逐日'}用量（{unit_name(_unit(e))}）："
    shown = [amount(one.micro) for one in e.periods]
    columns = max(map(width, shown))
    for one, text in zip(e.periods, shown, strict=True):
        local = one.begin.astimezone(zone)
        label = f"{local:%H:%M}" if hourly else f"{local:%m-%d}"
        known = f"{bar(one.share)} {percent(one.share)}{_signs(one)}"
        yield f"  {label}  {to_the_right(text, columns)}  {known}"
    yield "  标记：估=估算 抄=人工抄表 翻=翻转 清=清零 疑=有读数未计入 换=换表 倍=倍率变更"


def _signs(period: Period) -> str:
    signs = flag_signs(period.flags)
    return f"  {signs}" if signs else ""


def _inputs(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.inputs:
        yield f"计算表 {e.subject.formula} 的各项（各自的来历用 --meter 编码 --explain 查看）："
    for one in e.inputs:
        signs = flag_signs(one.flags)
        yield f"  {one.code}：{amount(one.micro, _unit(e))}{'  ' if signs else ''}{signs}"
        for change in one.replaced:
            took, put = (moment(at, zone) for at in (change.removed, change.installed))
            yield f"    换表：{took} 拆旧，{put} 装新" if took != put else f"    换表：{took}"


def _check(e: Explanation, zone: ZoneInfo) -> Iterator[str]:
    if e.check is None:
        if e.subject.formula is None:
            yield "校验：无法进行，设备资料有误，见上。"
        return
    yield "校验（Σ 各刻钟 = 末读数 − 首读数 ± 事件）："
    for segment in e.check.segments:
        yield from _segment(segment, zone, _unit(e))
    for edge in e.check.edges:
        yield _edge(edge, zone, _unit(e))
    yield f"  合计：{amount(e.check.total, _unit(e))}"
    yield f"  结论：{_verdict(e.check)}"


def _segment(one: Segment, zone: ZoneInfo, unit: str) -> Iterator[str]:
    first, last = one.first * one.resolution, one.last * one.resolution
    worth = Decimal(one.micro_per_tick).scaleb(-6) / one.resolution
    yield (
        f"  {moment(at_us(one.since_us), zone)} 至 {moment(at_us(one.until_us), zone)}"
        f"（设备 {one.device}）：({plain(last)} − {plain(first)}) × {plain(worth)}"
        f" = {amount(one.counted, unit)}"
    )
    for event in one.corrections:
        sign = "+" if event.micro >= 0 else "−"
        what = f"{moment(at_us(event.ts_us), zone)} {words.FINDINGS.get(event.kind, event.kind)}"
        yield f"    {what}：{sign} {amount(abs(event.micro), unit)}"
    agrees = "一致" if one.off == 0 else f"相差 {amount(one.off, unit)}"
    yield f"    Σ 各刻钟 = {amount(one.booked, unit)}，{agrees}"


def _edge(one: Edge, zone: ZoneInfo, unit: str) -> str:
    span = f"{moment(at_us(one.since_us), zone)} 至 {moment(at_us(one.until_us), zone)}"
    if one.micro is None:
        return f"  {span}：没有已知用量"
    return f"  {span}：无整刻读数可核对，跨段分摊 {amount(one.micro, unit)}"


def _verdict(check: Check) -> str:
    if not check.segments:
        return "没有可核对的读数。"
    if check.holds:
        apart = any(edge.micro for edge in check.edges)
        return "各段与读数完全一致" + ("；各段之外的分摊量没有整刻读数可比。" if apart else "。")
    again = "jieyong meter recompute 编码；数据可能正在等待重算"
    return f"与读数不一致：请重算该表（{again}），仍不一致请报告。"


def _unit(e: Explanation) -> str:
    return e.subject.unit
