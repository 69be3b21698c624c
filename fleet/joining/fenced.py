"""Places that fences say: where a paper names one, nothing has to be learned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.fence.shape import Circle, Polygon
from fleet.joining.model import Fence
from fleet.joining.names import named
from fleet.joining.rules import Rules
from fleet.joining.where import Spot, Within

STATION: Final = "station"
GARAGE: Final = "garage"


@dataclass(frozen=True, slots=True)
class Fenced:
    """A place of which fences say where it is; see :class:`fleet.joining.learn.Place`.

    Attributes:
        name: as papers have it, without blanks and brackets.
        lat, lon: WGS-84: the middle of the first fence.
        codes: of the fences.
        spot: inside of any of them.
        is_station: they are those of a station.
    """

    name: str
    lat: float
    lon: float
    codes: tuple[str, ...]
    spot: Within
    is_station: bool

    def firm(self, _rules: Rules) -> bool:
        """Tell whether enough stands behind it for a doubt: somebody entered it."""
        return True

    def around(self, _rules: Rules) -> Spot:
        """Return where it is."""
        return self.spot


def fenced(fences: Iterable[Fence], day_us: int, purpose: str) -> dict[str, Fenced]:
    """Return the places of fences that hold on a day, by their names and by their codes.

    Several fences of one name are one place (a chain); those of the purpose asked for come before
    those of none, and these before those of another.

    Args:
        fences: all that stand.
        day_us: begin of the local day.
        purpose: :data:`STATION` or :data:`GARAGE`.
    """
    found: dict[str, list[Fence]] = defaultdict(list)
    for one in sorted(fences, key=lambda one: one.code):
        if one.since_us <= day_us < one.until_us:
            for name in {named(one.name), named(one.code)} - {""}:
                found[name].append(one)
    result = {}
    for name, several in found.items():
        rank = min(_rank(one, purpose) for one in several)
        result[name] = _place([one for one in several if _rank(one, purpose) == rank])
    return result


def _rank(one: Fence, purpose: str) -> int:
    return 0 if one.purpose == purpose else 1 if not one.purpose else 2


def _place(fences: list[Fence]) -> Fenced:
    lon, lat = _middle(fences[0].shape)
    return Fenced(
        name=named(fences[0].name),
        lat=lat,
        lon=lon,
        codes=tuple(one.code for one in fences),
        spot=Within(tuple(one.shape for one in fences), max(one.margin_mm for one in fences)),
        is_station=all(one.purpose == STATION for one in fences),
    )


def _middle(shape: Circle | Polygon) -> tuple[float, float]:
    if isinstance(shape, Circle):
        return shape.middle
    lon, lat = zip(*shape.ring, strict=True)
    return (min(lon) + max(lon)) / 2, (min(lat) + max(lat)) / 2
