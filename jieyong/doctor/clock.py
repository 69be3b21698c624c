"""Check of the machine's clock, as far as it can be told without a network."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from jieyong.doctor.finding import Finding, ok, problem, warning

_RELEASED: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No right clock is behind the program it runs."""

_TIMEX_BYTES: Final = 512  # struct timex is 208 on 64-bit Linux
_TIME_ERROR: Final = 5


def check_clock(now: datetime, *, synchronised: bool | None) -> Iterator[Finding]:
    """Judge the clock.

    Args:
        now: what it says.
        synchronised: what the kernel says of it; None where it does not tell.
    """
    shown = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    advice = "set up NTP (chrony or systemd-timesyncd) with a time server of your network"
    if now < _RELEASED:
        yield problem(f"the clock says {shown}, which is in the past", "clock", advice)
    elif synchronised is False:
        what = f"{shown}; the kernel says that nothing keeps the clock in step"
        yield warning(what, "clock", f"{advice}; times of readings come from this clock")
    else:
        yield ok(shown if synchronised is None else f"{shown}, kept in step", "clock")


def kernel_synchronised() -> bool | None:
    """Return whether the kernel's clock is disciplined by NTP or PTP; None off Linux."""
    if not sys.platform.startswith("linux"):
        return None
    # modes = 0 in the first word: a question that changes nothing and needs no right.
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else bool(state != _TIME_ERROR)
