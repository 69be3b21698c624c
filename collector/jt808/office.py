"""What all connections share: who is known, what was counted, how much may be kept of strangers."""

from __future__ import annotations

import structlog

from collector.damper import Damper
from collector.jt808.limits import Hourly
from collector.jt808.messages import Registration
from collector.jt808.rows import Fault
from collector.jt808.stats import Jt808Stats
from collector.jt808.terminals import Codes, Terminals

log = structlog.get_logger()


class Office:
    """Shared by the sessions of one gateway.

    Args:
        terminals: the inventory's.
        codes: what they authenticate with.
        stats: counters.
        strangers: how many unknown terminals and addresses an hour something is kept of.
        kept_per_hour: how many refused pieces an hour are kept of each.
    """

    def __init__(
        self,
        terminals: Terminals,
        codes: Codes,
        stats: Jt808Stats,
        *,
        strangers: int,
        kept_per_hour: int,
    ) -> None:
        self.terminals = terminals
        self.codes = codes
        self.stats = stats
        self._strangers = Hourly(strangers, kept_per_hour)
        # As many subjects as the inventory has: that is bound enough.
        self._known = Hourly(10**9, kept_per_hour)
        self._damper = Damper()

    def may_keep(self, origin: str, fault: Fault, now_us: int) -> bool:
        """Tell whether a refused piece is within the hourly bound; counts it when it is not."""
        known = self.terminals.find(origin) is not None
        allowed = (self._known if known else self._strangers).allow(origin, now_us)
        if not allowed:
            self.stats.dropped[fault] += 1
            told = self._damper.add("dropped", 1, now_us / 1e6)
            if told:
                log.warning(
                    "jt808_refused_and_dropped",
                    pieces=told,
                    last_of=origin,
                    last_fault=fault.value,
                    advice="they are not acknowledged; raise jt808.refused_per_hour to keep more",
                )
        return allowed

    def stranger(self, display: str, now_us: int, told_of_itself: Registration | None) -> None:
        """Count a registration or authentication of an unknown terminal, and tell of it."""
        self.stats.refusals["unknown_terminal"] += 1
        told = self._damper.add("stranger", 1, now_us / 1e6)
        if told:
            log.warning(
                "jt808_unknown_terminal",
                attempts=told,
                last=display,
                plate=None if told_of_itself is None else told_of_itself.plate,
                advice=f"to let it in, add the terminal with code {display!r} to the inventory",
            )
