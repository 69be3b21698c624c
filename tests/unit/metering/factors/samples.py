"""Small files and quarters for these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.model import GRAIN_US, Quarters
from metering.factors.library import Library, load_library
from metering.factors.tariff import Tariff
from metering.factors.tariff_file import load_tariff, load_tariffs

SHANGHAI = ZoneInfo("Asia/Shanghai")


@cache
def library() -> Library:
    """What ships with the program."""
    return load_library()


def shipped(code: str) -> Tariff:
    """A tariff that ships with the program."""
    return next(t for t in load_tariffs(library()) if t.code == code)


def written(directory: Path, text: str, name: str = "tariff.yaml") -> Path:
    """A file with this text."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def tariff(directory: Path, text: str) -> Tariff:
    """A tariff with this text."""
    return load_tariff(written(directory, text), library())


def us(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """µs UTC of a moment on the wall, ``2026-07-01 12:00``."""
    moment = datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    return int(moment.timestamp()) * 1_000_000


def quarters(slots: list[int], micro: list[int]) -> Quarters:
    """Measured quarters."""
    n = len(slots)
    return Quarters(
        slot=np.asarray(slots, np.int64),
        micro=np.asarray(micro, np.int64),
        estimated=np.zeros(n, np.int64),
        covered_s=np.full(n, 900, np.int16),
        flags=np.zeros(n, np.int16),
    )


def steady(begin: str, end: str, micro: int, zone: ZoneInfo = SHANGHAI) -> Quarters:
    """The same quantity in every quarter from one moment on the wall to another."""
    slots = list(range(us(begin, zone), us(end, zone), GRAIN_US))
    return quarters(slots, [micro] * len(slots))
