"""Health: whether the process works (live) and whether it does its whole job (ready).

A process that is not live should be restarted. One that is live but not ready waits for something
outside it (a database, a broker, disk space): restarting would not help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found.

    Attributes:
        ok: whether the part does its work.
        reason: how it stands, in words; when not ok, what is wrong and since when.
    """

    ok: bool
    reason: str


Probe = Callable[[], Verdict]
"""Looks at state that is already there: no I/O, no waiting; called from the HTTP thread."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a report."""

    name: str
    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The state of the process at one moment."""

    live: bool
    ready: bool
    parts: tuple[Part, ...]

    def to_dict(self) -> dict[str, object]:
        """Return what ``/health`` answers as JSON."""
        return {"live": self.live, "ready": self.ready, "parts": [asdict(p) for p in self.parts]}


@dataclass(frozen=True, slots=True)
class Health:
    """The probes of one process.

    Attributes:
        live: parts without which only a restart helps, for example the event loop.
        ready: parts the job needs, for example the spool, the database, the source.
    """

    live: Mapping[str, Probe]
    ready: Mapping[str, Probe]

    def report(self) -> Report:
        """Ask every probe; one that fails counts as not ok."""
        live = tuple(_ask(name, probe) for name, probe in self.live.items())
        ready = tuple(_ask(name, probe) for name, probe in self.ready.items())
        alive = all(part.ok for part in live)
        return Report(alive, alive and all(part.ok for part in ready), live + ready)


def _ask(name: str, probe: Probe) -> Part:
    try:
        verdict = probe()
    except Exception as error:  # a broken probe must not hide the others
        log.exception("health_probe_failed", part=name)
        return Part(name, ok=False, reason=f"the probe itself failed: {error!r}")
    return Part(name, verdict.ok, verdict.reason)


class Heartbeat:
    """Tells whether something that should come round regularly still does.

    Args:
        clock: monotonic seconds.
        allowed_s: longest pause between two beats.
    """

    __slots__ = ("_allowed_s", "_clock", "_last")

    def __init__(self, clock: Callable[[], float], allowed_s: float) -> None:
        self._clock = clock
        self._allowed_s = allowed_s
        self._last = clock()

    def beat(self) -> None:
        """Note that it came round."""
        self._last = self._clock()

    def probe(self) -> Verdict:
        """Judge the pause since the last beat."""
        pause = self._clock() - self._last
        if pause <= self._allowed_s:
            return Verdict(ok=True, reason=f"last beat {pause:.1f} s ago")
        return Verdict(
            ok=False,
            reason=f"no beat for {pause:.1f} s ({self._allowed_s:g} s are allowed): the loop is "
            "blocked or dead; restart the process and report its log",
        )
