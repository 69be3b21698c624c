"""Metrics of the JT/T 808 gateway."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from collector.jt808.stats import Jt808Stats
from jieyong.metrics.families import counter, gauge, items, known


def jt808_metrics(stats: Jt808Stats) -> Iterator[Metric]:
    """Yield what the gateway counted since the start."""
    for name, text, now in (
        ("listening", "1 while terminals can connect.", float(stats.listening)),
        ("connections", "Connections that stand.", stats.connections),
        ("authenticated", "Terminals that may send now.", stats.authenticated),
        ("holding", "Rows held back because the spool refuses them; none is lost.", stats.holding),
    ):
        yield gauge(f"jieyong_jt808_{name}", text, (), known(now))
    for name, text, number in (
        ("connects", "Connections that were let in.", stats.connects),
        ("throttled", "Times a connection was not read because it sent too fast.", stats.throttled),
        ("given_up_messages", "Messages whose packets never all came.", stats.given_up),
        ("asked_again_packets", "Packets asked for again, each time counted.", stats.asked_again),
        ("positions", "Positions that are on disk.", stats.positions),
        ("driver_cards", "Drivers' cards that are on disk.", stats.cards),
        ("answers", "Replies sent after what they answer was on disk.", stats.answered),
        ("orphaned_answers", "Replies whose connection had ended.", stats.orphaned),
        ("held_rows", "Rows ever held back while the spool refused.", stats.held),
        ("flushes", "Hand-overs to the spool.", stats.flushes),
    ):
        yield counter(f"jieyong_jt808_{name}", text, (), known(number))
    yield from _by_label(stats)
    last_us = stats.last_frame_us
    yield gauge(
        "jieyong_jt808_last_frame_timestamp_seconds",
        "When the last sound frame came; absent before the first.",
        (),
        known(None if last_us is None else last_us / 1e6),
    )


def _by_label(stats: Jt808Stats) -> Iterator[Metric]:
    for name, text, label, counts in (
        ("turned_away", "Connections that were not let in.", "bound", items(stats.turned_away)),
        ("closed", "Connections that ended.", "cause", items(stats.closed)),
        ("frames", "Sound frames.", "message", items(stats.frames)),
        ("refusals", "Registrations and authentications refused.", "cause", items(stats.refusals)),
    ):
        samples = (((value,), number) for value, number in counts)
        yield counter(f"jieyong_jt808_{name}", text, (label,), samples)
    yield counter(
        "jieyong_jt808_bad_frames",
        "Frames that cannot be believed; the terminal sends again.",
        ("fault",),
        (((fault,), number) for fault, number in items(stats.bad_frames)),
    )
    for name, text, faults in (
        ("quarantined", "Refused pieces that are on disk.", items(stats.quarantined)),
        ("dropped", "Refused pieces beyond the hourly bound.", items(stats.dropped)),
    ):
        found = (((fault,), number) for fault, number in faults)
        yield counter(f"jieyong_jt808_{name}_pieces", text, ("fault",), found)
