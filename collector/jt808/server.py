"""All connections: who is let in, who has to leave, when reading stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from collector.damper import Damper
from collector.jt808.gather import Gatherer
from collector.jt808.office import Office
from collector.jt808.peer import Peer
from collector.jt808.step import Step
from collector.settings import Jt808Settings

log = structlog.get_logger()

_SWEEP_S: Final = 1.0
_BACKLOG: Final = 1024
_ADVICE: Final = {
    "connections": "raise jt808.connections, or look who connects",
    "address": "raise jt808.connections_per_address when so many terminals share one address",
    "idle": "it sent nothing sound for jt808.idle_s: its network may be gone",
    "unauthenticated": "unknown or not registered; see jt808_unknown_terminal",
    "slow": "it does not read our replies",
    "replaced": "the same terminal connected again, or two share one number",
}


class Server:
    """Holds the connections; implements :class:`collector.jt808.peer.Host`.

    Args:
        settings: limits.
        office: what all sessions share.
        now_us: the clock, Unix microseconds.

    Attributes:
        reading: whether anything may be read now.
    """

    def __init__(self, settings: Jt808Settings, office: Office, now_us: Callable[[], int]) -> None:
        self.settings = settings
        self.office = office
        self.now_us = now_us
        self.reading = True
        self._gatherer: Gatherer | None = None
        self._peers: set[Peer] = set()
        self._addresses: Counter[str] = Counter()
        self._by_terminal: dict[str, Peer] = {}
        self._damper = Damper()

    def attach(self, gatherer: Gatherer) -> None:
        """Hand rows to this gatherer."""
        self._gatherer = gatherer

    async def listen(self) -> asyncio.Server:
        """Open the port.

        Raises:
            OSError: it cannot be opened.
        """
        loop = asyncio.get_running_loop()
        where = self.settings.host, self.settings.port
        return await loop.create_server(lambda: Peer(self), *where, backlog=_BACKLOG)

    async def sweep(self) -> None:
        """End silent connections and ask for missing packets, for ever; to be cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_S)
            if self.reading:
                self._sweep(loop.time())

    def gate(self, reading: bool) -> None:
        """Stop reading on all connections, or go on."""
        if reading == self.reading:
            return
        self.reading = reading
        now_s = asyncio.get_running_loop().time()
        for peer in self._peers:
            # While we did not read, nobody could show a sign of life.
            peer.since_s = peer.seen_s = now_s
            peer.adjust()

    def close(self) -> None:
        """End all connections; replies that are on their way still leave."""
        for peer in list(self._peers):
            peer.close("stop", gently=True)

    # What a connection asks

    def admit(self, peer: Peer) -> bool:
        """Tell whether one more connection may stand, and count it in."""
        bound = None
        if len(self._peers) >= self.settings.connections:
            bound = "connections"
        elif self._addresses[peer.address] >= self.settings.connections_per_address:
            bound = "address"
        if bound is not None:
            self.office.stats.turned_away[bound] += 1
            self._tell("jt808_connections_turned_away", bound, peer)
            return False
        self._peers.add(peer)
        self._addresses[peer.address] += 1
        self.office.stats.connects += 1
        self.office.stats.connections = len(self._peers)
        return True

    def deliver(self, peer: Peer, step: Step) -> None:
        """Take rows, and the replies that leave when they are on disk."""
        if self._gatherer is None:
            raise RuntimeError("a frame came before anybody could take it")
        self._gatherer.deliver(peer, step)

    def changed(self, peer: Peer, before: str | None) -> None:
        """Take note that the terminal authenticated, or left."""
        self._forget(peer, before)
        terminal = peer.terminal
        if terminal is None:
            # It logged out, or another number begins: its time to authenticate runs from here.
            peer.since_s = asyncio.get_running_loop().time()
        else:
            older = self._by_terminal.get(terminal)
            self._by_terminal[terminal] = peer
            if older is not None:
                older.close("replaced")
        self.office.stats.authenticated = len(self._by_terminal)

    def left(self, peer: Peer, cause: str) -> None:
        """Count a connection out."""
        stats = self.office.stats
        self._peers.discard(peer)
        self._addresses[peer.address] -= 1
        if not self._addresses[peer.address]:
            del self._addresses[peer.address]
        self._forget(peer, peer.terminal)
        stats.connections = len(self._peers)
        stats.authenticated = len(self._by_terminal)
        stats.closed[cause] += 1
        if cause in _ADVICE:
            self._tell("jt808_connections_ended", cause, peer)

    def _forget(self, peer: Peer, terminal: str | None) -> None:
        if terminal is not None and self._by_terminal.get(terminal) is peer:
            del self._by_terminal[terminal]

    def _sweep(self, now_s: float) -> None:
        settings, now_us = self.settings, self.now_us()
        for peer in list(self._peers):
            if now_s - peer.seen_s > settings.idle_s:
                peer.close("idle")
            elif peer.terminal is None and now_s - peer.since_s > settings.authenticate_s:
                peer.close("unauthenticated")
            else:
                peer.remind(now_us)

    def _tell(self, event: str, cause: str, peer: Peer) -> None:
        told = self._damper.add(cause, 1, asyncio.get_running_loop().time())
        if told:
            log.warning(
                event,
                cause=cause,
                connections=told,
                last_address=peer.address,
                last_terminal=peer.terminal,
                advice=_ADVICE[cause],
            )
