"""How much anybody may cost us; time is an argument."""

from __future__ import annotations

from typing import Final

_HOUR_US: Final = 3_600 * 1_000_000


class Bucket:
    """Lets a rate through, with bursts of a few seconds of it.

    Args:
        rate: units a second.
        now_s: the time, seconds of any steady clock.
    """

    BURST_S: Final = 4.0

    def __init__(self, rate: float, now_s: float) -> None:
        self._rate = rate
        self._left = rate * self.BURST_S
        self._at_s = now_s

    def take(self, units: float, now_s: float) -> float:
        """Take units that came; return how many seconds to wait before more may come."""
        most = self._rate * self.BURST_S
        self._left = min(most, self._left + (now_s - self._at_s) * self._rate) - units
        self._at_s = now_s
        return max(0.0, -self._left / self._rate)


class Hourly:
    """Bounds how often each of some subjects may do something, by the hour of the clock.

    Args:
        subjects: how many of them an hour; later ones may not at all.
        times: how often each.
    """

    def __init__(self, subjects: int, times: int) -> None:
        self._subjects = subjects
        self._times = times
        self._hour = -1
        self._done: dict[str, int] = {}

    def allow(self, subject: str, now_us: int) -> bool:
        """Count one time; tell whether it is within the bound."""
        hour = now_us // _HOUR_US
        if hour != self._hour:
            self._hour = hour
            self._done.clear()
        done = self._done.get(subject)
        if done is None and len(self._done) >= self._subjects:
            return False
        if (done or 0) >= self._times:
            return False
        self._done[subject] = (done or 0) + 1
        return True
