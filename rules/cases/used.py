"""What was used while a doubt went on: by its meter or by what its device tells; and its price.

That is not what was wasted: only people conclude that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from metering.counter.model import GRAIN_US, Int64s, Quarters
from metering.factors.meter_cost import Pricing
from metering.factors.part_cost import PartCost, part_cost
from metering.factors.part_cost import Used as Priced
from metering.gauge.hold import Float64s
from registry.refusal import RefusedError
from rules.kinds.model import Input, Sort
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis
from rules.timeline.overlay import Windows, overlay
from storage import arrays

ALMOST_ALL: Final = 0.98
"""A meter, or a device, counts as having seen a doubt when so much of its time is known."""
_PORTION: Final = 500
"""Places whose power is loaded in one go."""
_AT_ONCE: Final = 2_000
"""Stretches whose quarter hours are loaded in one go."""
_MICRO: Final = 1_000_000
_US_OF_WATT: Final = 3_600_000
"""So many µs of one watt are a millionth of a kWh."""
_COUNTED: Final = ("place", "meter")
"""Sorts of which something is counted."""
_POWERED: Final = frozenset({Sort.PLACE})
"""Those whose devices tell their power."""
_ELECTRICITY, _KWH = "electricity", "kWh"

_METERS: Final[LiteralString] = """
SELECT place_id AS subject, id, code, energy, unit, place_id FROM meter
WHERE %(sort)s = 'place' AND place_id = ANY(%(subjects)s::int[])
  AND energy = 'electricity' AND direction = 'in' AND unit = 'kWh'
UNION ALL
SELECT id, id, code, energy, unit, place_id FROM meter
WHERE %(sort)s = 'meter' AND id = ANY(%(subjects)s::int[])
ORDER BY 1, 2
"""
_QUARTERS: Final[LiteralString] = """
SELECT w.number, (extract(epoch FROM slot) * 1000000)::int8, micro
FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::timestamptz[])
    AS w (number, meter, since, until)
JOIN consumption ON consumption.meter_id = w.meter
    AND slot > w.since - interval '15 minutes' AND slot < w.until
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A subject from one moment to another, µs UTC."""

    sort: Sort
    subject: int
    since: int
    until: int

    @property
    def length(self) -> int:
        """How long it is, µs."""
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class Used:
    """What was used.

    Attributes:
        quantity: in ``unit``; None: nobody knows.
        unit: kWh, m³ …
        how: by a meter, or from the power that the device tells; None: nobody knows.
        yuan: its price for energy alone; None: nobody knows.
        priced: by which tariff, or why the price is unknown; empty: nothing to price.
    """

    quantity: Decimal | None
    unit: str
    how: str | None
    yuan: Decimal | None = None
    priced: str = ""


@dataclass(frozen=True, slots=True)
class _Meter:
    id: int
    code: str
    energy: str
    unit: str
    place: int


def counted(sort: Sort) -> bool:
    """Tell whether anything is counted of a sort of subjects."""
    return sort.value in _COUNTED


def units(
    conn: psycopg.Connection[Any], subjects: Iterable[tuple[Sort, int]]
) -> dict[tuple[Sort, int], str]:
    """Return in which unit subjects are counted; those of which nothing is are left out."""
    of_sort: dict[Sort, set[int]] = defaultdict(set)
    for sort, subject in subjects:
        of_sort[sort].add(subject)
    found: dict[tuple[Sort, int], str] = {}
    for sort, some in of_sort.items():
        if sort in _POWERED:
            found |= {(sort, one): _KWH for one in some}
        elif counted(sort):
            found |= {(sort, one): m[0].unit for one, m in _meters(conn, sort, some).items()}
    return found


def used(
    conn: psycopg.Connection[Any],
    basis: Basis,
    stretches: Sequence[Stretch],
    pricing: Pricing | None,
) -> list[Used]:
    """Return what was used in each of some stretches.

    Args:
        conn: any connection.
        basis: how long values hold.
        stretches: of sorts that are counted.
        pricing: tariffs, calendar, zone; None: nothing is priced.
    """
    found: dict[int, Used] = {}
    for sort in {one.sort for one in stretches}:
        mine = {n: one for n, one in enumerate(stretches) if one.sort is sort}
        meters = _meters(conn, sort, {one.subject for one in mine.values()})
        numbers = list(mine)
        for first in range(0, len(numbers), _AT_ONCE):
            some = {n: mine[n] for n in numbers[first : first + _AT_ONCE]}
            found |= _metered(conn, some, meters, pricing)
        left = {n: one for n, one in mine.items() if n not in found}
        if sort in _POWERED:
            found |= _by_power(conn, basis, left, pricing)
        else:
            units = {n: meters[one.subject][0].unit for n, one in left.items()}
            found |= {n: Used(None, unit, None) for n, unit in units.items()}
    return [found[n] for n in range(len(stretches))]


def _meters(
    conn: psycopg.Connection[Any], sort: Sort, subjects: set[int]
) -> dict[int, list[_Meter]]:
    values = {"sort": sort.value, "subjects": arrays.ids(subjects)}
    found: dict[int, list[_Meter]] = defaultdict(list)
    for subject, *meter in conn.execute(_METERS, values):
        found[subject].append(_Meter(*meter))
    return found


def _metered(
    conn: psycopg.Connection[Any],
    stretches: Mapping[int, Stretch],
    meters: Mapping[int, Sequence[_Meter]],
    pricing: Pricing | None,
) -> dict[int, Used]:
    """What meters counted, where all that hang there know almost all of the time."""
    asked = [
        (n, one, meter) for n, one in stretches.items() for meter in meters.get(one.subject, ())
    ]
    quarters = _quarters(conn, asked)
    parts: dict[int, list[Priced | None]] = defaultdict(list)
    for number, (n, one, meter) in enumerate(asked):
        part = _clipped(one, *quarters[number])
        known = None
        if part is not None:
            known = Priced(meter.place, meter.code, meter.energy, meter.unit, part)
        parts[n].append(known)
    return {
        n: _summed(conn, [one for one in some if one is not None], "计量表", pricing)
        for n, some in parts.items()
        if None not in some
    }


def _quarters(
    conn: psycopg.Connection[Any], asked: Sequence[tuple[int, Stretch, _Meter]]
) -> dict[int, tuple[Int64s, Int64s]]:
    values = [
        arrays.ids(range(len(asked))),
        arrays.ids(meter.id for _, _, meter in asked),
        arrays.times([one.since for _, one, _ in asked]),
        arrays.times([one.until for _, one, _ in asked]),
    ]
    rows = np.array(conn.execute(_QUARTERS, values).fetchall(), np.int64).reshape(-1, 3)
    bounds = np.searchsorted(rows[:, 0], np.arange(len(asked) + 1))
    return {
        n: (rows[bounds[n] : bounds[n + 1], 1], rows[bounds[n] : bounds[n + 1], 2])
        for n in range(len(asked))
    }


def _clipped(one: Stretch, slot: Int64s, micro: Int64s) -> Quarters | None:
    """The part of each quarter that lies in the stretch, as if used evenly; None: too little."""
    inside = np.minimum(slot + GRAIN_US, one.until) - np.maximum(slot, one.since)
    if inside.sum() < ALMOST_ALL * one.length:
        return None
    return _of(slot, np.rint(micro * (inside / GRAIN_US)).astype(np.int64))


def _by_power(
    conn: psycopg.Connection[Any],
    basis: Basis,
    stretches: Mapping[int, Stretch],
    pricing: Pricing | None,
) -> dict[int, Used]:
    """What devices tell of their power."""
    found: dict[int, Used] = {}
    for some in in_rounds(stretches):
        places = [one.subject for _, one in some]
        known = SUBJECTS[Sort.PLACE].look_up(conn, places, basis, [Input.POWER])
        windows = Windows(
            np.array(places),
            np.array([one.since for _, one in some]),
            np.array([one.until for _, one in some]),
        )
        sources = known.load(conn, windows).get(Input.POWER, ())
        pieces = overlay({Input.POWER: sources[0]} if sources else {}, windows)
        for n, one in some:
            part = pieces.of(one.subject)
            energy = _energy(one, part.since, part.until, part.column(Input.POWER))
            if energy is None:
                found[n] = Used(None, _KWH, None)
            else:
                priced = Priced(one.subject, None, _ELECTRICITY, _KWH, energy)
                found[n] = _summed(conn, [priced], "设备功率", pricing)
    return found


def in_rounds(stretches: Mapping[int, Stretch]) -> Iterator[list[tuple[int, Stretch]]]:
    """Part stretches into portions in which each place comes once, ascending."""
    rounds: dict[int, list[tuple[int, Stretch]]] = defaultdict(list)
    taken: Counter[int] = Counter()
    for n, one in sorted(stretches.items(), key=lambda one: (one[1].subject, one[1].since)):
        rounds[taken[one.subject]].append((n, one))
        taken[one.subject] += 1
    for some in rounds.values():
        for first in range(0, len(some), _PORTION):
            yield some[first : first + _PORTION]


def _energy(one: Stretch, since: Int64s, until: Int64s, watts: Float64s) -> Quarters | None:
    """Energy by quarter hour; what little is unknown is taken for the mean. None: too much is."""
    length = (until - since).astype(np.float64)
    known = np.isfinite(watts)
    if length[known].sum() < ALMOST_ALL * one.length:
        return None
    mean = float((watts[known] * length[known]).sum() / length[known].sum())
    micro = np.where(known, watts, mean) * length / _US_OF_WATT
    total = np.concatenate([[0.0], np.cumsum(micro)])
    edges = np.arange(one.since // GRAIN_US, -(-one.until // GRAIN_US) + 1) * GRAIN_US
    upto = np.rint(np.interp(edges, np.concatenate([since[:1], until]), total))
    return _of(edges[:-1], np.diff(upto).astype(np.int64))


def _of(slot: Int64s, micro: Int64s) -> Quarters:
    nothing = np.zeros(len(slot), np.int64)
    small = nothing.astype(np.int16)
    return Quarters(slot, micro, nothing, small, small)


def _summed(
    conn: psycopg.Connection[Any], parts: Sequence[Priced], how: str, pricing: Pricing | None
) -> Used:
    micro = sum(int(one.quarters.micro.sum()) for one in parts)
    quantity = (Decimal(micro) / _MICRO).quantize(Decimal("0.001"))
    if pricing is None:
        return Used(quantity, parts[0].unit, how)
    costs = [_cost(conn, one, pricing) for one in parts]
    yuan = [one.yuan for one in costs if one.yuan is not None]
    whole = sum(yuan, Decimal(0)) if len(yuan) == len(costs) else None
    said = "；".join(
        dict.fromkeys(one.said for one in costs if (one.yuan is None) == (whole is None))
    )
    return Used(quantity, parts[0].unit, how, whole, said)


def _cost(conn: psycopg.Connection[Any], one: Priced, pricing: Pricing) -> PartCost:
    try:
        return part_cost(conn, one, pricing)
    except RefusedError as error:
        return PartCost(None, str(error))
