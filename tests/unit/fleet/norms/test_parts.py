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
        (line(2, 73, "更换电瓶"), [(2, "battery", 90)]),
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
    assert told(left, line(2, 55, "左前轮胎")) == [(2, "tyre", 95)]


def test_a_line_may_hold_several_parts() -> None:
    assert told(line(1, 0, "水泵、火花塞"), line(2, 73, "火花塞、机油")) == [(2, "spark_plugs", 90)]
