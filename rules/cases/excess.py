"""How much more than usual meters counted while doubts went on that people concluded to be waste.

Two doubts of one meter at one time are counted once, and what a main counted is not counted at its
sub-meters too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from metering.factors.meter_cost import Pricing
from rules.cases.used import Stretch, Used, used
from rules.derive.evaluate import measured
from rules.derive.recompute import View
from rules.derive.span import look, windows
from rules.kinds.catalogue import KINDS
from rules.kinds.model import Kind, Sort
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis
from rules.timeline.overlay import Pieces, Windows
from storage import arrays

Spans = list[tuple[int, int]]
"""From, to; µs UTC."""

_HOUR_US: Final = 3_600_000_000
_MILLI: Final = Decimal("0.001")
_HOW: Final = "比平常多用"
_ABOVE: Final[LiteralString] = """
WITH RECURSIVE above AS (
    SELECT meter_id, main_id FROM meter_main
    WHERE meter_id = ANY(%(meters)s::int[]) AND NOT isempty(valid)
    UNION
    SELECT above.meter_id, next.main_id FROM above
    JOIN meter_main AS next ON next.meter_id = above.main_id AND NOT isempty(next.valid)
)
SELECT meter_id, array_agg(main_id) FROM above WHERE main_id = ANY(%(meters)s::int[])
GROUP BY meter_id
"""


@dataclass(frozen=True, slots=True)
class Over:
    """A time in which a meter counted more than usual, as a kind of rule tells; µs UTC."""

    kind: str
    meter: int
    since: int
    until: int


def tells(kind: str, sort: Sort) -> bool:
    """Whether a kind of doubt tells how much more than usual was used, of what is counted."""
    known = KINDS.get(kind)
    return sort is Sort.METER and known is not None and known.excess is not None


def apart(found: Iterable[Over], mains: Mapping[int, Sequence[int]]) -> Iterator[Over]:
    """Yield the same times, none of them twice.

    Of two of one meter the one that began first counts, and mains before what stands behind them.

    Args:
        found: in any order.
        mains: of them that stand before meters, see :func:`mains_of`.
    """
    ordered = sorted(found, key=lambda one: (len(mains.get(one.meter, ())), one.since, one.kind))
    taken: dict[int, Spans] = defaultdict(list)
    for one in ordered:
        before = (one.meter, *mains.get(one.meter, ()))
        spent = [span for meter in before for span in taken[meter]]
        for since, until in without((one.since, one.until), spent):
            yield Over(one.kind, one.meter, since, until)
        taken[one.meter].append((one.since, one.until))


def mains_of(conn: psycopg.Connection[Any], meters: Collection[int]) -> dict[int, Sequence[int]]:
    """Return which of some meters stand, at whatever time, before which others of them."""
    return dict(conn.execute(_ABOVE, {"meters": arrays.ids(meters)}).fetchall())


def without(span: tuple[int, int], spent: Iterable[tuple[int, int]]) -> Spans:
    """Return what is left of a time without others."""
    left = [span]
    for begin, end in spent:
        parts = [((a, min(b, begin)), (max(a, end), b)) for a, b in left]
        left = [part for both in parts for part in both if part[0] < part[1]]
    return left


def amounts(
    conn: psycopg.Connection[Any], basis: Basis, found: Sequence[Over], pricing: Pricing
) -> list[Used]:
    """Return how much more than usual was used, at the mean price of all that was used then.

    What is unknown of a time is left out; where all of it is, the quantity is unknown.

    Args:
        conn: any connection.
        basis: the rules, and what else.
        found: times, from :func:`apart`.
        pricing: tariffs, calendar, zone.
    """
    stretches = [Stretch(Sort.METER, one.meter, one.since, one.until) for one in found]
    whole = used(conn, basis, stretches, pricing)
    return [_share(_more(conn, basis, one), all_) for one, all_ in zip(found, whole, strict=True)]


def _more(conn: psycopg.Connection[Any], basis: Basis, one: Over) -> Decimal | None:
    kind = KINDS[one.kind]
    basis = basis.about(Sort.METER)
    subjects = SUBJECTS[Sort.METER]
    known = subjects.look_up(conn, [one.meter], basis, kind.inputs)
    window = windows([look(one.meter, one.since, one.until)])
    layers = View(conn, subjects, known, basis, basis.versions).layers(window)
    columns = (np.array([value]) for value in (one.meter, one.since, one.until))
    return over(kind, measured(layers, Windows(*columns)))


def over(kind: Kind, course: Pieces) -> Decimal | None:
    """Return how much more than usual was used in the time that is known; None: none of it is."""
    if kind.excess is None:
        return None
    more = kind.excess.of(course) * (course.until - course.since) / _HOUR_US
    known = np.isfinite(more)
    return Decimal(float(more[known].sum())).quantize(_MILLI) if known.any() else None


def _share(more: Decimal | None, whole: Used) -> Used:
    if more is None:
        return Used(None, whole.unit, None)
    yuan = None
    if whole.quantity and whole.yuan is not None:
        yuan = whole.yuan * more / whole.quantity
    return Used(more, whole.unit, _HOW, yuan, whole.priced)
