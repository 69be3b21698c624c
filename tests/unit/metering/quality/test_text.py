from __future__ import annotations

import csv
import dataclasses
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from metering.counter.findings import _KINDS
from metering.counter.model import Flag
from metering.quality import words
from metering.quality.check import Check, Correction, Edge, Segment
from metering.quality.explanation import (
    AccountDays,
    BillLine,
    Counter,
    Device,
    EntryLine,
    Explanation,
    FindingLine,
    InputLine,
    LoadProfileLine,
    Period,
    RatioLine,
    Subject,
)
from metering.quality.export import to_csv, to_json
from metering.quality.gaps import Gap, Why
from metering.quality.presence import Change, Span
from metering.quality.text import render, summary
from storage.times import us_of

BEGIN = datetime(2026, 9, 30, 16, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = BEGIN + 40 * DAY
KWH = 1_000_000


EDGES = (
    Edge(us_of(BEGIN + 2 * DAY), us_of(NOW), 40 * KWH),
    Edge(us_of(NOW), us_of(NOW + DAY), None),
)


def segment(booked: int) -> Segment:
    rollover = Correction("rollover", us_of(BEGIN + DAY), us_of(BEGIN + DAY), 400_000 * KWH)
    return Segment(
        device="d-1",
        resolution=Decimal("0.01"),
        micro_per_tick=400_000,
        since_us=us_of(BEGIN),
        until_us=us_of(BEGIN + 2 * DAY),
        first=999_000,
        last=500,
        counted=(500 - 999_000) * 400_000,
        corrections=(rollover,),
        booked=booked,
    )


FULL = Explanation(
    subject=Subject("m-1", "总电表", "electricity", "kWh", "in", "p-1", None),
    title="2026-10",
    zone="Asia/Shanghai",
    as_of=BEGIN + 3 * DAY,
    micro=640 * KWH,
    estimated=16 * KWH,
    estimated_quarters=48,
    entered=0,
    periods=(
        Period(BEGIN, BEGIN + DAY, 600 * KWH, 0, 86_400, 86_400, Flag.ROLLOVER),
        Period(BEGIN + DAY, BEGIN + 2 * DAY, 40 * KWH, 16 * KWH, 43_200, 86_400, Flag.ESTIMATED),
        Period(BEGIN + 2 * DAY, BEGIN + 3 * DAY, None, 0, 0, 86_400, Flag.NONE),
    ),
    first=Counter("d-1", BEGIN, Decimal("9990.00")),
    last=Counter("d-1", BEGIN + 2 * DAY, Decimal("5.00")),
    devices=(Device("d-1", "SN9", "energy", None, None, Decimal("1.50"), None, "dtsu@3"),),
    absent=(),
    ratios=(
        RatioLine(Decimal("40.0000"), Decimal("1.0000"), BEGIN, None, "王芳", NOW, None, None),
        RatioLine(Decimal("60.0000"), Decimal("1.0000"), BEGIN, None, "李强", NOW, "王芳", NOW),
    ),
    unrated=(Span(BEGIN - DAY, BEGIN),),
    load_profiles=(LoadProfileLine("office", 2, "本院 2025 年实测", None, None),),
    findings=(
        FindingLine("rollover", "d-1", BEGIN + DAY, BEGIN + DAY, 9998.0, 3.0, 200 * KWH),
        FindingLine("jump", "d-1", BEGIN, BEGIN + DAY, 3.0, 90_000.0, None),
        FindingLine("suspect", "d-1", BEGIN + DAY, BEGIN + DAY, 3.0, 7.0, None),
    ),
    missing=(Gap(Span(BEGIN + DAY + DAY / 2, BEGIN + 3 * DAY), Why.SILENT),),
    entries=(
        EntryLine("reading", "d-1", BEGIN, Decimal(9990), "月初", "李强", NOW, "王芳", NOW + DAY),
    ),
    bills=(
        BillLine(
            *(7, "5001", "供电局", date(2026, 9, 25), date(2026, 10, 25), "settled"),
            *(Decimal("700.000000"), "kWh", None, "王芳", NOW),
        ),
    ),
    accounts=(
        AccountDays(None, date(2026, 10, 1), date(2026, 10, 3), 140 * KWH),
        AccountDays("5001", date(2026, 10, 3), date(2026, 11, 1), None),
    ),
    check=Check((segment(600 * KWH),), EDGES, 640 * KWH),
    inputs=(),
    waiting=False,
    failure=None,
)


def test_every_part_is_there_in_plain_chinese() -> None:
    text = render(FULL)
    for line in (
        "m-1 总电表（电，用入，计量点位 p-1）",
        "2026-10 用量：640 kWh",
        "数据覆盖：50.0%（装有设备、截至 2026-10-04 00:00 的时段中，前后都有可信读数的部分）",
        "其中估算：16 kWh（2.5%），分摊在 48 个刻钟",
        "  负荷曲线 office 第 2 版（本院 2025 年实测）：不限 至 今；其余时段按时间平均分摊",
        "其中依据人工抄表：0 kWh",
        "首个整刻读数：2026-10-01 00:00  9,990（设备 d-1）",
        "  d-1，表号 SN9，寄存器 energy：不限 至 今，底数 1.5（设备模板 dtsu@3）",
        "  CT 40 × PT 1 = 40：2026-10-01 00:00 至 今（王芳，2026-11-10 00:00 录入）\n",
        "今（李强，2026-11-10 00:00 录入）【已撤销：王芳，2026-11-10 00:00】\n",
        "  未录入，按 1 计算：2026-09-30 00:00 至 2026-10-01 00:00",
        "翻转（满度归零）：读数 9,998 → 3，计 200 kWh（设备 d-1）",
        "跳变，用量未知：读数 3 → 90,000，计 未知（设备 d-1）",
        "可疑读数，待确认，暂未计入：读数 3 → 7（设备 d-1）",
        "  2026-10-01 至 2026-10-02：没有户号，本表计 140 kWh",
        "  2026-10-03 至 2026-10-31：户号 5001，本表计 未知",
        "抄表 9,990（设备 d-1；李强，2026-11-10 00:00 录入，月初）【已撤销：王芳，",
        "供电局 5001：2026-09-25 至 2026-10-24，700 kWh，金额 未知，已结算（编号 7，王芳 录入）",
        "  10-01   600  ██████████ 100.0%  翻",
        "  10-02    40  █████····· 50.0%  估",
        "  10-03  未知  ·········· 0.0%",
        "(5 − 9,990) × 40 = -399,400 kWh",
        "翻转（满度归零）：+ 400,000 kWh",
        "Σ 各刻钟 = 600 kWh，一致",
        "无整刻读数可核对，跨段分摊 40 kWh",
        "各段与读数完全一致；各段之外的分摊量没有整刻读数可比。",
        "2026-10-02 12:00 至 2026-10-04 00:00：设备无数据",
        "2026-11-10 00:00 至 2026-11-11 00:00：没有已知用量",
    ):
        assert line in text, f"{line}\n---\n{text}"


def test_time_without_a_device_is_said_beside_the_figure() -> None:
    """43 kWh from the 22nd on are no month, however complete the last week is."""
    late = dataclasses.replace(FULL, absent=(Span(BEGIN - DAY, BEGIN),))
    assert "注意：有时段没有设备安装在此，用量不含这些时段，见下。" in summary(late)
    assert "  没有设备：2026-09-30 00:00 至 2026-10-01 00:00" in render(late)
    assert "没有设备" not in render(FULL)


def test_what_is_not_there_is_said_where_an_auditor_asks_for_it() -> None:
    text = render(dataclasses.replace(FULL, bills=(), load_profiles=()))
    assert "相关账单：这段时间没有关联到该表的账单。" in text
    assert f"jieyong bill bind 户号 {FULL.subject.code} --since 日期" in text
    assert "估算依据：没有指定负荷曲线，按时间平均分摊。" in text


def test_nothing_estimated_needs_no_basis() -> None:
    text = render(dataclasses.replace(FULL, estimated=0, estimated_quarters=0))
    assert "估算依据" not in text
    assert "其中估算：0 kWh\n" in text


def test_a_check_without_edges_is_plain() -> None:
    checked = Check((segment(600 * KWH),), (), 600 * KWH)
    assert "各段与读数完全一致。" in render(dataclasses.replace(FULL, check=checked))


def test_a_sum_that_does_not_hold_is_not_hidden() -> None:
    wrong = dataclasses.replace(FULL, check=Check((segment(599 * KWH),), (), 599 * KWH))
    text = render(wrong)
    assert "相差 -1 kWh" in text
    assert "与读数不一致" in text
    assert "完全一致" not in text


def test_unknown_failing_and_waiting_are_said() -> None:
    nothing = dataclasses.replace(
        FULL, micro=None, check=None, waiting=True, failure="ratio is 0", ratios=(), devices=()
    )
    text = summary(nothing)
    assert "2026-10 用量：未知" in text
    assert "估算" not in text
    assert "正在等待重算" in text
    assert "最近一次计算失败：ratio is 0" in text
    full = render(nothing)
    assert "倍率：未录入，按 1 计算。" in full
    assert "没有设备安装在此" in full
    assert "校验：无法进行" in full


def test_a_virtual_meter_is_explained_by_its_inputs() -> None:
    subject = Subject("v", "合计", "electricity", "kWh", "in", None, "a + b")
    change = Change(BEGIN + timedelta(hours=10), BEGIN + timedelta(hours=11))
    at_once = Change(BEGIN + DAY, BEGIN + DAY)
    virtual = dataclasses.replace(
        FULL,
        subject=subject,
        check=None,
        inputs=(
            InputLine("a", 640 * KWH, Flag.REPLACED | Flag.ESTIMATED, (change, at_once)),
            InputLine("b", None, Flag.NONE, ()),
        ),
    )
    text = render(virtual)
    assert "计算表：a + b" in text
    assert "  a：640 kWh  估换\n" in text
    assert "    换表：2026-10-01 10:00 拆旧，2026-10-01 11:00 装新\n" in text
    assert "    换表：2026-10-02 00:00\n" in text
    assert text.endswith("  b：未知")
    assert "倍率：" not in text
    assert "校验（" not in text


def test_a_day_is_shown_by_the_hour() -> None:
    hour = Period(BEGIN, BEGIN + timedelta(hours=1), KWH, 0, 3600, 3600, Flag.NONE)
    text = render(dataclasses.replace(FULL, title="2026-10-01", periods=(hour,)))
    assert "逐时用量（kWh）" in text
    assert "  00:00  1  ██████████ 100.0%" in text


def test_csv_leaves_unknown_cells_empty() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(FULL).removeprefix("\ufeff"))))
    assert rows[1][2:] == ["600", "0", "1.0000", "翻"]
    assert rows[3][2:] == ["", "", "0.0000", ""]


def test_json_keeps_millionths_whole_and_decimals_exact() -> None:
    content = json.loads(to_json(FULL))
    assert content["micro"] == 640 * KWH
    assert content["periods"][2]["micro"] is None
    assert content["ratios"][0]["ct"] == "40.0000"
    assert content["bills"][0]["first"] == "2026-09-25"
    assert content["holds"] is True


@pytest.mark.parametrize(
    "kind", [*_KINDS.values(), "dip", "spike", "suspect", "backwards", "gap", "stuck", "first"]
)
def test_every_finding_has_chinese_words(kind: str) -> None:
    assert kind in words.FINDINGS


def test_where_every_ratio_was_withdrawn_it_is_one() -> None:
    text = render(dataclasses.replace(FULL, ratios=FULL.ratios[1:]))
    assert "倍率：未录入，按 1 计算。\n  CT 60 × PT 1 = 60" in text


def test_where_nothing_is_expected_no_share_is_known() -> None:
    text = summary(dataclasses.replace(FULL, micro=None, periods=()))
    assert "数据覆盖：无法计算" in text
    assert "100" not in text
