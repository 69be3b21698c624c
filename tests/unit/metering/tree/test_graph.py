from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metering.tree.graph import Graph, Node, build


def node(id_: int, formula: str | None = None, energy: str = "electricity") -> Node:
    unit = "kWh" if energy == "electricity" else "m3"
    return Node(id_, f"M{id_}", energy, unit, formula)


def test_inputs_come_before_those_who_use_them() -> None:
    graph = build([node(1, "{M2} - {M3}"), node(2, "{M3} + {M4}"), node(3), node(4)])
    assert graph.order == (2, 1)
    assert graph.terms[1] == {2: Decimal(1), 3: Decimal(-1)}
    assert graph.layers(graph.order) == [[2], [1]]
    assert graph.refused == ()


def test_a_change_reaches_those_above_and_nobody_else() -> None:
    graph = build([node(1), node(2), node(3, "{M1}"), node(4, "{M2}"), node(5, "{M3}+{M3}")])
    assert graph.touched([1]) == (3, 5)
    assert graph.touched([2]) == (4,)
    assert graph.touched([4]) == (4,)
    assert graph.touched([9]) == ()


def test_contents_are_exact_and_net_through_all_that_lies_between() -> None:
    graph = build(
        [
            *(node(1), node(2), node(3)),
            node(4, "{M1} + {M2}"),
            node(5, "{M4} - {M1}"),
            node(6, "{M3} - ({M1} - {M2})"),
            node(7, "0.000001 * {M6} + 2 * {M4}"),
        ]
    )
    found = graph.contents()
    assert found[4] == {1: 1, 2: 1}
    assert found[5] == {4: 1, 2: 1}, "what is taken off again is not in it"
    assert found[6] == {3: 1, 1: -1, 2: 1}
    millionth = Fraction(1, 10**6)
    assert found[7] == {
        6: millionth,
        4: 2,
        3: millionth,
        1: 2 - millionth,
        2: 2 + millionth,
    }
    assert found.keys() == {4, 5, 6, 7}


def test_what_a_meter_rests_on_are_counters_in_the_end() -> None:
    graph = build(
        [node(1), node(2), node(3, "{M1} - {M2}"), node(4, "{M3} + {M2}"), node(5, "{M9}")]
    )
    assert graph.physical(4) == {1, 2}
    assert graph.physical(1) == {1}
    assert graph.physical(5) == set(), "it cannot be computed"


def refusals(*nodes: Node) -> dict[str, str]:
    return {refusal.code: refusal.text for refusal in build(nodes).refused}


def test_a_ring_is_named_and_what_rests_on_it_is_refused_with_it() -> None:
    found = refusals(
        node(1, "{M2}"), node(2, "{M3} + {M5}"), node(3, "{M1}"), node(4, "{M1}"), node(5)
    )
    assert found["M1"] == "虚拟表 M1：公式成环：M1 → M2 → M3 → M1；请改掉其中一个公式"
    assert found["M2"] == "虚拟表 M2：公式成环：M2 → M3 → M1 → M2；请改掉其中一个公式"
    assert found["M4"] == "虚拟表 M4：它用到的 M1 无法计算：请先更正该表的公式"
    assert found.keys() == {"M1", "M2", "M3", "M4"}


def test_a_meter_over_itself_is_a_ring() -> None:
    assert "公式成环：M1 → M1；" in refusals(node(1, "{M1}"))["M1"]


def test_unknown_codes_and_other_energies_are_refused_and_hinder_nobody() -> None:
    water = node(7, energy="water")
    nodes = [node(1, "{X9}"), node(2, "{M7} + {M5}"), node(3, "{M5}"), node(5), water]
    found = refusals(*nodes)
    assert found == {
        "M1": "虚拟表 M1：没有编码为 X9 的计量表：请更正编码或先登记该表",
        "M2": "虚拟表 M2：M7 计的是水（m³），本表是电（kWh）：只能合并同一能源、同一单位的表",
    }
    assert build(nodes).order == (3,)


def test_what_cannot_be_read_is_refused_with_the_reason() -> None:
    assert refusals(node(1, "{M2} *"), node(2))["M1"].startswith("虚拟表 M1：第 7 个字符：")


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14)


@given(EDGES)
def test_whoever_does_not_reach_a_ring_is_computed_behind_its_inputs(
    edges: list[tuple[int, int]],
) -> None:
    graph = build(list(_nodes(edges)))
    reached = {v: _reached(v, edges) for v in range(8)}
    on_ring = {v for v in range(8) if v in reached[v]}
    refused = {v for v in range(8) if v in on_ring or reached[v] & on_ring}

    assert {refusal.id for refusal in graph.refused} == refused
    assert {r.id for r in graph.refused if "公式成环" in r.text} == on_ring
    _check_order(graph)


def _check_order(graph: Graph) -> None:
    place = {meter: at for at, meter in enumerate(graph.order)}
    layer = {m: at for at, layer in enumerate(graph.layers(graph.order)) for m in layer}
    for meter, terms in graph.terms.items():
        for other in terms.keys() & place.keys():
            assert place[other] < place[meter]
            assert layer[other] < layer[meter]


def _nodes(edges: list[tuple[int, int]]) -> Iterator[Node]:
    for id_ in range(8):
        inputs = sorted({other for meter, other in edges if meter == id_})
        yield node(id_, " + ".join(f"{{M{other}}}" for other in inputs) or None)


def _reached(start: int, edges: list[tuple[int, int]]) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        at = waiting.pop()
        for meter, other in edges:
            if meter == at and other not in found:
                found.add(other)
                waiting.append(other)
    return found
