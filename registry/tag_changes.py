"""What changed about the tags that things have: whoever derives from tags asks here what to redo.

Inventories are imported in one transaction, and whoever brings one in marks what :func:`of_import`
names in the same (as metering does). :func:`since` reads the same from the records, for a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg

from registry.bindings import Span
from registry.tables import TAGS

_IMPORTS: Final[LiteralString] = """
SELECT changes FROM inventory_import WHERE applied_at >= %s ORDER BY id
"""
_ACTS: Final[LiteralString] = """
SELECT action, subject, detail FROM audit_log
WHERE action IN ('tag.enter', 'tag.withdraw') AND at >= %s ORDER BY id
"""
_MOVES: Final = {"place_room": "place"}
"""What else decides which tags a thing inherits → kind of the thing."""

Recorded = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Sequence[str | None]]]]]
"""Changes of an import, as :meth:`registry.changes.Changes.as_json` gives them."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A tag, or the room, of one thing that changed; what stands below the thing is touched too.

    Attributes:
        kind: of the thing; one of :data:`registry.tag_words.KINDS`.
        code: of the thing.
        before: the tag, or the room, and while it held; None: it was not there.
        after: likewise; None: it was withdrawn.
    """

    kind: str
    code: str
    before: Span | None
    after: Span | None


def of_import(changes: Recorded) -> list[Touched]:
    """Return what an import touched; things that are new are among its changes, not here."""
    kinds = {**TAGS, **_MOVES}
    return [
        _touched(kinds[name], code, valid)
        for name, actions in changes.items()
        if name in kinds
        for things in actions.values()
        for code, detail in things.items()
        for valid in detail.values()
    ]


def since(conn: psycopg.Connection[Any], at: datetime) -> list[Touched]:
    """Return what imports and people touched from ``at`` (aware) on, imports first."""
    found = [one for (said,) in conn.execute(_IMPORTS, [at]) for one in of_import(said)]
    return [*found, *_entered(conn, at)]


def _entered(conn: psycopg.Connection[Any], at: datetime) -> Iterator[Touched]:
    for action, code, said in conn.execute(_ACTS, [at]):
        span = Span(said["tag"], _moment(said["since"]), _moment(said["until"]))
        entered = action == "tag.enter"
        before, after = (None, span) if entered else (span, None)
        yield Touched(said["kind"], code, before, after)


def _touched(kind: str, subject_at_target: str, valid: Sequence[str | None]) -> Touched:
    code, _, target = subject_at_target.partition(" @ ")
    before, after = (_span(target, text) for text in valid)
    return Touched(kind, code, before, after)


def _span(target: str, text: str | None) -> Span | None:
    """Read a span as it writes itself."""
    if text is None or text == "withdrawn":
        return None
    begin, _, end = text[1:-1].partition(",")
    return Span(target, _moment(begin), _moment(end))


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
