"""What the engine has to know of a sort of subjects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import psycopg

from fleet.joining.rules import Rules as JoiningRules
from fleet.track.rules import Rules as TrackRules
from fleet.yards.settings import FenceSettings
from metering.gauge.hold import Holds
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from registry.tags import DatedTag
from rules.kinds.model import Sort
from rules.ruleset.model import Version
from rules.subjects.places.modes import Modes
from rules.timeline.overlay import Windows
from storage.due import Queue

Conn = psycopg.Connection[Any]
Inputs = Mapping[str, Sequence[Holds]]
"""Layers by name; where several sources tell the same, they follow one another in the order in
which they are believed."""
Extents = Mapping[int, tuple[int, int]]
"""From when to when something is known of a subject, µs UTC."""


@dataclass(frozen=True, slots=True)
class Word:
    """How a layer is called.

    Attributes:
        label: Chinese, with the unit.
        said: what values are called; others are numbers.
    """

    label: str
    said: Mapping[float, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Believed:
    """What is believed of positions and papers: the settings by which `jieyong fleet` looks."""

    joining: JoiningRules = field(default_factory=JoiningRules)
    track: TrackRules = field(default_factory=TrackRules)
    fences: FenceSettings = field(default_factory=FenceSettings)


@dataclass(frozen=True, slots=True)
class Basis:
    """What evaluation rests on besides what was measured.

    Attributes:
        versions: of all rules.
        gauges: how long values hold.
        calendar: which days are workdays.
        zone: of the site.
        modes: what operating modes mean; it learns.
        believed: of positions and papers.
    """

    versions: tuple[Version, ...]
    gauges: GaugeSettings
    calendar: Calendar
    zone: ZoneInfo
    modes: Modes
    believed: Believed = field(default_factory=Believed)

    @property
    def inputs(self) -> frozenset[str]:
        """What some rule cannot do without: nothing else decides whether there is a doubt."""
        return frozenset(name for one in self.versions for name in one.rule.kind.inputs)

    def about(self, sort: Sort) -> Basis:
        """Return the basis with the rules about one sort of subjects alone."""
        return replace(self, versions=tuple(v for v in self.versions if v.rule.kind.sort == sort))


class Known(Protocol):
    """Some subjects of a sort, looked up."""

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the names of the layers that there are of each subject."""

    def reach_us(self) -> tuple[int, int]:
        """Return how far a change of what layers rest on reaches in them: back, and on, µs."""

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return layers within the windows of some of the subjects.

        They depend on the data alone: another window gives the same values for the same time.
        """


def nothing_else(_conn: Conn, _basis: Basis, _subject: int, _since: int, _until: int) -> list[str]:
    """Layers tell all that was compared."""
    return []


def no_unit(_conn: Conn, _subject: int) -> str:
    """Kinds say themselves in what they count."""
    return ""


@dataclass(frozen=True, slots=True)
class Subjects:
    """A sort of subjects.

    Attributes:
        sort: which.
        queue: what is due of them.
        look_up: some subjects by their ids; for layers of those names.
        extents: from when to when anything is known of subjects, or was found.
        everyone: ids of all that rules can be about, ascending.
        tags: which tags subjects have from one moment to another.
        follow: turns what changed into due rows; on an autocommit connection; returns how many.
        mark_all: makes everything due, in the transaction that changes what everything rests on;
            given why; returns how many rows.
        consumer: who follows the dirty log for them; None: nobody does.
        words: how layers are called.
        slow: a look reads much: one worker at a time does it, so that others are left for the rest.
        apart: layers whose pieces last for weeks. Rules about these alone take long looks, and are
            looked at apart, so that others need not reach as far.
        settle: learns again what is learned of many subjects together and has changed, and makes
            due whom that concerns; on an autocommit connection, by one worker at a time; returns
            how many rows. None: nothing is.
        open_ended: what is known of them goes on without an end, until something else is known.
        compared: what was compared for a subject from one moment to another (µs UTC) besides its
            layers, with the rule in question alone in the basis: lines for officers.
        unit: in which a subject counts.
    """

    sort: Sort
    queue: Queue
    look_up: Callable[[Conn, Sequence[int], Basis, Collection[str]], Known]
    extents: Callable[[Conn, Iterable[int]], Extents]
    everyone: Callable[[Conn], list[int]]
    tags: Callable[[Conn, Sequence[int], datetime, datetime], Mapping[int, Sequence[DatedTag]]]
    follow: Callable[[Conn], int]
    mark_all: Callable[[Conn, str], int]
    consumer: str | None
    words: Mapping[str, Word]
    open_ended: bool = False
    slow: bool = False
    compared: Callable[[Conn, Basis, int, int, int], Sequence[str]] = nothing_else
    unit: Callable[[Conn, int], str] = no_unit
    settle: Callable[[Conn, Callable[[], Basis]], int] | None = None
    apart: frozenset[str] = frozenset()
