"""The same part replaced again long before it is usually worn."""

from __future__ import annotations

import pytest

from fleet.joining.rules import DAY_US
from fleet.norms.parts import Mended, again, parts


def line(number: int, day: int, text: str, km: int | None = None) -> Mended:
    return Mended(number, day * DAY_US, text, None if km is None else km * 10)


def told(*lines: Mended) -> list[tuple[int, str, int | None]]:
    found = again(lines, parts())
    return [
        (one.number, one.part.part, None if one.early_pct is None else round(one.early_pct))
        for one in found
    ]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (line(2, 73, "更换电瓶", 13_000), [(2, "battery", 90)]),
        (line(2, 73, "更换电瓶", 30_000), [(2, "battery", 50)]),
        (line(2, 73, "更换电瓶"), [(2, "battery", 73)]),
        (line(2, 800, "更换电瓶", 13_000), []),
        (line(2, 73, "更换电瓶", 51_000), []),
        (line(2, 2, "蓄电池工时"), []),
        (line(2, 73, "机油"), []),
    ],
    ids=["soon", "far", "km unknown", "worn by time", "worn by way", "one repair", "other part"],
)
def test_a_part_lasts_for_days_and_kilometres(
    second: Mended, expected: list[tuple[int, str, int | None]]
) -> None:
    assert told(line(1, 0, "蓄电池", 10_000), second) == expected


def test_of_several_the_paper_has_to_say_which() -> None:
    left = line(1, 0, "左前轮胎")
    assert told(left, line(2, 50, "右后轮胎")) == []
    assert told(left, line(2, 50, "轮胎 2 条")) == [(2, "tyre", None)]
    assert told(left, line(2, 55, "左前轮胎")) == [(2, "tyre", 84)]


def test_a_line_may_hold_several_parts() -> None:
    assert told(line(1, 0, "水泵、火花塞"), line(2, 73, "火花塞、机油")) == [(2, "spark_plugs", 64)]


def test_of_what_was_not_written_down_so_much_was_driven_as_anybody_drives() -> None:
    assert told(line(1, 0, "机油"), line(2, 50, "机油")) == []
    assert told(line(1, 0, "机油", 1_000), line(2, 50, "机油", 2_000)) == [(2, "oil", 72)]


@pytest.mark.parametrize(
    "text",
    ["蓄电池检测", "补充机油、蓄电池充电", "蓄电池接头紧固", "轮胎换位、蓄电池检查"],
)
def test_what_was_looked_at_was_not_replaced(text: str) -> None:
    assert told(line(1, 0, "更换蓄电池"), line(2, 30, text)) == []


def test_what_was_looked_at_and_replaced_was_replaced() -> None:
    assert told(line(1, 0, "更换蓄电池"), line(2, 73, "检测后更换蓄电池")) == [(2, "battery", 73)]
    assert told(line(1, 0, "更换蓄电池"), line(2, 73, "四轮定位、蓄电池")) == [(2, "battery", 73)]


def test_another_motor_is_no_starter() -> None:
    assert told(line(1, 0, "更换启动马达"), line(2, 30, "更换雨刮马达")) == []


def test_what_is_replaced_under_guarantee_is_no_question_and_begins_anew() -> None:
    free = Mended(2, 30 * DAY_US, "更换蓄电池", None, 0)
    assert told(line(1, 0, "更换蓄电池"), free) == []
    assert told(line(1, 0, "更换蓄电池"), line(2, 30, "更换蓄电池（质保）")) == []
    found = told(line(1, 0, "更换蓄电池"), free, line(3, 103, "更换蓄电池"))
    assert found == [(3, "battery", 73)]
