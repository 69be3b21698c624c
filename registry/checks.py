"""What must hold between the entries of an inventory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from registry.document import Problems
from registry.inventory import (
    BY_HAND,
    Binding,
    Bus,
    Device,
    Institution,
    Inventory,
    Thing,
    Vehicle,
)
from registry.tag_words import KINDS

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)

_T = TypeVar("_T")
_Held = tuple[Binding, str]


def check(inventory: Inventory, problems: Problems) -> None:
    """Add every problem between entries to ``problems``."""
    _parents(inventory.institutions, problems)
    _addresses(inventory.buses, problems)
    by_hand = {bus.code for bus in inventory.buses if bus.transport == BY_HAND}
    _units([d for d in inventory.devices if d.bus not in by_hand], problems)
    _serial_numbers(inventory.devices, problems)
    _plates(inventory.vehicles, problems)
    for kind, things in (
        ("place", inventory.places),
        ("device", inventory.devices),
        ("terminal", inventory.terminals),
    ):
        for thing in things:
            _overlaps(f"{kind} {thing.code}", thing.bindings, problems)
    _shared_places(inventory.devices, problems)
    for kind in KINDS:
        for tagged in inventory.tagged(kind):
            _repeated(f"{kind} {tagged.code}", tagged.tags, problems)


def _line(thing: Thing, key: str) -> int:
    return thing.lines.get(key, thing.lines[""])


def _parents(institutions: Sequence[Institution], problems: Problems) -> None:
    parent = {i.code: i.parent for i in institutions}
    for institution in institutions:
        seen, above = {institution.code}, institution.parent
        while above and above not in seen:
            seen.add(above)
            above = parent.get(above)
        if above == institution.code:
            problems.add(
                _line(institution, "parent"),
                f"institution {institution.code} stands above itself: correct parent",
            )


def _addresses(buses: Iterable[Bus], problems: Problems) -> None:
    first: dict[tuple[str, int], Bus] = {}
    for bus in buses:
        other = first.setdefault((bus.host, bus.port), bus)
        if not bus.host or other is bus:
            continue
        where = f"bus {other.code} (line {_line(other, 'host')}) has {bus.host}:{bus.port} already"
        if other.transport == bus.transport:
            what = "put the devices of both on one bus"
        else:
            what = f"as {other.transport}; one port speaks one transport: correct one of them"
        problems.add(_line(bus, "host"), f"bus {bus.code}: {where}: {what}")


def _units(devices: Iterable[Device], problems: Problems) -> None:
    """A unit may serve two devices only when one is gone before the other comes."""
    neighbours: dict[tuple[str, int], list[Device]] = defaultdict(list)
    for device in devices:
        if not device.bus:
            continue
        if "unit" not in device.lines:
            problems.add(_line(device, "unit"), f"device {device.code}: unit is missing")
            continue
        same = neighbours[device.bus, device.unit]
        other = next((d for d in same if _meet(_span(d), _span(device))), None)
        if other:
            problems.add(
                _line(device, "unit"),
                f"device {device.code}: unit {device.unit} on bus {device.bus} belongs to "
                f"{other.code} (line {_line(other, 'unit')}) at the same time: "
                "correct the unit, or give the one that was taken down its until",
            )
        same.append(device)


def _serial_numbers(devices: Iterable[Device], problems: Problems) -> None:
    numbered = [d for d in devices if d.serial_no]
    _unique(
        numbered,
        lambda d: (d.profile, d.serial_no),
        lambda d, other: problems.add(
            _line(d, "serial_no"),
            f"device {d.code}: serial_no {d.serial_no} stands at {other.code} "
            f"(line {_line(other, 'serial_no')}) already: one physical meter is one device",
        ),
    )


def _plates(vehicles: Iterable[Vehicle], problems: Problems) -> None:
    _unique(
        [v for v in vehicles if v.plate],
        lambda v: v.plate,
        lambda v, other: problems.add(
            _line(v, "plate"),
            f"vehicle {v.code}: plate {v.plate} stands at {other.code} "
            f"(line {_line(other, 'plate')}) already: correct one of them",
        ),
    )


def _unique(
    things: Iterable[_T], key: Callable[[_T], object], report: Callable[[_T, _T], None]
) -> None:
    first: dict[object, _T] = {}
    for thing in things:
        other = first.setdefault(key(thing), thing)
        if other is not thing:
            report(thing, other)


def _overlaps(label: str, bindings: Iterable[Binding], problems: Problems) -> None:
    for (earlier, _), (later, _) in _clashes([(b, label) for b in bindings]):
        problems.add(
            later.line,
            f"{label} is at {earlier.target} (line {earlier.line}) and at {later.target} "
            "at the same time: let one end (until) before the other begins (since)",
        )


def _repeated(label: str, tags: Iterable[Binding], problems: Problems) -> None:
    """A tag may stand at a thing several times, one after the other."""
    by_word: dict[str, list[_Held]] = defaultdict(list)
    for tag in tags:
        by_word[tag.target].append((tag, label))
    for word, held in by_word.items():
        for (earlier, _), (later, _) in _clashes(held):
            problems.add(
                later.line,
                f"{label}: tag {word} stands here twice for the same time (first in line "
                f"{earlier.line}): keep one, or date both (since, until)",
            )


def _shared_places(devices: Iterable[Device], problems: Problems) -> None:
    """Two meters at one place at once would count everything twice."""
    holders: dict[str, list[_Held]] = defaultdict(list)
    for device in devices:
        for binding in device.bindings:
            holders[binding.target].append((binding, device.code))
    for place, held in holders.items():
        for (earlier, first), (later, second) in _clashes(held):
            if place and first != second:
                problems.add(
                    later.line,
                    f"device {second}: {first} (line {earlier.line}) is at place {place} at the "
                    "same time: date both (since, until), or give each a place of its own",
                )


def _clashes(held: list[_Held]) -> Iterator[tuple[_Held, _Held]]:
    """Yield each binding that begins before an earlier one has ended, with that earlier one."""
    longest: _Held | None = None
    for each in sorted(held, key=lambda h: (_ends(h[0]), h[0].line)):
        if longest and _meet(_ends(longest[0]), _ends(each[0])):
            yield longest, each
        if longest is None or _ends(longest[0])[1] < _ends(each[0])[1]:
            longest = each


def _ends(binding: Binding) -> tuple[datetime, datetime]:
    return binding.since or _EARLIEST, binding.until or _LATEST


def _span(device: Device) -> tuple[datetime, datetime]:
    """From when until when a device hangs somewhere; always, when the file binds it nowhere."""
    if not device.bindings:
        return _EARLIEST, _LATEST
    ends = [_ends(b) for b in device.bindings]
    return min(e[0] for e in ends), max(e[1] for e in ends)


def _meet(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
