"""Metrics of the Modbus poller."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.metrics_core import Metric

from collector.modbus.stats import LATENCY_BOUNDS_S, BusStats, DeviceStats, State
from jieyong.metrics.families import Samples, counter, gauge, histogram, items


def modbus_metrics(devices: Sequence[DeviceStats], buses: Sequence[BusStats]) -> Iterator[Metric]:
    """Yield what the poller counted since the start; devices and buses by their codes."""
    yield from _polls(devices)
    yield from _faults(devices)
    yield from _states(devices)
    yield from _buses(buses)
    yield _latency(devices)


def _polls(devices: Sequence[DeviceStats]) -> Iterator[Metric]:
    yield counter(
        "jieyong_polls",
        "Polls by outcome: ok, partial (some blocks arrived and were kept), failed.",
        ("device", "outcome"),
        (
            ((device.code, outcome), number)
            for device in devices
            for outcome, number in (
                ("ok", device.polls_ok),
                ("partial", device.polls_partial),
                ("failed", sum(n for _, n in items(device.polls_failed))),
            )
        ),
    )
    yield counter(
        "jieyong_readings",
        "Readings handed over and accepted.",
        ("device",),
        (((device.code,), device.rows) for device in devices),
    )


def _faults(devices: Sequence[DeviceStats]) -> Iterator[Metric]:
    yield counter(
        "jieyong_poll_failures",
        "Polls without any answer, by cause.",
        ("device", "cause"),
        _by_cause(devices, lambda device: device.polls_failed),
    )
    yield counter(
        "jieyong_request_errors",
        "Requests without a usable answer, by cause.",
        ("device", "cause"),
        _by_cause(devices, lambda device: device.errors),
    )
    yield counter(
        "jieyong_missed_slots",
        "Slots of the schedule that were not polled, by cause.",
        ("device", "cause"),
        _by_cause(devices, lambda device: device.missed),
    )
    yield counter(
        "jieyong_refused_readings",
        "Readings of finished polls that the spool did not take, by reason.",
        ("device", "reason"),
        _by_cause(devices, lambda device: device.refused_rows),
    )
    yield counter(
        "jieyong_late_replies",
        "Frames discarded because they answered nothing that was waited for.",
        ("device",),
        (((device.code,), device.late_replies) for device in devices),
    )


def _states(devices: Sequence[DeviceStats]) -> Iterator[Metric]:
    states = Counter(device.state for device in devices)
    yield gauge(
        "jieyong_devices",
        "Devices by state: alive, backoff (does not answer), disconnected (its bus), unknown.",
        ("state",),
        (((state,), states[state]) for state in State),
    )
    yield gauge(
        "jieyong_device_silent",
        "1 while a device does not answer, or its bus cannot be reached.",
        ("device",),
        (((d.code,), float(d.state in (State.BACKOFF, State.DISCONNECTED))) for d in devices),
    )
    yield gauge(
        "jieyong_device_last_answer_timestamp_seconds",
        "When a device last answered; absent when it never did.",
        ("device",),
        (((device.code,), device.last_ok_us / 1e6) for device in devices if device.last_ok_us),
    )


def _buses(buses: Sequence[BusStats]) -> Iterator[Metric]:
    yield gauge(
        "jieyong_bus_connected",
        "1 while the connection to a bus stands.",
        ("bus",),
        (((bus.code,), float(bus.connected)) for bus in buses),
    )
    yield counter(
        "jieyong_bus_connects",
        "Connections made.",
        ("bus",),
        (((bus.code,), bus.connects) for bus in buses),
    )
    yield counter(
        "jieyong_bus_connect_failures",
        "Attempts to connect that failed, by cause.",
        ("bus", "cause"),
        (
            ((bus.code, cause), number)
            for bus in buses
            for cause, number in items(bus.connect_failures)
        ),
    )
    yield counter(
        "jieyong_bus_foreign_replies",
        "Frames of units that are not ours.",
        ("bus",),
        (((bus.code,), bus.foreign_replies) for bus in buses),
    )


def _latency(devices: Iterable[DeviceStats]) -> Metric:
    # By bus: a histogram for each of thousands of devices would be most of the scrape.
    buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    sums: dict[str, float] = defaultdict(float)
    for device in devices:
        total = buckets[device.bus]
        for index, number in enumerate(list(device.latency.buckets)):
            total[index] += number
        sums[device.bus] += device.latency.sum_s
    return histogram(
        "jieyong_reply_latency_seconds",
        "Requests by the time from request to answer.",
        ("bus",),
        (((bus,), LATENCY_BOUNDS_S, counts, sums[bus]) for bus, counts in buckets.items()),
    )


def _by_cause(
    devices: Iterable[DeviceStats], counts: Callable[[DeviceStats], Mapping[str, int]]
) -> Samples:
    return (
        ((device.code, cause), number)
        for device in devices
        for cause, number in items(counts(device))
    )
