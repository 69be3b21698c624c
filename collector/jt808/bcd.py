"""Times as terminals write them: YYMMDDhhmmss, two decimal digits a byte, GMT+8."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_AHEAD_S: Final = 8 * 3600
"""The standard's own clock, whatever the site's zone is."""


def utc_us(bcd: bytes) -> int:
    """Return six bytes of GMT+8 as Unix microseconds, UTC.

    Raises:
        ValueError: a digit above 9, or a date or time that does not exist.
    """
    digits = bcd.hex()
    if len(digits) != 12 or not digits.isdecimal():
        raise ValueError(f"time {digits} is not six pairs of decimal digits")
    year, month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"time {digits} does not exist: {error}") from None
    return ((local - _EPOCH) // _SECOND - _AHEAD_S) * 1_000_000


def of_utc(us: int) -> bytes:
    """Return Unix microseconds as six bytes of UTC: what 0x8004 carries."""
    return bytes.fromhex((_EPOCH + timedelta(microseconds=us)).strftime("%y%m%d%H%M%S"))
