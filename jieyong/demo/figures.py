"""What the collectors of a demo say of themselves: their metrics, read and summed."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S: Final = 2.0

Sample = tuple[str, Mapping[str, str], float]
"""Name, labels, value."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The sum over collectors, since each started.

    Attributes:
        polls: outcome → number.
        devices: state → number of devices.
        missed: cause → slots of the schedule that were not polled.
        refused: rows the spools turned away.
        delivered: kind → rows the database has taken.
        waiting: rows in the spools.
        oldest_s: age of the oldest of them, in seconds.
        lags: bound in seconds → rows that took no longer from the spool's disk into the database.
        silent: devices that do not answer, by code.
        answering: whether every collector could be asked.
    """

    polls: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    missed: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    delivered: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    oldest_s: float = 0.0
    lags: Mapping[float, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    answering: bool = False


async def ask(ports: Sequence[int]) -> Figures:
    """Ask the collectors that listen on these ports of 127.0.0.1."""
    texts = await asyncio.gather(*(asyncio.to_thread(_get, port) for port in ports))
    given = [text for text in texts if text is not None]
    return read(given, answering=len(given) == len(ports))


def read_files(paths: Iterable[Path]) -> Figures:
    """Read what collectors left when they ended.

    Raises:
        OSError: a file is not there: its collector did not end in order.
    """
    return read([path.read_text(encoding="utf-8") for path in paths], answering=True)


def read(texts: Sequence[str], *, answering: bool) -> Figures:
    """Sum metrics given as Prometheus text."""
    found = [sample for text in texts for sample in samples(text)]
    ages = [value for name, _, value in found if name == "jieyong_spool_oldest_age_seconds"]
    return Figures(
        polls=_by(found, "jieyong_polls_total", "outcome"),
        devices=_by(found, "jieyong_devices", "state"),
        missed=_by(found, "jieyong_missed_slots_total", "cause"),
        refused=sum(_by(found, "jieyong_spool_refused_rows_total", "reason").values()),
        delivered=_by(found, "jieyong_delivered_rows_total", "kind"),
        waiting=round(sum(v for name, _, v in found if name == "jieyong_spool_rows")),
        oldest_s=max(ages, default=0.0),
        lags=_buckets(found, "jieyong_commit_lag_seconds_bucket"),
        silent=_silent(found),
        answering=answering,
    )


def _get(port: int) -> str | None:
    request = f"http://127.0.0.1:{port}/metrics"
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None


def samples(text: str) -> Iterable[Sample]:
    """Yield every sample of a text in Prometheus' format."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _by(samples: Iterable[Sample], name: str, label: str) -> dict[str, int]:
    sums: defaultdict[str, float] = defaultdict(float)
    for found, labels, value in samples:
        if found == name:
            sums[labels[label]] += value
    return {key: round(value) for key, value in sums.items()}


def quantile_ms(lags: Mapping[float, int], share: float) -> float | None:
    """Return the bound in milliseconds that a share of the rows kept to; None without rows."""
    edges = sorted(lags)
    if not edges or not lags[edges[-1]]:
        return None
    wanted = share * lags[edges[-1]]
    return next(edge for edge in edges if lags[edge] >= wanted) * 1000


def _buckets(samples: Iterable[Sample], name: str) -> dict[float, int]:
    return {float(edge): rows for edge, rows in _by(samples, name, "le").items()}


def _silent(samples: Iterable[Sample]) -> tuple[str, ...]:
    found = {
        labels["device"]
        for name, labels, value in samples
        if name == "jieyong_device_silent" and value
    }
    return tuple(sorted(found))
