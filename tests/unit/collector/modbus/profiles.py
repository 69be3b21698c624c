"""Profiles and points made for tests, by hand and at random."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from collector.profile_model import Order, Point, Profile, Range, Table, Type

REGISTER_TYPES = [kind for kind in Type if kind is not Type.BIT]


def point(name: str, address: int, kind: Type = Type.U16, **more: object) -> Point:
    given: dict[str, object] = {
        "name": name,
        "label": name,
        "unit": "1",
        "class_": "gauge",
        "table": Table.HOLDING,
        "address": address,
        "type": kind,
    }
    return Point.model_validate(given | more)


def profile(*points: Point, **more: object) -> Profile:
    given: dict[str, object] = {
        "code": "test",
        "version": 1,
        "brand": "b",
        "model": "m",
        "measures": "electricity",
        "source": "a test",
        "points": points,
    }
    return Profile.model_validate(given | more)


@st.composite
def random_points(draw: st.DrawFn, most: int = 25, last: int = 200) -> tuple[Point, ...]:
    """Points that may overlap, of all tables, types and orders."""
    points: list[Point] = []
    for number in range(draw(st.integers(1, most))):
        table = draw(st.sampled_from(Table))
        address = draw(st.integers(0, last))
        more: dict[str, object] = {"table": table}
        if table.holds_bits:
            kind = Type.BIT
        else:
            kind = draw(st.sampled_from(Type))
            if kind is Type.BIT:
                more["bit"] = draw(st.integers(0, 15))
            one = kind.bits <= 16
            orders = [Order.ABCD, Order.BADC] if one else list(Order)
            more["order"] = draw(st.sampled_from(orders))
        if kind is not Type.BIT:
            scales = ["1", "0.1", "0.01", "0.001", "100", "0.02", "2.5", "1.7"]
            more["scale"] = Decimal(draw(st.sampled_from(scales)))
            sentinels = [0, (1 << (kind.bits - 1)) - 1, 1 << (kind.bits - 1), (1 << kind.bits) - 1]
            if not kind.is_float:
                more["sentinels"] = draw(st.sets(st.sampled_from(sentinels), max_size=2))
        points.append(point(f"p{number}", address, kind, **more))
    return tuple(points)


@st.composite
def random_profiles(draw: st.DrawFn) -> Profile:
    """Profiles that would load: limits, holes and forbidden ranges that meet no point."""
    points = draw(random_points())
    forbidden: list[Range] = []
    for _ in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, 200))
        last = first + draw(st.integers(0, 10))
        banned = Range(table=draw(st.sampled_from(Table)), first=first, last=last)
        if not any(banned.meets(p.table, p.address, p.end) for p in points):
            forbidden.append(banned)
    return profile(
        *points,
        max_registers=draw(st.integers(4, 125)),
        max_bits=draw(st.integers(1, 2000)),
        max_hole=draw(st.integers(0, 60)),
        forbidden=forbidden,
    )
