from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from jieyong.commands import asked
from registry.refusal import RefusedError


def test_days_months_and_years_are_read() -> None:
    assert asked.day("2026-02-28", "--from") == date(2026, 2, 28)
    assert asked.month("2026-02", "--month") == date(2026, 2, 1)
    assert [asked.year(year) for year in (2000, 2100, None)] == [2000, 2100, None]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: asked.day("2026-02-30", "--to"), "--to：“2026-02-30”不是日期"),
        (lambda: asked.month("2026-13", "--month"), "--month：“2026-13”不是月份"),
        (lambda: asked.day("1999-12-31", "--to"), "--to：1999 年不在 2000 年至 2100 年之间"),
        (lambda: asked.month("9999-12", "--month"), "--month：9999 年不在 2000 年至 2100 年之间"),
        (lambda: asked.year(26), "0026 年不在 2000 年至 2100 年之间，请核对年份"),
    ],
)
def test_what_is_none_or_nobody_can_mean_is_refused(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ask()
    assert str(caught.value).startswith(said)
