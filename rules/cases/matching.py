"""Which episodes belong to which doubts, of one rule and one subject. Pure.

A doubt outlives the episodes it was opened for: late data moves their ends, parts one or joins two.
Whatever overlaps a doubt belongs to it; what overlaps none is a new one. What has no end yet is a
doubt of its own: what comes again after it has ended is another, and it is no part of what ended
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.cases.life import State, Step, possible
from storage.times import OPEN_US


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a rule's condition stood, µs UTC; ``since`` ≤ t < ``until``."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt as it is on record.

    Attributes:
        id: of it.
        since: µs UTC.
        until: µs UTC.
        state: where it stands.
    """

    id: int
    since: int
    until: int
    state: State


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of the doubts.

    Attributes:
        opened: episodes that become doubts.
        moved: doubts whose times are others now.
        withdrawn: doubts that nothing supports any more.
        found_again: withdrawn ones that something supports again.
    """

    opened: tuple[Episode, ...]
    moved: tuple[Doubt, ...]
    withdrawn: tuple[Doubt, ...]
    found_again: tuple[Doubt, ...]


def matched(doubts: Sequence[Doubt], episodes: Sequence[Episode]) -> Changes:
    """Match what is found with what is on record.

    Args:
        doubts: by time; none overlaps another.
        episodes: by time, apart from each other; all that overlap one of the doubts.
    """
    of_doubt = [_of(doubt, episodes) for doubt in doubts]
    taken = {one for found in of_doubt for one in found}
    moved: list[Doubt] = []
    edge = None
    for number, (doubt, found) in enumerate(zip(doubts, of_doubt, strict=True)):
        behind = doubts[number + 1].since if number + 1 < len(doubts) else None
        now = _spanning(doubt, found, edge, behind)
        edge = now.until
        if now != doubt:
            moved.append(now)
    pairs = list(zip(doubts, of_doubt, strict=True))
    return Changes(
        tuple(one for one in episodes if one not in taken),
        tuple(moved),
        tuple(d for d, found in pairs if not found and possible(d.state, Step.WITHDRAW)),
        tuple(d for d, found in pairs if found and possible(d.state, Step.FIND_AGAIN)),
    )


def _of(doubt: Doubt, episodes: Sequence[Episode]) -> list[Episode]:
    found = [one for one in episodes if _overlap(doubt, one)]
    if doubt.until >= OPEN_US:
        return found[:1]
    return [one for one in found if one.until < OPEN_US] or found


def _overlap(doubt: Doubt, episode: Episode) -> bool:
    return episode.since < doubt.until and doubt.since < episode.until


def _spanning(
    doubt: Doubt, found: Sequence[Episode], before: int | None, behind: int | None
) -> Doubt:
    """The doubt over its episodes, between its neighbours."""
    if not found:
        return doubt
    since, until = found[0].since, found[-1].until
    if before is not None:
        since = max(since, before)
    if behind is not None:
        until = min(until, behind)
    return Doubt(doubt.id, since, until, doubt.state)
