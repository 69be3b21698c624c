"""Health probes of a collector, judged from the counters its parts keep anyway."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from collector.drain_stats import DrainStats
from collector.modbus.stats import BusStats
from collector.settings import SpoolSettings
from collector.spool_model import SpoolStats
from jieyong.health import Probe, Verdict

LATE_S = 60.0
"""Rows that wait longer than this for the database make the process not ready."""


def spool_writable(
    stats: Callable[[], SpoolStats],
    settings: SpoolSettings,
    directory: Path,
    free_bytes: Callable[[], int] | None = None,
) -> Probe:
    """Tell whether the spool still takes rows.

    Args:
        stats: how it stands.
        settings: its bounds.
        directory: where its file lies.
        free_bytes: free space there; measured when absent.
    """
    free = free_bytes or (lambda: shutil.disk_usage(directory).free)

    def probe() -> Verdict:
        now = stats()
        if now.bytes >= settings.max_bytes * 0.99:
            reason = (
                f"full: {now.bytes} of {settings.max_bytes} bytes wait for the database; bring it "
                "back, or raise spool.max_bytes"
            )
            return Verdict(ok=False, reason=reason)
        if free() < settings.min_free_bytes:
            reason = f"less than {settings.min_free_bytes} bytes are free at {directory}; make room"
            return Verdict(ok=False, reason=reason)
        return Verdict(ok=True, reason=f"{now.rows} rows wait")

    return probe


def spool_sound(stats: Callable[[], SpoolStats]) -> Probe:
    """Tell whether the spool's file is whole; when it is not, only a restart helps.

    Args:
        stats: how it stands.
    """

    def probe() -> Verdict:
        broken = stats().broken
        if broken is None:
            return Verdict(ok=True, reason="no damage was met")
        reason = f"damaged ({broken}): nothing is accepted; a restart moves the file aside"
        return Verdict(ok=False, reason=reason)

    return probe


def database_up(
    drain: Callable[[], DrainStats],
    spool: Callable[[], SpoolStats],
    now_us: Callable[[], int],
    late_s: float = LATE_S,
) -> Probe:
    """Tell whether accepted rows reach the database, and soon.

    Args:
        drain: what the drain has done.
        spool: how the spool stands.
        now_us: the clock, Unix microseconds.
        late_s: how long the oldest row may wait.
    """

    def probe() -> Verdict:
        oldest_us = spool().oldest_us
        waits_s = 0.0 if oldest_us is None else (now_us() - oldest_us) / 1e6
        if drain().db_up is False:
            reason = f"away; the oldest row waits {waits_s:.0f} s in the spool, nothing is lost"
            return Verdict(ok=False, reason=reason)
        if waits_s > late_s:
            reason = f"behind: the oldest row waits {waits_s:.0f} s in the spool"
            return Verdict(ok=False, reason=reason)
        if drain().db_up is None:
            return Verdict(ok=True, reason="nothing written yet, nothing waits")
        return Verdict(ok=True, reason=f"the oldest row waits {waits_s:.1f} s")

    return probe


def buses_connected(buses: Callable[[], Sequence[BusStats]]) -> Probe:
    """Tell whether any bus is connected; single dead ones are the metrics' business."""

    def probe() -> Verdict:
        all_ = buses()
        away = [bus.code for bus in all_ if not bus.connected]
        if all_ and len(away) == len(all_):
            return Verdict(ok=False, reason=f"none of {len(all_)} buses is connected")
        named = f"; away: {', '.join(away[:5])}{' …' if len(away) > 5 else ''}" if away else ""
        connected = len(all_) - len(away)
        return Verdict(ok=True, reason=f"{connected} of {len(all_)} buses connected{named}")

    return probe
