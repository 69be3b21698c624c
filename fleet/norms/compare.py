"""What vehicles used in some months, held against their own past, their class and the fleet. Pure.

Of every month three windows are looked at that end with it: the month, three and six months. What
is expected of a vehicle is what it used in the twelve months before the window, on that way and
with the engine running for so long; then what all others of its energy used more, or less, than was
expected of them: that is the season, and whatever else concerns everybody.

Nothing is compared below a few fillings and kilometres, nor with a few vehicles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.joining.rules import Rules
from fleet.norms.peers import Groups, Peers
from fleet.norms.used import Books, Used

WINDOWS: Final = (1, 3, 6)
"""Months: what is much shows in one, what is little only over several, for the tank is open."""
PAST: Final = 12
"""Months before a window from which its vehicle is known: all seasons."""
LEAST_LEGS: Final = 5
LEAST_MM: Final = 800_000_000
"""A window of less is not compared; a past of less than twice and three times that neither."""
LEAST_PEERS: Final = 10
"""Of fewer vehicles the median distance says little of how far apart normal ones are."""
UNKNOWN_SEASON_PCT: Final = 10
"""Where too few others tell of the season, so much more is none: winter, and cooling in summer."""
UNSEEN_MIX_PCT: Final = 10
"""Where no terminal tells how long the engine ran, town and motorway differ by so much."""
_LEAST_SIGMA: Final = 0.08
"""Of the median: the tank alone makes so much of a month."""


@dataclass(frozen=True, slots=True)
class Member:
    """A vehicle as norms see it.

    Attributes:
        code: of it.
        books: what it used.
        energy: what it runs on, where its fillings do not say.
        classes: (from when on, its class), ascending; µs UTC.
    """

    code: str
    books: Books
    energy: str
    classes: tuple[tuple[int, str], ...] = ()

    def kind(self, at_us: int) -> str:
        """Return its class at a moment; empty: not known."""
        its = [kind for since, kind in self.classes if since <= at_us]
        return its[-1] if its else ""


@dataclass(frozen=True, slots=True)
class Bound:
    """By how many per cent more was used than a norm says: at least, at most."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A vehicle in a window.

    Attributes:
        code: whose.
        energy: what it runs on.
        months: how many the window has.
        used: in it.
        base: before it; None: too little is known.
        expected_ml: by its past, with the season; None likewise.
        season: what the others used, times what was expected of them; None: too few others.
        own, class_, fleet: against its past, its class, all of its energy; None: cannot be told.
        of_class, of_fleet: what these are; None likewise.
    """

    code: str
    energy: str
    months: int
    used: Used
    base: Used | None
    expected_ml: int | None
    season: float | None
    own: Bound | None
    class_: Bound | None
    fleet: Bound | None
    of_class: Peers | None
    of_fleet: Peers | None


@dataclass(frozen=True, slots=True)
class Stood:
    """What a vehicle gives to the norms of others, of a window.

    Attributes:
        code: whose.
        energy: what it runs on.
        kind: its class; empty: not known.
        ratio: what it used, times what was expected of it; None: not known.
        rate: L/100 km.
    """

    code: str
    energy: str
    kind: str
    ratio: float | None
    rate: float


Standing = dict[int, list[Stood]]
"""By the months of the window."""


class Beside:
    """All vehicles of a window, for each to be held against the others."""

    def __init__(self, stood: Iterable[Stood]) -> None:
        self._by_code = {one.code: one for one in stood}
        its = self._by_code.values()
        self._seasons = Groups((one.energy, one.ratio) for one in its)
        self._classes = Groups((_class(one), one.rate) for one in its)
        self._fleets = Groups((one.energy, one.rate) for one in its)

    def season(self, one: Stood) -> Peers | None:
        """Return what the others used, times what was expected of them."""
        was = self._by_code.get(one.code)
        ratio = was.ratio if was is not None and was.energy == one.energy else None
        return self._seasons.others(one.energy, ratio, _LEAST_SIGMA)

    def class_(self, one: Stood) -> Peers | None:
        """Return what the others of its class use; None: its class is not known."""
        was = self._by_code.get(one.code)
        rate = was.rate if was is not None and _class(was) == _class(one) else None
        return self._classes.others(_class(one), rate, _LEAST_SIGMA, LEAST_PEERS)

    def fleet(self, one: Stood) -> Peers | None:
        """Return what the others of its energy use."""
        was = self._by_code.get(one.code)
        rate = was.rate if was is not None and was.energy == one.energy else None
        return self._fleets.others(one.energy, rate, _LEAST_SIGMA, LEAST_PEERS)


def _class(one: Stood) -> str:
    return f"{one.energy} {one.kind}"


def standing(
    members: Sequence[Member], begins: Sequence[int], month: int, rules: Rules
) -> Standing:
    """Return what vehicles give to the norms of a month; see :func:`compared`."""
    return {
        length: [one.stood for one in _owns(members, begins, month, length, rules)]
        for length in WINDOWS
    }


def compared(
    members: Sequence[Member],
    begins: Sequence[int],
    months: Sequence[int],
    rules: Rules,
    beside: Callable[[int, int], Beside] | None = None,
) -> Mapping[int, list[Compared]]:
    """Hold vehicles against their norms.

    Args:
        members: vehicles.
        begins: begins of successive local months, µs UTC: from :data:`PAST` and the longest window
            before the first one asked for, to the end of the last one.
        months: which of them, by index.
        rules: what is believed of fillings and ways.
        beside: all vehicles by month and length of the window; None: the members are all, each a
            part of the others' norms.

    Returns:
        By month, what can be told.
    """
    found: dict[int, list[Compared]] = {}
    for month in months:
        found[month] = []
        for length in WINDOWS:
            owns = _owns(members, begins, month, length, rules)
            its = Beside(one.stood for one in owns) if beside is None else beside(month, length)
            found[month] += [_compared(one, length, its) for one in owns]
    return found


@dataclass(frozen=True, slots=True)
class _Own:
    """A vehicle against its past, before the season is known."""

    member: Member
    energy: str
    kind: str
    used: Used
    base: Used | None = None
    expected_ml: int | None = None
    loose_pct: int = 0

    @property
    def stood(self) -> Stood:
        ml, mm = self.used.sums.ml, self.used.sums.mm
        ratio = ml / self.expected_ml if self.expected_ml else None
        return Stood(self.member.code, self.energy, self.kind, ratio, ml / mm * 1e5)


def _owns(
    members: Sequence[Member], begins: Sequence[int], month: int, length: int, rules: Rules
) -> list[_Own]:
    first = month + 1 - length
    if first - 1 < 0:
        return []
    span = begins[first], begins[month + 1]
    past = begins[max(first - PAST, 0)], begins[first]
    found = (_own(each, begins[month], span, past, rules) for each in members)
    return [one for one in found if one is not None]


def _own(
    member: Member, month_us: int, span: tuple[int, int], past: tuple[int, int], rules: Rules
) -> _Own | None:
    if not member.books.filled(month_us, span[1]):
        return None
    used, base = member.books.used(*span), member.books.used(*past)
    if used is None or not _enough(used, 1):
        return None
    its = member.books.energy(span[1]) or member.energy, member.kind(span[1] - 1)
    if base is None or not _enough(base, 2):
        return _Own(member, *its, used)
    sums = used.sums
    expected = base.sums.expected(used.most_mm, sums.running_s, sums.timed_mm, rules)
    timed = 2 * sums.timed_mm > sums.mm and 2 * base.sums.timed_mm > base.sums.mm
    return _Own(member, *its, used, base, expected, 0 if timed else UNSEEN_MIX_PCT)


def _enough(used: Used, times: int) -> bool:
    sums = used.sums
    return sums.legs >= times * LEAST_LEGS and sums.mm >= (2 * times - 1) * LEAST_MM and sums.ml > 0


def _compared(one: _Own, months: int, beside: Beside) -> Compared:
    expected, mine = one.expected_ml, one.stood
    season = beside.season(mine)
    factor = None if season is None else season.median
    if expected is not None and factor is not None:
        expected = round(expected * factor)
    # A level shows in half a year or never; in less a month in town is one.
    level = months == max(WINDOWS)
    of_class = beside.class_(mine) if level and one.kind else None
    of_fleet = beside.fleet(mine) if level else None
    return Compared(
        one.member.code,
        one.energy,
        months,
        one.used,
        one.base,
        expected,
        factor,
        _against_past(one, factor),
        _against(one.used, of_class),
        _against(one.used, of_fleet),
        of_class,
        of_fleet,
    )


def _against_past(one: _Own, season: float | None) -> Bound | None:
    if one.base is None or not one.expected_ml:
        return None
    low, high = (end / one.base.sums.ml for end in (one.base.low_ml, one.base.high_ml))
    if low <= 0:
        return None
    loose = 1 + one.loose_pct / 100
    most_season = 1 + UNKNOWN_SEASON_PCT / 100 if season is None else season
    least_season = 1.0 if season is None else season
    most = one.expected_ml * high * most_season * loose
    least = one.expected_ml * low * least_season / loose
    return _bound(one.used, least, most)


def _against(used: Used, peers: Peers | None) -> Bound | None:
    if peers is None:
        return None
    fence = peers.fence * used.most_mm / 1e5
    return _bound(used, peers.fence * used.sums.mm / 1e5, fence)


def _bound(used: Used, least_expected: float, most_expected: float) -> Bound:
    return Bound((used.low_ml / most_expected - 1) * 100, (used.high_ml / least_expected - 1) * 100)
