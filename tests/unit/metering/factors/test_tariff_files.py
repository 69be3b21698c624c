from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.factors.basic import Below
from metering.factors.basic_file import load_over
from metering.factors.files import DATA, DataFileError
from metering.factors.tariff import (
    Flat,
    Period,
    Tariff,
    Tier,
    Tiered,
    TierSpan,
    TimeOfUse,
    in_force,
    pieces,
)
from metering.factors.tariff_file import load_tariffs
from registry.day_kind import DayKind
from tests.unit.metering.factors.samples import library, shipped, tariff, written

HEAD = """\
code: test
version: 1
name: 试验电价
energy: electricity
jurisdiction: "31"
from: 2023-01-01
source: a test
confidence: high
"""
FLAT = HEAD + "kind: flat\nprice: 0.65\n"
TOU = (
    HEAD
    + """\
kind: time-of-use
rates: price
seasons:
  - code: summer
    months: 6-8
    days: all
    hours:
      peak: 08:00-22:30
      valley: 22:30-08:00
    rates: {peak: 1, valley: 0.3}
  - code: other-workdays
    months: 1-5, 9-12
    days: workday
    hours: {flat: "00:00-24:00"}
    rates: {flat: 0.7}
  - code: other-days
    months: 1-5, 9-12
    days: weekend, holiday
    hours: {deep-valley: "00:00-24:00"}
    rates: {deep-valley: 0.2}
"""
)


def refused(directory: Path, text: str) -> str:
    with pytest.raises(DataFileError) as error:
        tariff(directory, text)
    return str(error.value)


def test_every_shipped_tariff_gives_each_moment_of_the_year_one_price() -> None:
    tariffs = load_tariffs(library())
    assert len(tariffs) == len(list((DATA / "tariffs").glob("*.yaml"))) >= 3
    for one in tariffs:
        if isinstance(one.scheme, TimeOfUse):
            for month in range(1, 13):
                for day in DayKind:
                    season = one.scheme.seasons[one.scheme.season(month, day)]
                    assert len(season.periods) == 96
                    assert set(season.periods) == season.rates.keys()


def test_shanghais_hours_are_those_of_the_notice() -> None:
    scheme = shipped("sh-two-part").scheme
    assert isinstance(scheme, TimeOfUse)
    days = {
        month: "".join(
            period.chinese
            for period in scheme.seasons[scheme.season(month, DayKind.WORKDAY)].periods[::4]
        )
        for month in range(1, 13)
    }
    night, morning = "谷" * 6, "平平"
    assert days[7] == days[8] == night + morning + "峰峰峰峰尖尖峰平平平峰峰峰平谷谷"
    assert days[9] == night + morning + "峰" * 7 + "平平平峰峰峰平谷谷"
    assert days[1] == days[12] == night + morning + "峰峰峰" + "平" * 7 + "峰尖尖平谷谷"
    for month in (2, 3, 4, 5, 6, 10, 11):
        assert days[month] == night + morning + "峰峰峰" + "平" * 7 + "峰峰峰平谷谷"


def test_critical_is_a_quarter_above_peak_and_the_spread_is_that_of_the_notice() -> None:
    scheme = shipped("sh-two-part").scheme
    assert isinstance(scheme, TimeOfUse)
    for month in range(1, 13):
        rates = scheme.seasons[scheme.season(month, DayKind.HOLIDAY)].rates
        special = month in (1, 7, 8, 9, 12)
        assert rates[Period.PEAK] == Decimal("1.8" if special else "1.6")
        assert rates[Period.VALLEY] == Decimal("0.4" if special else "0.5")
        if Period.CRITICAL in rates:
            assert rates[Period.CRITICAL] == rates[Period.PEAK] * Decimal("1.25")


def test_a_flat_tariff(tmp_path: Path) -> None:
    one = tariff(tmp_path, FLAT)
    assert one.scheme == Flat(Decimal("0.65"))
    assert one.basic is None
    assert one.full_name == "test@2023-01-01.1"


def test_day_types_and_half_hours(tmp_path: Path) -> None:
    scheme = tariff(tmp_path, TOU).scheme
    assert isinstance(scheme, TimeOfUse)
    assert scheme.seasons[0].periods[89] == Period.PEAK
    assert scheme.seasons[0].periods[90] == Period.VALLEY
    assert scheme.needs_calendar(5)
    assert not scheme.needs_calendar(6)
    assert scheme.season(12, DayKind.WORKDAY) == 1
    assert scheme.season(12, DayKind.HOLIDAY) == 2


def test_tiers(tmp_path: Path) -> None:
    body = "kind: tiered\nspan: month\ntiers:\n  - {upto: 2.5, price: 1}\n  - {price: 2}\n"
    assert tariff(tmp_path, HEAD + body).scheme == Tiered(
        TierSpan.MONTH, (Tier(2_500_000, Decimal(1)), Tier(None, Decimal(2)))
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("valley: 22:30-08:00", "valley: 22:30-07:30", "16: hours: no period holds 07:30-08:00"),
        (
            "valley: 22:30-08:00",
            "valley: 22:00-08:30",
            "17: hours: 08:00-08:30 is in peak and in valley",
        ),
        (
            "valley: 22:30-08:00",
            "valley: 22:00-08:30",
            "17: hours: 22:00-22:30 is in peak and in valley",
        ),
        (
            "08:00-22:30",
            "08:00-22:30, 09:00-10:00",
            "16: hours: 09:00-10:00 is in peak and in peak: keep",
        ),
        ("08:00-22:30", "8:00-22:30", "16: hours: peak is 8:00-22:30: write 08:00-11:00"),
        ("08:00-22:30", "08:00-22:20", "16: hours: peak is 08:00-22:20: write"),
        ("08:00-22:30", "08:00-24:30", "16: hours: peak is 08:00-24:30: write"),
        ("08:00-22:30", "08:00-08:00", "16: hours: peak is 08:00-08:00: write"),
        ("months: 6-8", "months: 6-7", "11: tariff test: no season holds workday of month 8:"),
        (
            "months: 6-8",
            "months: 5-8",
            "20: season other-workdays: workday of month 5 is in summer",
        ),
        ("months: 6-8", "months: 8-6", "13: season summer: months is 8-6: write months as"),
        ("months: 6-8", "months: 6-13", "13: season summer: months is 6-13"),
        ("days: workday", "days: weekend", "no season holds workday of month 1, 2, 3, 4, 5, 9"),
        ("days: workday", "days: sunday", "21: season other-workdays: days sunday is not known"),
        ("{peak: 1, valley: 0.3}", "{peak: 1}", "18: rates: valley has hours and no rate"),
        ("valley: 0.3}", "valley: 0.3, flat: 1}", "18: rates: flat has a rate and no hours"),
        ("    rates: {flat: 0.7}\n", "", "19: season other-workdays: rates is missing"),
        ('hours: {flat: "00:00-24:00"}', "hours: 3", "hours must be a mapping"),
        ("peak: 08:00", "peek: 08:00", "16: hours: peek is not a key that is known"),
        ("rates: price", "rates: prices", "10: tariff test: rates prices is not known"),
        ("rates: price", "bases: [{from: 2023-01-01, price: 1}]\nrates: price", "remove bases"),
        ("kind: time-of-use", "kind: tou", "9: tariff test: kind tou is not known"),
        ("energy: electricity", "energy: power", "4: tariff test: energy power"),
        ("from: 2023-01-01", "from: 2023-01-15", "6: tariff test: from is 2023-01-15: it must be"),
        ("code: summer", "code: Sommer", "12: season Sommer: code is Sommer: use small letters"),
    ],
)
def test_a_wrong_tariff_is_refused_with_the_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in TOU
    assert problem in refused(tmp_path, TOU.replace(old, new, 1)).replace("tariff.yaml:", "")


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [
        ("[{upto: 5, price: 1}]", "the last tier has no bound"),
        ("[{price: 1}, {price: 2}]", "upto must be there and grow"),
        ("[{upto: 5, price: 1}, {upto: 5, price: 2}, {price: 3}]", "upto must be there and grow"),
        ("[{upto: 0.0000001, price: 1}, {price: 3}]", "more than six decimals"),
        ("[{upto: 5}, {price: 3}]", "price is missing"),
        ("[]", "there must be a tier"),
    ],
)
def test_wrong_tiers_are_refused(tmp_path: Path, tiers: str, problem: str) -> None:
    text = refused(tmp_path, f"{HEAD}kind: tiered\nspan: year\ntiers: {tiers}\n")
    assert text.startswith("tariff.yaml:11: ")
    assert problem in text


@pytest.mark.parametrize(
    ("bases", "problem"),
    [
        ("[{from: 2023-02-01, price: 1}, {from: 2023-01-01, price: 1}]", "in the order of"),
        ("[{from: 2023-01-01, price: 1}, {from: 2023-01-01, price: 1}]", "each month once"),
        ("[{from: 2023-01-01, price: 0}]", "price is 0"),
        ("[{from: 2023-01-02, price: 1}]", "the first day of a month"),
    ],
)
def test_wrong_base_prices_are_refused(tmp_path: Path, bases: str, problem: str) -> None:
    text = TOU.replace("rates: price", f"rates: multiplier\nbases: {bases}", 1)
    assert problem in refused(tmp_path, text)


def test_a_basic_charge_has_the_nations_rule_unless_it_has_its_own(tmp_path: Path) -> None:
    basic = tariff(tmp_path, FLAT + "basic: {capacity: 28, demand: 42}\n").basic
    assert basic is not None
    assert (basic.capacity, basic.demand, basic.over) == (Decimal(28), Decimal(42), load_over())
    assert (basic.over.limit, basic.over.times) == (Decimal("1.05"), Decimal(2))
    assert "1583" in basic.over.provenance.source
    own = "over: {limit: 1.1, times: 3, below: limit, source: a test, confidence: high}"
    city = tariff(tmp_path, f"{FLAT}basic:\n  demand: 42\n  {own}\n").basic
    assert city is not None
    assert (city.capacity, city.over.limit, city.over.times) == (None, Decimal("1.1"), Decimal(3))
    assert city.over.below is Below.LIMIT


@pytest.mark.parametrize(
    ("basic", "problem"),
    [
        ("{}", "11: basic: there is no price: add capacity"),
        ("{by: demand, demand: 3}", "11: basic: by is not a key that is known here"),
        (
            "{demand: 3, over: {limit: 0.5, times: 2, below: limit, source: x, confidence: low}}",
            "11: over: limit is 0.5: it is a share of the contract, at least 1",
        ),
        (
            "{demand: 3, over: {limit: 1.05, times: 2, below: all, source: x, confidence: low}}",
            "11: over: below all is not known",
        ),
        ("{demand: 3, over: {limit: 1.05}}", "11: over: times is missing: add it"),
    ],
)
def test_a_wrong_basic_charge_is_refused(tmp_path: Path, basic: str, problem: str) -> None:
    text = refused(tmp_path, f"{FLAT}basic: {basic}\n").replace("tariff.yaml:", "")
    assert problem in text


def test_the_same_version_twice_is_refused(tmp_path: Path) -> None:
    written(tmp_path, FLAT, "a.yaml")
    written(tmp_path, FLAT, "b.yaml")
    with pytest.raises(DataFileError, match=r"b.yaml:1: test@2023-01-01.1 is there already"):
        load_tariffs(library(), tmp_path)


def versions(directory: Path) -> tuple[Tariff, ...]:
    later = FLAT.replace("2023-01-01", "2024-07-01").replace("0.65", "0.70")
    for name, text in (
        ("a", FLAT),
        ("b", later),
        ("c", later.replace("version: 1", "version: 2").replace("0.70", "0.71")),
    ):
        written(directory, text, f"{name}.yaml")
    return load_tariffs(library(), directory)


def test_a_tariff_holds_until_its_next_begins(tmp_path: Path) -> None:
    known = versions(tmp_path)
    assert in_force(known, "test", date(2024, 6, 30)).full_name == "test@2023-01-01.1"
    assert in_force(known, "test", date(2024, 7, 1)).full_name == "test@2024-07-01.2"
    with pytest.raises(LookupError, match="no tariff test holds on 2022-12-31"):
        in_force(known, "test", date(2022, 12, 31))
    cut = pieces(known, "test", date(2024, 1, 1), date(2025, 1, 1))
    assert [(first, last, one.full_name) for first, last, one in cut] == [
        (date(2024, 1, 1), date(2024, 7, 1), "test@2023-01-01.1"),
        (date(2024, 7, 1), date(2025, 1, 1), "test@2024-07-01.2"),
    ]
    assert len(pieces(known, "test", date(2024, 7, 1), date(2024, 8, 1))) == 1


def test_only_multipliers_take_a_base_price(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no base price"):
        tariff(tmp_path, FLAT).with_bases([(date(2026, 1, 1), Decimal(1))])


HALF_HOURS = st.lists(st.sampled_from(list(Period)), min_size=48, max_size=48)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(HALF_HOURS, st.data())
def test_any_day_that_is_written_is_read_and_any_hole_is_refused(
    tmp_path: Path, day: list[Period], data: st.DataObject
) -> None:
    def text(halves: list[Period | None]) -> str:
        found = {
            period: ", ".join(_half(i) for i, p in enumerate(halves) if p is period)
            for period in Period
            if period in halves
        }
        hours = "".join(f"      {period.word}: {text}\n" for period, text in found.items())
        rates = ", ".join(f"{period.word}: 1" for period in found)
        return (
            f"{HEAD}kind: time-of-use\nrates: price\nseasons:\n  - code: all\n    months: all\n"
            f"    days: all\n    hours:\n{hours}    rates: {{{rates}}}\n"
        )

    scheme = tariff(tmp_path, text([*day])).scheme
    assert isinstance(scheme, TimeOfUse)
    assert list(scheme.seasons[0].periods[::2]) == list(scheme.seasons[0].periods[1::2]) == day
    hole = data.draw(st.integers(0, 47))
    holed = [None if i == hole else period for i, period in enumerate(day)]
    if any(holed):
        start = _half(hole).partition("-")[0]
        assert f"no period holds {start}-" in refused(tmp_path, text(holed))


def _half(index: int) -> str:
    return f"{index // 2:02}:{index % 2 * 30:02}-{(index + 1) // 2:02}:{(index + 1) % 2 * 30:02}"


def test_what_began_later_holds_whatever_its_version(tmp_path: Path) -> None:
    old = tariff(tmp_path, FLAT)
    corrected, later = replace(old, version=2), replace(old, since=date(2025, 1, 1))
    every = [corrected, later, old]
    assert in_force(every, "test", date(2024, 12, 31)) is corrected
    assert in_force(every, "test", date(2025, 1, 1)) is later
