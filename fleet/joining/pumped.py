"""When the pump ran: as the stop at the station tells it, and else as the statement does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fleet.joining.learn import Site
from fleet.joining.model import Filling, Stops, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import Rules
from fleet.joining.span import span_of, split, widest


@dataclass(frozen=True, slots=True)
class Pumped:
    """When a filling was.

    Attributes:
        at_us: most likely, µs UTC.
        from_us, to_us: at the earliest, at the latest.
        seen: a stop at the station tells so; otherwise the statement alone.
        visits: (from, to) of stops at the station at hours that a late statement can mean, of which
            no other paper speaks; of what is not seen.
    """

    at_us: int
    from_us: int
    to_us: int
    seen: bool
    visits: tuple[tuple[int, int], ...] = ()


def pumped(
    vehicle: Vehicle, stations: Callable[[Filling], Mapping[str, Site]], rules: Rules
) -> list[Pumped]:
    """Return when each filling was, as the fillings stand.

    A stop is one filling's: that of which the statement's time is nearest, and of those that were
    paid together with it. Papers about it that are left over are not seen.

    Args:
        vehicle: whose; its fillings ascending.
        stations: by name, as a filling is held against them.
        rules: what is believed.
    """
    stops, papers = vehicle.track.stops, vehicle.fillings
    sites = [_site(vehicle, one, stations, rules) for one in papers]
    near = [
        _nearest(stops, one, _at(stops, span_of(one, rules), site, rules))
        for one, site in zip(papers, sites, strict=True)
    ]
    owner = _owners(stops, papers, near)
    found = []
    for one, site, index in zip(papers, sites, near, strict=True):
        if index is not None and _together(owner[index], one, rules):
            found.append(_seen(stops, index, one, rules))
            continue
        visits = [at for at in _at(stops, widest(one, rules), site, rules) if at not in owner]
        found.append(_said(one, [_span(stops, at) for at in visits], rules))
    return found


def _owners(
    stops: Stops, papers: Sequence[Filling], near: Sequence[int | None]
) -> dict[int, Filling]:
    """Return of each stop the paper whose time is nearest."""
    found: dict[int, Filling] = {}
    for one, index in zip(papers, near, strict=True):
        if index is not None:
            held = found.setdefault(index, one)
            found[index] = min(
                held, one, key=lambda it: (_apart(stops, index, it), it.at_us, it.number)
            )
    return found


def _site(
    vehicle: Vehicle,
    one: Filling,
    stations: Callable[[Filling], Mapping[str, Site]],
    rules: Rules,
) -> Site | None:
    if vehicle.sensitive or not one.timed or not len(vehicle.track.stops):
        return None
    site = stations(one).get(named(one.merchant))
    return site if site is not None and site.firm(rules) else None


def _at(stops: Stops, span: tuple[int, int], site: Site | None, rules: Rules) -> list[int]:
    """Return the stops at a station in a span of time that are no longer than a visit."""
    if site is None:
        return []
    spot = site.around(rules)
    found = stops.touching(*span)
    part = slice(found.start, found.stop)
    far = spot.away_mm(stops.lat[part], stops.lon[part])
    lasted = stops.ended_us[part] - stops.began_us[part]
    return [found[n] for n in ((far <= spot.radius_mm) & (lasted <= rules.visit_us)).nonzero()[0]]


def _nearest(stops: Stops, one: Filling, found: Sequence[int]) -> int | None:
    return min(found, key=lambda index: (_apart(stops, index, one), index), default=None)


def _apart(stops: Stops, index: int, one: Filling) -> int:
    """Return how far a statement's time is from a stop, µs."""
    began, ended = _span(stops, index)
    return max(began - one.at_us, one.at_us - ended, 0)


def _together(owner: Filling, one: Filling, rules: Rules) -> bool:
    first, second = sorted((owner, one), key=lambda paper: (paper.at_us, paper.number))
    return owner.number == one.number or split(first, second, rules.split_us)


def _seen(stops: Stops, index: int, one: Filling, rules: Rules) -> Pumped:
    began, ended = _span(stops, index)
    first, last = span_of(one, rules)
    since, until = max(began, first), min(ended, last)
    return Pumped(min(max(one.at_us, since), until), since, until, seen=True)


def _said(one: Filling, visits: Sequence[tuple[int, int]], rules: Rules) -> Pumped:
    """Return the time of a statement alone: hours late at the worst."""
    begin, end = widest(one, rules)[0], span_of(one, rules)[1]
    return Pumped(one.at_us, begin, end, seen=False, visits=tuple(visits))


def _span(stops: Stops, index: int) -> tuple[int, int]:
    return int(stops.began_us[index]), int(stops.ended_us[index])
