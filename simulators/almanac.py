"""Days, workdays and weather of the simulated city: pure functions of local days.

Days and quarter hours are counted from 1970-01-01 in local time (UTC+8, no summer time). Only
additions, products and table look-ups are used: their results do not depend on how many values
are computed at once, so a history and a live value agree to the last bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import noise

SECOND_US: Final = 1_000_000
QUARTER_US: Final = 900 * SECOND_US
DAY_US: Final = 86_400 * SECOND_US
QUARTERS: Final = 96
ZONE_US: Final = 8 * 3600 * SECOND_US

Days = NDArray[np.int64]
Grid = NDArray[np.float64]
"""Values by (day, quarter hour)."""

_LUNAR_NEW_YEAR: Final = ("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26")
_FIXED: Final = ("01-01", "04-05", "05-01", "05-02", "05-03", *(f"10-0{n}" for n in range(1, 8)))

# Monthly means (℃) and the daily swing about them by hour: a city at 30° N.
_MONTH_MEAN: Final = (5.6, 7.8, 12.1, 17.3, 22.0, 24.4, 26.3, 25.9, 22.1, 17.3, 12.2, 7.0)
_SWING: Final = (
    *(-2.6, -3.0, -3.4, -3.7, -4.0, -4.1, -3.8, -2.9, -1.5, 0.2, 1.8, 3.0),
    *(3.9, 4.5, 4.8, 4.6, 4.0, 3.0, 1.8, 0.7, -0.2, -1.0, -1.6, -2.1),
)
# Daylight outdoors in thousand lux by hour, midsummer and midwinter.
_SUMMER_KLX: Final = (
    *(0, 0, 0, 0, 0, 1, 8, 20, 38, 55, 68, 76),
    *(80, 78, 72, 60, 46, 30, 15, 5, 1, 0, 0, 0),
)
_WINTER_KLX: Final = (
    *(0, 0, 0, 0, 0, 0, 0, 3, 10, 20, 28, 33),
    *(35, 33, 28, 19, 9, 2, 0, 0, 0, 0, 0, 0),
)


def day_of(t_us: int) -> int:
    """Return the local day that holds an instant (µs since the Unix epoch, UTC)."""
    return (t_us + ZONE_US) // DAY_US


def start_of(day: int) -> int:
    """Return the instant (µs, UTC) of a local day's midnight."""
    return day * DAY_US - ZONE_US


def workdays(days: Days) -> NDArray[np.bool_]:
    """Tell which days are worked: weekdays but the fixed holidays and the week of new year.

    Make-up workdays and the moving length of holidays are left out: a simulated office need not
    know them, and the platform's own calendar must not be tested against a copy of itself.
    """
    weekend = (days + 3) % 7 >= 5
    return ~(weekend | _holidays(days))


def outdoor(seed: int, days: Days) -> Grid:
    """Return the outdoor temperature in ℃ by (day, quarter hour)."""
    mean = _interpolate(_day_of_year(days), _month_middles(), _MONTH_MEAN)
    anomaly = 6.0 * (noise.uniform(seed, days) - 0.5)
    following = 6.0 * (noise.uniform(seed, days + 1) - 0.5)
    through = np.arange(QUARTERS) / QUARTERS
    drift = anomaly[:, None] * (1.0 - through) + following[:, None] * through
    return mean[:, None] + drift + _by_hour(_SWING)


def daylight(seed: int, days: Days) -> Grid:
    """Return the outdoor illuminance in lux by (day, quarter hour), clouds included."""
    distance = np.abs(_day_of_year(days) - 172.0)
    winter = np.minimum(distance, 365.0 - distance) / 182.5
    clear = (
        _by_hour(_SUMMER_KLX) * (1.0 - winter[:, None]) + _by_hour(_WINTER_KLX) * winter[:, None]
    )
    cloud = 0.25 + 0.75 * noise.uniform(seed, days)
    lux: Grid = clear * cloud[:, None] * 1000.0
    return lux


def by_hour(table: tuple[float, ...]) -> NDArray[np.float64]:
    """Spread a table of 24 hourly values over the quarter hours of a day, linearly."""
    return _by_hour(table)


def _holidays(days: Days) -> NDArray[np.bool_]:
    dates = days.astype("datetime64[D]")
    month_day = np.char.partition(np.datetime_as_string(dates), "-")[:, 2]
    holiday: NDArray[np.bool_] = np.isin(month_day, _FIXED)
    for first in _LUNAR_NEW_YEAR:
        since = (dates - np.datetime64(first, "D")).astype(np.int64)
        holiday |= (since >= -1) & (since <= 5)
    return holiday


def _day_of_year(days: Days) -> NDArray[np.float64]:
    dates = days.astype("datetime64[D]")
    since: NDArray[np.float64] = (dates - dates.astype("datetime64[Y]")).astype(np.float64)
    return since


def _month_middles() -> NDArray[np.float64]:
    middles: NDArray[np.float64] = np.linspace(0.5, 11.5, 12) * (365.25 / 12)
    return middles


def _interpolate(
    x: NDArray[np.float64], at: NDArray[np.float64], table: tuple[float, ...]
) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.interp(x, at, np.asarray(table), period=365.25)
    return found


def _by_hour(table: tuple[float, ...]) -> NDArray[np.float64]:
    quarters = np.arange(QUARTERS) / 4.0
    hourly = np.asarray(table, dtype=np.float64)
    found: NDArray[np.float64] = np.interp(quarters, np.arange(24.0), hourly, period=24.0)
    return found
