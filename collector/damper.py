"""Keeps one kind of event from filling the log: it is told once in a while, with its count."""

from __future__ import annotations

from typing import Final

QUIET_S: Final = 60.0
"""Seconds between two lines about the same thing."""


class Damper:
    """Adds up what happens between two log lines about the same subject."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._told_s: dict[str, float] = {}

    def add(self, subject: str, count: int, now_s: float) -> int:
        """Count something; return how much to tell now, 0 for nothing yet."""
        total = self._waiting.get(subject, 0) + count
        if now_s - self._told_s.get(subject, -QUIET_S) < QUIET_S:
            self._waiting[subject] = total
            return 0
        self._waiting[subject] = 0
        self._told_s[subject] = now_s
        return total
