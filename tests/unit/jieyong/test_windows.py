"""What `--month`, `--from` and `--to` mean, whatever the command."""

from __future__ import annotations

from datetime import date

import pytest

from jieyong.commands.options import until_last, window
from registry.refusal import RefusedError

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("month", "first", "last", "days"),
    [
        ("2026-02", None, None, (date(2026, 2, 1), date(2026, 2, 28))),
        ("2026-12", None, None, (date(2026, 12, 1), date(2026, 12, 31))),
        (None, "2026-10-01", "2026-10-08", (date(2026, 10, 1), date(2026, 10, 8))),
        (None, "2026-10-01", None, (date(2026, 10, 1), date(2026, 10, 1))),
    ],
)
def test_a_window_holds_its_first_and_its_last_day(
    month: str | None, first: str | None, last: str | None, days: tuple[date, date]
) -> None:
    assert window(month, first, last) == days


@pytest.mark.parametrize(
    ("month", "first", "last", "said"),
    [
        (None, None, None, "--month：请写"),
        (None, None, "2026-10-08", "--month：请写"),
        ("2026-10", "2026-10-01", None, "--month：请写"),
        ("2026-10", None, "2026-10-08", "--month：请写"),
        (None, "2026-10-02", "2026-10-01", "--to：最后一天 2026-10-01 早于第一天 2026-10-02"),
        (None, "2026-10-01", "2026-10-08", "--to：一次最多 7 天"),
    ],
)
def test_a_window_that_is_none_is_refused(
    month: str | None, first: str | None, last: str | None, said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        window(month, first, last, most=7)


def test_the_last_days_are_meant_where_none_are_named() -> None:
    assert until_last(None, None, TODAY, 7) == (date(2026, 11, 23), TODAY)
    assert until_last("2026-10-31", None, TODAY, 31) == (date(2026, 10, 1), date(2026, 10, 31))
    assert until_last(None, "2026-11-29", TODAY, 7) == (TODAY, TODAY)
    with pytest.raises(RefusedError, match="早于第一天"):
        until_last(None, "2026-11-30", TODAY, 7)
