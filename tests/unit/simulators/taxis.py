"""Made-up taxis in the format of Cabspotting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

BEGIN = int(datetime.fromisoformat("2008-05-17T12:00:00+00:00").timestamp())
LAT, LON = 37.76, -122.42
DAYS = 4
STOPS = [(3_000.0 * np.cos(n), 3_000.0 * np.sin(n)) for n in range(8)]


def drive(shift_m: float) -> Iterator[tuple[int, float, float]]:
    """Yield the fixes of days: six hours from stop to stop, eight minutes at each, then parked."""
    for day in range(DAYS):
        t, here, n = BEGIN + day * 86_400, (shift_m, 0.0), day
        while t < BEGIN + day * 86_400 + 6 * 3_600:
            there, n = STOPS[n % len(STOPS)], n + 1
            steps = int(np.hypot(there[0] - here[0], there[1] - here[1]) // 1_000) + 1
            for step in range(1, steps + 1):
                t += 60
                part = step / steps
                yield t, *(a + (b - a) * part for a, b in zip(here, there, strict=True))
            for _ in range(8):
                t += 60
                yield t, there[0] + 5.0 * (t % 7 - 3), there[1]
            here = there
        while t < BEGIN + (day + 1) * 86_400 - 3_600:
            t += 1_800
            yield t, shift_m, -6_000.0


def write_taxi(path: Path, shift_m: float) -> None:
    lines = [
        f"{LAT + north / 111_320.0:.5f} {LON + east / 88_000.0:.5f} 0 {t}"
        for t, east, north in drive(shift_m)
    ]
    path.write_text("\n".join(reversed(lines)) + "\n", encoding="ascii")
