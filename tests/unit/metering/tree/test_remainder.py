from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from metering.tree.periods import Grain, periods
from metering.tree.remainder import Balance, Cause, Part, Shared, Tolerance, judge

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
KWH = 1_000_000
SHANGHAI = ZoneInfo("Asia/Shanghai")


def part(meter: str, kwh: int | None, *, complete: bool = True, ratio: int = 1) -> Part:
    return Part(meter, None if kwh is None else kwh * KWH, complete, Decimal(ratio))


def balance(main: Part, *subs: Part, generated: tuple[Part, ...] = ()) -> Balance:
    return Balance(BEGIN, main, generated, subs)


def test_the_remainder_is_what_nobody_measured() -> None:
    found = balance(part("M", 100), part("A", 30), part("B", 50))
    assert found.remainder == 20 * KWH
    assert judge(found, Tolerance()) is None


def test_what_is_generated_behind_the_main_comes_in_as_well() -> None:
    found = balance(part("M", 100), part("A", 120), generated=(part("PV", 30),))
    assert found.remainder == 10 * KWH


def test_a_gap_leaves_the_remainder_unknown() -> None:
    for gap in (part("A", None), part("A", 400, complete=False)):
        found = balance(part("M", 100), gap, part("B", 10))
        assert found.remainder is None
        assert found.unknown == ("A",)
        assert judge(found, Tolerance()) is None


def test_meters_have_errors_up_to_the_tolerance() -> None:
    tolerance = Tolerance(Decimal("0.02"), 1 * KWH)
    assert judge(balance(part("M", 100), part("A", 102)), tolerance) is None
    finding = judge(balance(part("M", 100), part("A", 103)), tolerance)
    assert finding is not None
    assert finding.excess == 3 * KWH
    assert judge(balance(part("M", 10), part("A", 11)), tolerance) is None


def shared(kwh: int | None, *subs: str, complete: bool = True, generated: bool = False) -> Shared:
    within = tuple((sub, Fraction(1)) for sub in subs)
    return Shared("A", within, None if kwh is None else kwh * KWH, complete, generated)


def sharing(*subs: Part, off: Shared, generated: tuple[Part, ...] = ()) -> Balance:
    return Balance(BEGIN, part("M", 100), generated, subs, (off,))


def test_what_two_virtual_sub_meters_share_is_taken_off_once() -> None:
    found = sharing(part("V1", 60), part("V2", 55), off=shared(30, "V1", "V2"))
    assert (found.supplied, found.taken, found.remainder) == (100 * KWH, 85 * KWH, 15 * KWH)
    assert judge(found, Tolerance()) is None


def test_what_is_generated_twice_came_in_once() -> None:
    off = shared(30, "G1", "G2", generated=True)
    found = sharing(part("S", 90), off=off, generated=(part("G1", 30), part("G2", 50)))
    assert (found.made, found.supplied, found.taken) == (50 * KWH, 150 * KWH, 90 * KWH)
    assert found.remainder == 60 * KWH


def test_a_gap_in_what_is_shared_leaves_the_remainder_unknown() -> None:
    for off in (shared(None, "V1", "V2"), shared(30, "V1", "V2", complete=False)):
        found = sharing(part("V1", 60), part("V2", 55), off=off)
        assert found.remainder is None
        assert found.unknown == ("A",)
    found = sharing(part("A", None), part("V1", 55), off=shared(None, "V1", "V2"))
    assert found.unknown == ("A",), "each is named once"


def test_without_a_virtual_sub_meter_nothing_is_shared() -> None:
    # 60 + 80 − 30 is 10 too many. Without V1 there would be 30 less, with nothing shared.
    found = sharing(part("V1", 60), part("V2", 80), off=shared(30, "V1", "V2"))
    assert [found.share(sub) for sub in found.subs] == [30 * KWH, 50 * KWH]
    assert causes(found) == [
        *((Cause.WRONG_MAIN, "V1"), (Cause.WRONG_MAIN, "V2"), (Cause.MAIN_RATIO, "M")),
    ]
    # All of V1 is in V2: without it nothing changes.
    found = sharing(part("V1", 30), part("V2", 120), off=shared(30, "V1", "V2"))
    assert causes(found) == [(Cause.WRONG_MAIN, "V2"), (Cause.MAIN_RATIO, "M")]


def test_of_three_that_share_one_less_spares_its_part() -> None:
    off = shared(60, "V1", "V2", "V3")
    assert off.factor == 2
    assert off.spared("V1") == 30 * KWH
    assert off.spared("S") == 0


def causes(found: Balance) -> list[tuple[Cause, str]]:
    finding = judge(found, Tolerance())
    assert finding is not None
    return [(candidate.cause, candidate.meter) for candidate in finding.candidates]


def test_a_sub_meter_that_alone_explains_it_is_asked_about() -> None:
    main = part("M", 100, ratio=10)
    assert causes(balance(main, part("A", 90), part("B", 40))) == [
        (Cause.WRONG_MAIN, "A"),
        (Cause.WRONG_MAIN, "B"),
    ]
    assert causes(balance(main, part("A", 90), part("B", 20), part("C", 5))) == [
        (Cause.WRONG_MAIN, "A"),
        (Cause.WRONG_MAIN, "B"),
    ]


def test_a_ratio_applied_twice_is_asked_about_first() -> None:
    found = balance(part("M", 100, ratio=40), part("A", 30), part("B", 2000, ratio=40))
    assert causes(found) == [(Cause.SUB_RATIO, "B"), (Cause.WRONG_MAIN, "B")]
    finding = judge(found, Tolerance())
    assert finding is not None
    assert "乘了变比 40；不乘就对得上" in finding.candidates[0].text


def test_when_no_sub_meter_explains_it_the_main_is_asked_about() -> None:
    found = balance(part("M", 10), *(part(code, 100) for code in "ABCD"))
    assert causes(found) == [(Cause.MAIN_RATIO, "M")]
    finding = judge(found, Tolerance())
    assert finding is not None
    assert finding.candidates[0].text == (
        "总表 M 没有变比，分表之和是它的 40.00 倍：请核对总表的变比"
    )


def test_months_days_and_hours_are_those_of_the_zone() -> None:
    (month,) = periods(Grain.MONTH, date(2026, 6, 1), date(2026, 7, 1), SHANGHAI)
    assert month.key == date(2026, 6, 1)
    assert month.begin == datetime(2026, 5, 31, 16, tzinfo=UTC)
    assert month.end == datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert len(periods(Grain.DAY, date(2026, 6, 1), date(2026, 7, 1), SHANGHAI)) == 30
    hours = periods(Grain.HOUR, date(2026, 6, 1), date(2026, 6, 2), SHANGHAI)
    assert [hour.key for hour in hours] == [hour.begin for hour in hours]
    kolkata = ZoneInfo("Asia/Kolkata")  # its hours are no hours of UTC
    hours = periods(Grain.HOUR, date(2026, 6, 1), date(2026, 6, 2), kolkata)
    assert {hour.key for hour in hours} == {None}
    berlin = ZoneInfo("Europe/Berlin")  # the clock is put back: 25 hours
    assert len(periods(Grain.HOUR, date(2026, 10, 25), date(2026, 10, 26), berlin)) == 25


@pytest.mark.parametrize(
    ("grain", "end", "message"),
    [
        (Grain.DAY, date(2026, 6, 2), "2026-06-02 is not after 2026-06-02"),
        (Grain.MONTH, date(2026, 7, 1), "are not whole months"),
    ],
)
def test_spans_without_a_whole_period_are_refused(grain: Grain, end: date, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        periods(grain, date(2026, 6, 2), end, SHANGHAI)
