from __future__ import annotations

from datetime import date

import pytest

from jieyong.commands import asked
from registry.refusal import RefusedError


def test_days_and_months_are_read() -> None:
    assert asked.day("2026-10-09", "--day") == date(2026, 10, 9)
    assert asked.month("2026-10", "--month") == date(2026, 10, 1)
    assert asked.day("1900-01-01", "--day").year == 1900
    assert asked.month("2999-12", "--month").year == 2999


@pytest.mark.parametrize("text", ["2026-10", "2026-02-30", "10月9日"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=f"--day.*“{text}”不是日期，请写成 2026-10-09"):
        asked.day(text, "--day")


def test_a_year_nobody_means_is_refused_before_anything_is_reckoned_with_it() -> None:
    with pytest.raises(RefusedError, match="“9999-12-31”的年份应在 1900 到 2999 之间，请更正"):
        asked.day("9999-12-31", "--to")
    with pytest.raises(RefusedError, match="“0001-01”的年份应在 1900 到 2999 之间"):
        asked.month("0001-01", "--month")
