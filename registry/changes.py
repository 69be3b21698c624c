"""What an import changed, or would change: countable, printable, storable."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_SHOWN: Final = 8
"""How many codes a line of :meth:`Changes.__str__` names."""


class Action(enum.StrEnum):
    """What happened to a row."""

    CREATED = "created"
    CHANGED = "changed"
    REOPENED = "reopened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Change:
    """One row's change.

    Attributes:
        kind: the table.
        code: stable code; ``device/name`` for points, ``subject @ target`` for bindings.
        detail: field → (before, after), as text.
    """

    action: Action
    kind: str
    code: str
    detail: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of one import; false when there are none."""

    items: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.items)

    def codes(self, kind: str, action: Action) -> tuple[str, ...]:
        """Return the codes of one kind to which ``action`` happened, in the order of the file."""
        return tuple(c.code for c in self.items if c.kind == kind and c.action == action)

    def counts(self) -> dict[tuple[str, Action], int]:
        """Return how many changes there are by kind and action."""
        counted: dict[tuple[str, Action], int] = defaultdict(int)
        for change in self.items:
            counted[change.kind, change.action] += 1
        return dict(counted)

    def as_json(self) -> dict[str, dict[str, dict[str, dict[str, list[str | None]]]]]:
        """Return kind → action → code → field → [before, after].

        What happens to a code several times, as to a binding with several spans, has its fields
        again with a number: ``valid``, ``valid 2``.
        """
        found: dict[str, dict[str, dict[str, dict[str, list[str | None]]]]] = {}
        for change in self.items:
            action = found.setdefault(change.kind, {}).setdefault(change.action.value, {})
            fields = action.setdefault(change.code, {})
            for name, pair in change.detail.items():
                again = sum(1 for known in fields if known.partition(" ")[0] == name)
                fields[f"{name} {again + 1}" if again else name] = list(pair)
        return found

    def __str__(self) -> str:
        if not self.items:
            return "nothing changes"
        return "\n".join(self._line(kind, action) for kind, action in self.counts())

    def _line(self, kind: str, action: Action) -> str:
        chosen = [c for c in self.items if c.kind == kind and c.action == action]
        shown = ", ".join(_words(c) for c in chosen[:_SHOWN])
        more = f", … and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
        return f"{kind}: {len(chosen)} {action}: {shown}{more}"


def _words(change: Change) -> str:
    if not change.detail:
        return change.code
    pairs = (_pair(name, before, after) for name, (before, after) in change.detail.items())
    return f"{change.code} ({', '.join(pairs)})"


def _pair(name: str, before: str | None, after: str | None) -> str:
    was, now = (_value(name, value) for value in (before, after))
    return f"{name} {now}" if before is None else f"{name} {was} → {now}"


def _value(name: str, value: str | None) -> str:
    """Write a value for people; a range of time as since and until."""
    if value is None:
        return "nothing"
    if name != "valid" or not value.startswith("["):
        return value
    since, _, until = value[1:-1].partition(",")
    bounds = [f"since {since}"] * bool(since) + [f"until {until}"] * bool(until)
    return " ".join(bounds) or "always"
