"""Seasons by ranges of days: over months, over new year, without hole or overlap."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.factors.cost import cost
from metering.factors.files import DataFileError
from metering.factors.tariff import EVERY_DAY, TimeOfUse
from registry.day_kind import DayKind
from tests.unit.metering.factors.samples import SHANGHAI, steady, tariff
from tests.unit.metering.factors.test_tariff_files import HEAD, refused

RANGES = (
    HEAD
    + """\
kind: time-of-use
rates: price
seasons:
  - code: summer
    dates: 06-15..09-15
    days: all
    hours: {peak: "00:00-24:00"}
    rates: {peak: 2}
  - code: winter
    dates: 12-20..02-28, 02-29
    days: all
    hours: {valley: "00:00-24:00"}
    rates: {valley: 1}
  - code: between
    dates: 03-01..06-14, 09-16..12-19
    days: all
    hours: {flat: "00:00-24:00"}
    rates: {flat: 1.5}
"""
)


def seasons(directory: Path, text: str) -> TimeOfUse:
    scheme = tariff(directory, text).scheme
    assert isinstance(scheme, TimeOfUse)
    return scheme


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-06-14", "between"),
        ("2026-06-15", "summer"),
        ("2026-09-15", "summer"),
        ("2026-09-16", "between"),
        ("2026-12-19", "between"),
        ("2026-12-20", "winter"),
        ("2027-01-01", "winter"),
        ("2027-02-28", "winter"),
        ("2028-02-29", "winter"),
        ("2028-03-01", "between"),
    ],
)
def test_a_day_is_in_the_range_that_holds_it(tmp_path: Path, day: str, code: str) -> None:
    scheme = seasons(tmp_path, RANGES)
    on = date.fromisoformat(day)
    found = scheme.season(on.month, DayKind.WORKDAY, on.day)
    assert scheme.seasons[found].code == code


def test_a_month_of_two_seasons_is_priced_by_both(tmp_path: Path) -> None:
    month = steady("2026-06-01 00:00", "2026-07-01 00:00", 1_000_000)
    found = cost(month, tariff(tmp_path, RANGES), lambda _: "workday", SHANGHAI)
    assert [(p.begin, p.label, p.micro, p.price) for p in found.parts] == [
        (date(2026, 6, 1), "平", 14 * 96 * 1_000_000, Decimal("1.5")),
        (date(2026, 6, 1), "峰", 16 * 96 * 1_000_000, Decimal(2)),
    ]


def test_months_and_dates_make_one_season(tmp_path: Path) -> None:
    text = RANGES.replace(
        "dates: 06-15..09-15", "months: 7-8\n    dates: 06-15..06-30, 09-01..09-15"
    )
    assert seasons(tmp_path, text).seasons == seasons(tmp_path, RANGES).seasons


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            ", 02-29",
            "",
            "11: tariff test: no season holds workday of 02-29: every moment needs one",
        ),
        (
            "06-15..09-15",
            "06-15..07-31",
            "11: tariff test: no season holds workday of month 8 and 09-01..09-15: every",
        ),
        (
            "03-01..06-14",
            "03-01..06-20",
            "23: season between: workday of 06-15..06-20 is in summer too: keep it in one",
        ),
        (
            "03-01..06-14",
            "02-28..07-31",
            "23: season between: weekend of month 7 and 06-15..06-30 is in summer too",
        ),
        ("03-01..06-14", "02-28..07-31", "23: season between: weekend of 02-28..02-29 is in wint"),
        ("06-15..09-15", "06-31..09-15", "13: season summer: dates is 06-31..09-15: write days"),
        ("06-15..09-15", "6-15..9-15", "13: season summer: dates is 6-15..9-15: write days as"),
        ("06-15..09-15", "06-15..13-01", "13: season summer: dates is 06-15..13-01: write days"),
        ("06-15..09-15", "06-15-09-15", "13: season summer: dates is 06-15-09-15: write days as"),
        ("06-15..09-15", "06-15..00-00", "13: season summer: dates is 06-15..00-00: write days"),
        ("    dates: 06-15..09-15\n", "", "12: season summer: months is missing: add it"),
    ],
)
def test_holes_overlaps_and_days_that_are_none_are_refused_with_the_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in RANGES
    text = refused(tmp_path, RANGES.replace(old, new, 1)).replace("tariff.yaml:", "")
    assert problem in text


CUTS = st.lists(st.integers(0, 365), min_size=2, max_size=6, unique=True)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(CUTS, st.data())
def test_any_cut_of_the_year_is_read_and_any_missing_piece_is_refused(
    tmp_path: Path, cuts: list[int], data: st.DataObject
) -> None:
    """The last piece reaches over the new year."""
    starts = sorted(cuts)
    ends = [(start - 1) % 366 for start in [*starts[1:], starts[0]]]
    pieces = [f"{_word(a)}..{_word(b)}" for a, b in zip(starts, ends, strict=True)]

    def text(used: list[str]) -> str:
        body = "".join(
            f"  - {{code: s{i}, dates: {piece}, days: all, hours: {{flat: '00:00-24:00'}},"
            " rates: {flat: 1}}\n"
            for i, piece in enumerate(used)
        )
        return f"{HEAD}kind: time-of-use\nrates: price\nseasons:\n{body}"

    scheme = seasons(tmp_path, text(pieces))
    day = date(2028, 1, 1)
    while day.year == 2028:
        place = EVERY_DAY.index(100 * day.month + day.day)
        expected = max((i for i, start in enumerate(starts) if start <= place), default=-1)
        assert scheme.season(day.month, DayKind.HOLIDAY, day.day) == expected % len(starts)
        day += timedelta(days=1)
    hole = data.draw(st.integers(0, len(pieces) - 1))
    with pytest.raises(DataFileError, match="no season holds workday of"):
        tariff(tmp_path, text([p for i, p in enumerate(pieces) if i != hole]))


def _word(place: int) -> str:
    day = EVERY_DAY[place]
    return f"{day // 100:02}-{day % 100:02}"
