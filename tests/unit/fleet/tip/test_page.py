"""The page that answers a report: one page, however much there is to tell."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fleet.derive.listing import TripRow
from fleet.tip.inquiry import Answer, Asked, Order
from fleet.tip.page import Page, page, table
from fleet.tip.plates import Bearer
from fleet.tip.whereabouts import Gap, Place, Point, Whereabouts
from registry.table import write
from storage.times import us_of

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 10, 3, 14, 20, tzinfo=ZONE)
MINUTE = 60_000_000
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def gap(minute: int, *, excluded: bool = False) -> Gap:
    """A gap of five minutes, so many minutes from the time of the report."""
    begin = us_of(AT) + minute * MINUTE
    return Gap(begin, begin + 5 * MINUTE, excluded, "reach" if excluded else "")


def trip(minute: int) -> TripRow:
    begin = AT + timedelta(minutes=minute)
    places = (30.6, 104.0, 30.7, 104.1)
    ends = begin, begin + timedelta(minutes=6)
    return TripRow(*(*ends, *places, 5_000_000, 0, None, None, None, 0, 360, 0, 60.0, 40, 0, 0, 0))


def order(number: int) -> Order:
    out = AT + timedelta(minutes=20 * number)
    back = out + timedelta(minutes=15)
    texts = ("张三", "送文件", "李四", "王五", "东站")
    return Order(f"P{number}", date(2026, 10, 3), *texts, out, back)


def point(minute: float) -> Point:
    return Point(us_of(AT) + int(minute * MINUTE), 30.6, 104.0, 40.0, 900.0)


def shown(
    *,
    within: int = 720,
    points: tuple[Point, ...] = (),
    gaps: tuple[Gap, ...] = (),
    trips: tuple[TripRow, ...] = (),
    orders: tuple[Order, ...] = (),
) -> Page:
    span = timedelta(minutes=within)
    asked = Asked("川A·D1234", AT, span, Place(30.65, 104.06), "人民广场", "群众来电")
    bearer = Bearer(1, 1, "A01", "川A·D1234", None, None, "财政局", sensitive=False)
    seen = Whereabouts(points, None, None, 0, points[0] if points else None, gaps)
    found = Answer(asked, bearer, (bearer,), 1, seen, trips, orders)
    return page(found, 300, ZONE, "李主任", AT + timedelta(days=2))


def lines(found: Page, item: str) -> list[str]:
    return dict(found.rows)[item].split("\n")


def crowded() -> Page:
    return shown(
        points=tuple(point(n) for n in range(-700, 700)),
        gaps=tuple(gap(20 * n) for n in range(-35, 35)),
        trips=tuple(trip(20 * n + 5) for n in range(-35, 35)),
        orders=tuple(order(n) for n in range(-35, 35)),
    )


def test_it_is_one_page_however_much_there_is_to_tell(tmp_path: Path) -> None:
    found = crowded()
    assert sum(len(text.split("\n")) for _, text in found.rows) < 50
    write(tmp_path / "页.xlsx", [table(found)])
    sheet = ET.fromstring(zipfile.ZipFile(tmp_path / "页.xlsx").read("xl/worksheets/sheet1.xml"))
    setup = sheet.find(f"{MAIN}pageSetup")
    assert setup is not None
    assert (setup.get("fitToWidth", "1"), setup.get("fitToHeight", "1")) == ("1", "1")
    heights = [float(row.get("ht", 0)) for row in sheet.iter(f"{MAIN}row")]
    assert max(heights) <= 409  # what Excel takes


def test_what_is_left_out_lies_furthest_from_the_time_and_is_told() -> None:
    found = crowded()
    trips = lines(found, "行程")
    assert trips[-1] == f"另有 {70 - len(trips) + 1} 次，离举报时间更远，未列"
    assert any("10-03 14:25 至 10-03 14:31" in one for one in trips)
    assert trips[:-1] == sorted(trips[:-1])
    orders = lines(found, "派车单")
    assert any(one.startswith("P0：") for one in orders)
    assert orders[-1] == f"另有 {70 - len(orders) + 1} 张，离举报时间更远，未列"


def test_of_gaps_those_in_which_it_may_have_been_there_come_first() -> None:
    gaps = [gap(20 * n, excluded=n != 30) for n in range(-35, 35)]
    listed = lines(shown(gaps=tuple(gaps)), "没有定位的时间")
    assert sum(one.endswith("不能判断") for one in listed) == 1
    assert listed[-1] == f"另有 {70 - len(listed) + 1} 段，未列"


def test_few_are_all_listed() -> None:
    found = shown(gaps=(gap(-20),), trips=(trip(-10),), orders=(order(0),))
    for item in ("没有定位的时间", "行程", "派车单"):
        assert len(lines(found, item)) == 1


def test_the_fixes_next_to_the_time_are_always_among_those_shown() -> None:
    found = shown(points=tuple(point(n + 0.5) for n in range(-700, 700)))
    listed = lines(found, "当时位置")
    assert len(listed) <= 12
    assert any("14:19:30" in one for one in listed)
    assert any("14:20:30" in one for one in listed)


def test_times_say_their_day_where_the_span_holds_two() -> None:
    points = point(-700), point(600)
    listed = lines(shown(points=points, gaps=(gap(590),)), "当时位置")
    assert [one[:14] for one in listed] == ["10-03 02:40:00", "10-04 00:20:00"]
    gaps = lines(shown(points=points, gaps=(gap(578),)), "没有定位的时间")
    assert gaps == ["10-03 23:58:00 至 10-04 00:03:00：不能判断"]
    of_a_day = shown(within=30, points=(point(0),), gaps=(gap(1),))
    assert lines(of_a_day, "当时位置")[0].startswith("14:20:00")
    assert lines(of_a_day, "没有定位的时间")[0].startswith("14:21:00 至 14:26:00")
