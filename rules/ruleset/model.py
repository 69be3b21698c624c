"""A rule set as it was written and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from notify.model import Severity
from registry.day_kind import DayKind
from rules.kinds.model import Kind
from rules.timeline.persistence import Persistence


@dataclass(frozen=True, slots=True)
class Hours:
    """Times of the day in which people are expected, minutes of the local day: (from, to).

    Attributes:
        code: how rules name them.
        of_day: by kind of day; ascending, apart from each other.
    """

    code: str
    of_day: Mapping[DayKind, tuple[tuple[int, int], ...]]

    def at(self, kind: DayKind, minute: int) -> bool:
        """Whether people are expected."""
        return any(begin <= minute < end for begin, end in self.of_day[kind])

    def bounds(self) -> tuple[int, ...]:
        """The minutes at which anything changes on any day."""
        cuts = {bound for spans in self.of_day.values() for span in spans for bound in span}
        return tuple(sorted(cuts | {0}))


@dataclass(frozen=True, slots=True)
class Escalation:
    """What happens when nobody explains a doubt.

    Attributes:
        days: workdays within which it is to be explained; the day of asking does not count.
        route: who is told when it is not; None: it is listed only.
    """

    days: int
    route: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: unique among all rules; cases hang on it.
        title: Chinese, for officers.
        kind: what sort of rule.
        values: its parameters, the defaults filled in.
        persistence: how long it must hold.
        hours: working hours, where the kind asks for them.
        only: tags of which a subject needs one; empty: every subject.
        without: tags that exempt a subject.
        since: it says nothing of the time before, UTC; None: it always held.
        until: nor of this time on; None: it goes on.
        severity: how soon somebody should look.
        route: who is told; None: nobody.
        source: what it rests on: a regulation with its number.
        line: where it stands in its file.
        escalation: when nobody explains a doubt; None: it has no deadline.
        reading: unit of what an inspector may read; None: nothing is read.
        institutions: codes; it is about what is theirs or of any below them; empty: everybody's.
        matter: rules of one matter raise one doubt of it (:mod:`rules.derive.matter`); None: this
            one speaks for itself.
    """

    code: str
    title: str
    kind: Kind
    values: Mapping[str, float]
    persistence: Persistence
    hours: Hours | None
    only: frozenset[str]
    without: frozenset[str]
    since: datetime | None
    until: datetime | None
    severity: Severity
    route: str | None
    source: str
    line: int
    escalation: Escalation | None = None
    reading: str | None = None
    institutions: frozenset[str] = frozenset()
    matter: str | None = None

    @property
    def digest(self) -> str:
        """Of everything that decides which doubts there are: another digest, another version."""
        return hashlib.sha256(json.dumps(self.meaning, sort_keys=True).encode()).hexdigest()

    @property
    def meaning(self) -> dict[str, object]:
        """What decides which doubts there are."""
        hours, expression = self.hours, self.kind.expression
        return {
            "kind": self.kind.code,
            **({} if expression is None else {"expression": expression}),
            "values": dict(self.values),
            "for_us": self.persistence.for_us,
            "gap_us": self.persistence.gap_us,
            "silence_us": self.persistence.silence_us,
            "hours": None if hours is None else {k.value: v for k, v in hours.of_day.items()},
            "only": sorted(self.only),
            "except": sorted(self.without),
            # Where nothing is said, rules mean what they meant before this could be said.
            **({"institutions": sorted(self.institutions)} if self.institutions else {}),
            **({} if self.matter is None else {"matter": self.matter}),
        }

    def sentence(self) -> str:
        """What is said about a doubt, in Chinese."""
        return self.kind.sentence.format(**self.values)


@dataclass(frozen=True, slots=True)
class Version:
    """A rule as it was in force.

    Attributes:
        id: in the database.
        rule: what it says.
        since: µs UTC; it says nothing of the time before.
        until: µs UTC; nor of this time on.
    """

    id: int
    rule: Rule
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one file.

    Attributes:
        code: of the set; a later file with the same code replaces it.
        title: Chinese.
        rules: in the order of the file.
        text: the file.
    """

    code: str
    title: str
    rules: tuple[Rule, ...]
    text: str
