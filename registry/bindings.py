"""Dated bindings: what the file states against what the database holds.

The file's word on one device (place, terminal) holds from its first ``since`` on. What the database
knows from before is kept, and ends there. A span that turns out never to have been true is
*withdrawn*: its row stays, with an empty range.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Bound to ``target`` while ``since`` ≤ t < ``until``; None is unbounded.

    As text it is a range as PostgreSQL writes and reads it.
    """

    target: str
    since: datetime | None
    until: datetime | None

    def __str__(self) -> str:
        since = self.since.isoformat() if self.since else ""
        until = self.until.isoformat() if self.until else ""
        return f"[{since},{until})"


@dataclass(frozen=True, slots=True)
class Moves:
    """How to get from held to stated spans.

    Attributes:
        updates: (held span, its new bounds), None for a withdrawn one. A new span always meets the
            held one, so that shrinking all of them before growing any never makes two overlap.
        inserts: spans of which nothing is held.
    """

    updates: tuple[tuple[Span, Span | None], ...]
    inserts: tuple[Span, ...]

    def applied(self, held: Sequence[Span]) -> tuple[Span, ...]:
        """Return the spans of the subject when this was done."""
        after = dict(self.updates)
        kept = (after.get(span, span) for span in held)
        return (*(span for span in kept if span is not None), *self.inserts)


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody entered about a binding since an import: an inventory may not undo it.

    Attributes:
        kind: the binding's table.
        subject: code.
        target: code.
        since: where it says the binding begins; None: it says nothing about that.
        until: where it says the binding ended; None: it says nothing about that.
        fact: how messages name it, with who and when.
        undo: the command that takes it back.
    """

    kind: str
    subject: str
    target: str
    since: datetime | None
    until: datetime | None
    fact: str
    undo: str

    def stands_in(self, spans: Iterable[Span]) -> bool:
        """Tell whether a subject's spans say what was entered."""
        return any(
            span.target == self.target
            and self.since in {None, span.since}
            and self.until in {None, span.until}
            for span in spans
        )


def reconcile(
    held: Sequence[Span],
    stated: Sequence[Span],
    now: datetime,
    *,
    rivals: Sequence[Span] = (),
    taken: Collection[str] = (),
) -> Moves:
    """Plan the bindings of one subject.

    Args:
        held: its spans in the database, in order, none empty.
        stated: its spans in the file, in order, not overlapping; only a lone one may lack
            ``since``.
        now: end of what the file no longer states; beginning of what it states without a date when
            something came before.
        rivals: where a target serves one subject at a time, what the file states of others: held
            spans that it no longer states end where a rival of theirs begins.
        taken: likewise, targets the database knows with another subject.
    """
    wanted = [_dated(span, held, taken, now) for span in stated]
    left = list(held)
    updates: list[tuple[Span, Span | None]] = []
    inserts: list[Span] = []
    for span in wanted:
        match = next((h for h in left if h.target == span.target and _meet(h, span)), None)
        if match is None:
            inserts.append(span)
            continue
        left.remove(match)
        if match != span:
            updates.append((match, span))
    start = wanted[0].since or _EARLIEST if wanted else now
    for span in left:
        kept = _cut(span, min([start, *_begins(span, rivals)]))
        if kept != span:
            updates.append((span, kept))
    return Moves(tuple(updates), tuple(inserts))


def _dated(span: Span, held: Sequence[Span], taken: Collection[str], now: datetime) -> Span:
    """Give an undated span its beginning: the known one, or now when something came before."""
    if span.since is not None:
        return span
    current = [h for h in held if h.target == span.target and (h.until is None or h.until > now)]
    if current:
        return replace(span, since=current[-1].since)
    return replace(span, since=now) if held or span.target in taken else span


def _begins(span: Span, rivals: Iterable[Span]) -> Iterable[datetime]:
    return (
        rival.since
        for rival in rivals
        if rival.since and rival.target == span.target and _meet(rival, span)
    )


def _cut(span: Span, end: datetime) -> Span | None:
    if span.until is not None and span.until <= end:
        return span
    return replace(span, until=end) if (span.since or _EARLIEST) < end else None


def _meet(one: Span, other: Span) -> bool:
    return (one.since or _EARLIEST) < (other.until or _LATEST) and (other.since or _EARLIEST) < (
        one.until or _LATEST
    )
