"""Facts to scopes: one attribution for each level, and what in them makes no sense."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from metering.tree import rings
from metering.tree.attribution import Attribution, Metered, Scope
from metering.tree.facts import Facts
from metering.tree.graph import Graph, build
from metering.tree.holders import Holder, Reporters, sole
from metering.tree.items import by_item
from metering.tree.timeline import Timeline, mapped


class Level(StrEnum):
    """Of what the holders of a scope are."""

    INSTITUTION = "institution"  # who reports it
    ITEM = "item"  # the same, by sub-item
    BUILDING = "building"  # where it is measured
    ROOM = "room"


_ONE: Final = Fraction(1)
Placed = tuple[Level, str, Scope]
"""A scope with its level and, on the level of items, its item."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the tree that makes no sense, and what was made of it.

    Attributes:
        kind: ``formula``, ``energy``, ``ring``, ``mixed`` or ``relation_ring``.
        subject: code of the meter, or id of the institution.
        text: Chinese.
        meter: id of the meter; None: it is about an institution.
    """

    kind: str
    subject: str
    text: str
    meter: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """For whom each meter counts.

    Attributes:
        scopes: of all levels.
        problems: what was found on the way.
    """

    scopes: tuple[Placed, ...]
    problems: tuple[Problem, ...]


def attribute(facts: Facts, only: Collection[int] | None = None) -> Tree:
    """Attribute meters on every level.

    Args:
        facts: of the meters, and of all that they rest on.
        only: ids of the meters; None: all.
    """
    graph = build([meter.node for meter in facts.meters.values()])
    problems = [
        Problem("formula", refusal.code, refusal.text, refusal.id) for refusal in graph.refused
    ]
    metered = _metered(facts, graph)
    mains = _mains(facts, metered, problems)
    reporters = Reporters(facts.relations, facts.places)
    items = {id_: meter.item for id_, meter in facts.meters.items()}
    scopes: list[Placed] = []
    for level, held in _levels(facts, reporters).items():
        attribution = Attribution(metered, mains, held)
        scopes += [(level, "", scope) for scope in attribution.scopes()]
        if level is Level.INSTITUTION:
            problems += _mixed(facts, attribution.mixed)
            scopes += [(Level.ITEM, item, scope) for item, scope in by_item(items, attribution)]
    if only is not None:
        scopes = [one for one in scopes if one[2].meter in only]
        problems = [problem for problem in problems if problem.meter in only]
    return Tree(tuple(scopes), (*problems, *_relation_rings(facts, reporters)))


def hung(facts: Facts) -> Attribution:
    """Return how meters hang below each other, whoever they count for.

    Args:
        facts: from :func:`facts.hanging`.
    """
    metered = _metered(facts, build([meter.node for meter in facts.meters.values()]))
    return Attribution(metered, _mains(facts, metered, []), {})


def _relation_rings(facts: Facts, reporters: Reporters) -> Iterator[Problem]:
    """Name every institution in a ring, whether a meter hangs there or not."""
    for kind, subject in sorted(facts.relations):
        if kind == "institution":
            reporters.of_institution(subject)
    text = "代报或合署关系成环：按各自上报计算，请撤销其中一条"
    for ring in sorted(reporters.rings):
        yield Problem("relation_ring", str(ring), text)


def _metered(facts: Facts, graph: Graph) -> dict[int, Metered]:
    """Keep what can stand in the tree: physical meters, and virtual ones that add any of those."""
    found = {
        id_: Metered(meter.direction, meter.begin, meter.end)
        for id_, meter in facts.meters.items()
        if meter.place is not None
    }
    contents = graph.contents()
    for id_ in graph.order:
        meter = facts.meters[id_]
        added = tuple(other for other in _added(id_, graph, contents) if other in found)
        if added:
            found[id_] = Metered(meter.direction, meter.begin, meter.end, added)
    return found


def _added(
    virtual: int, graph: Graph, contents: Mapping[int, Mapping[int, Fraction]]
) -> Collection[int]:
    """Whom a formula adds: the meters it names, or what it comes to where these cancel out."""
    named = [other for other, factor in graph.terms[virtual].items() if factor > 0]
    inside = {source for other in named for source in _plus(contents.get(other, {other: _ONE}))}
    net = set(_plus(contents[virtual]))
    physical = net - contents.keys()
    return named if inside - contents.keys() == physical else sorted(physical)


def _plus(factors: Mapping[int, Fraction]) -> Iterator[int]:
    return (meter for meter, factor in factors.items() if factor > 0)


def _mains(
    facts: Facts, metered: Mapping[int, Metered], problems: list[Problem]
) -> dict[int, Timeline[int]]:
    """Keep the mains that make sense."""
    fitting = {}
    for meter, line in facts.mains.items():
        if meter not in metered:
            continue
        kept = tuple(s for s in line if s.value in metered and _fit(facts, meter, s.value))
        fitting[meter] = kept
        problems += [
            _misfit(facts, meter, span.value)
            for span in line
            if span.value in facts.meters and not _fit(facts, meter, span.value)
        ]
    left, ringed = rings.cut(fitting, {id_: m.sources for id_, m in metered.items() if m.sources})
    problems += [_ring(facts, meter) for meter in sorted(ringed)]
    return left


def _fit(facts: Facts, meter: int, main: int) -> bool:
    one, other = facts.meters[meter].node, facts.meters[main].node
    return (one.energy, one.unit) == (other.energy, other.unit)


def _misfit(facts: Facts, meter: int, main: int) -> Problem:
    code, above = facts.meters[meter].node.code, facts.meters[main].node.code
    return Problem(
        "energy",
        code,
        f"{code} 的总表 {above} 计的不是同一能源或单位：按没有总表计算，请更正",
        meter,
    )


def _ring(facts: Facts, meter: int) -> Problem:
    code = facts.meters[meter].node.code
    return Problem("ring", code, f"{code} 的总表关系成环：成环期间按没有总表计算，请更正", meter)


def _mixed(facts: Facts, links: Iterable[tuple[int, int]]) -> Iterator[Problem]:
    text = "{} 的总表 {} 由不同机构的表合成，无法从某一机构扣除：算在组成它的表里，请改挂实表"
    for meter, main in sorted(links):
        code, above = facts.meters[meter].node.code, facts.meters[main].node.code
        yield Problem("mixed", code, text.format(code, above), meter)


def _levels(facts: Facts, reporters: Reporters) -> Mapping[Level, dict[int, Timeline[Holder]]]:
    building = facts.places.building
    return {
        Level.INSTITUTION: _held(facts, reporters.of_meter),
        Level.BUILDING: _held(facts, lambda _, r: mapped(r, lambda room: sole(building[room]))),
        Level.ROOM: _held(facts, lambda _, rooms: mapped(rooms, sole)),
    }


def _held(
    facts: Facts, holders: Callable[[int, Timeline[int]], Timeline[Holder]]
) -> dict[int, Timeline[Holder]]:
    return {
        id_: holders(id_, facts.rooms.get(meter.place, ()))
        for id_, meter in facts.meters.items()
        if meter.place is not None
    }
