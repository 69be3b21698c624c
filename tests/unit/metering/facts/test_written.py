from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from metering.facts import written
from metering.facts.resolution import whole
from registry.refusal import RefusedError

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "value"),
    [("80", "80"), ("400/5", "80"), ("10000 / 100", "100"), ("400：5", "80"), ("26.667", "26.667")],
)
def test_a_ratio_is_read_as_it_stands_on_the_nameplate(text: str, value: str) -> None:
    assert written.ratio(text, "--ct") == Decimal(value)


@pytest.mark.parametrize("text", ["", "0", "5/0", "0/5", "-80", "400/7", "80x", "1e3", "400/5/2"])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=r"^--ct："):
        written.ratio(text, "--ct")


@pytest.mark.parametrize(("text", "value"), [("0", "0"), ("1,234.5", "1234.5"), ("0.01", "0.01")])
def test_a_number_may_have_thousands(text: str, value: str) -> None:
    assert written.number(text, "读数") == Decimal(value)


@pytest.mark.parametrize("text", ["", "-1", "1.2345678", "NaN", "12 kWh", "1e5", "１２", "9" * 15])
def test_what_is_no_reading_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="不是读数"):
        written.number(text, "读数")


def test_a_time_without_offset_is_of_the_site() -> None:
    assert written.moment("2026-10-31", ZONE, "--at") == datetime(2026, 10, 30, 16, tzinfo=UTC)
    assert written.moment("2026-10-31 08:30", ZONE, "--at") == datetime(
        2026, 10, 31, 0, 30, tzinfo=UTC
    )
    offset = written.moment("2026-10-31T08:30:00+00:00", ZONE, "--at")
    assert offset == datetime(2026, 10, 31, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "昨天", "2026-13-01", "31.10.2026", "20261031", "2026-10-31 25:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="不是时间"):
        written.moment(text, ZONE, "--at")


def test_whole_millionths_are_told_exactly_however_many_digits() -> None:
    assert whole(Decimal("0.01"), Decimal(80), Decimal(100))
    assert not whole(Decimal("0.001"), Decimal("26.6667"), Decimal(1))
    # 38 digits: the default context of Decimal would round the last one away.
    assert not whole(Decimal("999999.000001"), Decimal("99999999.0001"), Decimal("99999999.0001"))


@pytest.mark.parametrize("text", ["1234,5", "1,23", "12,34,567", ",5"])
def test_a_comma_elsewhere_than_between_thousands_is_refused(text: str) -> None:
    """Taken for a thousands separator, 1234,5 would book ten times as much."""
    with pytest.raises(RefusedError, match="不是读数"):
        written.number(text, "读数")


@pytest.mark.parametrize("text", ["0001-01-01", "1926-10-31", "9999-12-31 23:59", "2101-01-01"])
def test_a_year_nobody_can_mean_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=f"--at：{text[:4]} 年不在 2000 年至 2100 年之间"):
        written.moment(text, ZoneInfo("Asia/Shanghai"), "--at")
