"""Virtual meters over other meters: what makes sense, in what order, and who hangs on whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from metering.quality.words import energy_names, unit_name
from metering.tree.formula import FormulaError, parse


@dataclass(frozen=True, slots=True)
class Node:
    """A meter as formulas see it.

    Attributes:
        id: of the meter.
        code: as formulas write it.
        energy: its kind.
        unit: of its quantity.
        formula: of a virtual meter; None of a physical one.
    """

    id: int
    code: str
    energy: str
    unit: str
    formula: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A virtual meter that cannot be computed.

    Attributes:
        id: of the meter.
        code: of the meter.
        text: why, and what to do; Chinese.
    """

    id: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The virtual meters that can be computed.

    Attributes:
        terms: of each, the exact factor of each input; by id.
        order: their ids, inputs before those who use them.
        refused: the others, with the reason.
    """

    terms: Mapping[int, Mapping[int, Decimal]]
    order: tuple[int, ...]
    refused: tuple[Refusal, ...]

    def touched(self, changed: Iterable[int]) -> tuple[int, ...]:
        """Return those that a change of some meters, themselves included, can change; in order."""
        reached = set(changed)
        found = []
        for meter in self.order:
            if meter in reached or not reached.isdisjoint(self.terms[meter]):
                reached.add(meter)
                found.append(meter)
        return tuple(found)

    def physical(self, meter: int) -> frozenset[int]:
        """Return the meters with a counter that a meter rests on: itself, if it has one.

        Of a virtual meter that cannot be computed there are none.
        """
        left, found = [meter], set[int]()
        while left:
            one = left.pop()
            if one in self.terms:
                left.extend(self.terms[one])
            elif all(one != refused.id for refused in self.refused):
                found.add(one)
        return frozenset(found)

    def layers(self, meters: Iterable[int]) -> list[list[int]]:
        """Part virtual meters so that none rests on another of its own or a later layer.

        Args:
            meters: some of ``order``, in that order.
        """
        depth: dict[int, int] = {}
        layers: list[list[int]] = []
        for meter in meters:
            depth[meter] = 1 + max(
                (depth.get(other, -1) for other in self.terms[meter]), default=-1
            )
            if depth[meter] == len(layers):
                layers.append([])
            layers[depth[meter]].append(meter)
        return layers

    def contents(self) -> dict[int, dict[int, Fraction]]:
        """Return of each the exact factor of every meter it is made of, through others too.

        What is added here and taken off there counts net; none is 0.
        """
        found: dict[int, dict[int, Fraction]] = {}
        for meter in self.order:
            sums: dict[int, Fraction] = {}
            for other, factor in self.terms[meter].items():
                for source, part in ((other, Fraction(1)), *found.get(other, {}).items()):
                    sums[source] = sums.get(source, Fraction(0)) + Fraction(factor) * part
            found[meter] = {source: part for source, part in sums.items() if part}
        return found


def build(meters: Collection[Node]) -> Graph:
    """Read all formulas and order them.

    A meter is refused when its formula cannot be read, names an unknown code or one of another
    energy or unit, stands in a ring, or rests on a refused one. The others are not hindered.

    Args:
        meters: all virtual meters and at least all that they name; codes are unique.
    """
    by_code = {meter.code: meter for meter in meters}
    terms: dict[int, dict[int, Decimal]] = {}
    refused: dict[int, Refusal] = {}
    for meter in sorted(meters, key=lambda m: m.id):
        if meter.formula is None:
            continue
        try:
            terms[meter.id] = _terms(meter, meter.formula, by_code)
        except FormulaError as error:
            refused[meter.id] = Refusal(meter.id, meter.code, f"虚拟表 {meter.code}：{error}")
    codes = {meter.id: meter.code for meter in meters}
    order = _order(terms, codes, refused)
    kept = {meter: terms[meter] for meter in order}
    return Graph(kept, order, tuple(refused[meter] for meter in sorted(refused)))


def _terms(meter: Node, formula: str, by_code: Mapping[str, Node]) -> dict[int, Decimal]:
    terms = {}
    for code, factor in parse(formula).items():
        other = by_code.get(code)
        if other is None:
            raise FormulaError(f"没有编码为 {code} 的计量表：请更正编码或先登记该表")
        if (other.energy, other.unit) != (meter.energy, meter.unit):
            raise FormulaError(
                f"{code} 计的是{_counted(other)}，本表是{_counted(meter)}："
                "只能合并同一能源、同一单位的表"
            )
        terms[other.id] = factor
    return terms


def _counted(meter: Node) -> str:
    name = energy_names().get(meter.energy, meter.energy)
    return f"{name}（{unit_name(meter.unit)}）"


def _order(
    terms: Mapping[int, Mapping[int, Decimal]],
    codes: Mapping[int, str],
    refused: dict[int, Refusal],
) -> tuple[int, ...]:
    """Order what can be computed; add the rest to ``refused``."""
    order: list[int] = []
    waiting = dict.fromkeys(terms)
    ready = True
    while ready:
        ready = False
        for meter in list(waiting):
            if any(other in waiting or other in refused for other in terms[meter]):
                continue
            del waiting[meter]
            order.append(meter)
            ready = True
    _name_rings(terms, codes, waiting, refused)
    return tuple(order)


def _name_rings(
    terms: Mapping[int, Mapping[int, Decimal]],
    codes: Mapping[int, str],
    waiting: Collection[int],
    refused: dict[int, Refusal],
) -> None:
    broken = set(refused)
    for meter in waiting:
        ring = _ring(meter, terms, waiting)
        if ring:
            shown = " → ".join(codes[other] for other in [*ring, ring[0]])
            text = f"公式成环：{shown}；请改掉其中一个公式"
        else:
            source = next(o for o in terms[meter] if o in waiting or o in broken)
            text = f"它用到的 {codes[source]} 无法计算：请先更正该表的公式"
        refused[meter] = Refusal(meter, codes[meter], f"虚拟表 {codes[meter]}：{text}")


def _ring(
    start: int, terms: Mapping[int, Mapping[int, Decimal]], waiting: Collection[int]
) -> Sequence[int]:
    """Return a way from a meter back to itself; empty when there is none."""
    came: dict[int, int] = {}
    stack = [start]
    while stack:
        at = stack.pop()
        for other in terms[at]:
            if other == start:
                return _way(came, start, at)
            if other in waiting and other not in came:
                came[other] = at
                stack.append(other)
    return ()


def _way(came: Mapping[int, int], start: int, end: int) -> list[int]:
    way = [end]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]
