"""The window of time in which a row that names its own time is believed."""

from __future__ import annotations

from typing import Final

OLDEST_US: Final = 400 * 86_400 * 1_000_000
NEWEST_US: Final = 5 * 60 * 1_000_000
"""A fix may be this much older or newer than our clock; microseconds."""
