from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.factors.basic import Basic, Basis, Below, Load, Over, charges
from metering.factors.files import Confidence, Provenance
from metering.factors.rounding import total

D = Decimal
RULE = Over(D("1.05"), D(2), Below.CONTRACT, Provenance("a test", Confidence.HIGH))
AS_LIMIT = Over(D("1.05"), D(2), Below.LIMIT, RULE.provenance)
BASIC = Basic(D(28), D(42), RULE)


def load(kilowatts: str | None, missing: int = 0) -> Load:
    return Load(None if kilowatts is None else D(kilowatts), missing)


def yuan(basic: Basic, basis: Basis, size: str | None, of: Load) -> Decimal | None:
    parts = [one.yuan for one in charges(basic, basis, None if size is None else D(size), of)]
    known = [part for part in parts if part is not None]
    return total(known) if len(known) == len(parts) else None


def test_by_capacity_demand_does_not_matter() -> None:
    assert yuan(BASIC, Basis.CAPACITY, "315", load(None, 2976)) == 315 * 28


@pytest.mark.parametrize(
    ("kilowatts", "expected"),
    [("0", "21000"), ("500", "21000"), ("525", "21000"), ("525.001", "21000.084")],
)
def test_up_to_the_limit_the_contract_is_charged(kilowatts: str, expected: str) -> None:
    assert yuan(BASIC, Basis.CONTRACT, "500", load(kilowatts)) == D(expected)
    by_limit = yuan(Basic(None, D(42), AS_LIMIT), Basis.CONTRACT, "500", load(kilowatts))
    assert by_limit == (21_000 if D(kilowatts) <= 525 else 525 * 42 + D("0.084"))


def test_what_is_over_the_limit_is_charged_double() -> None:
    found = charges(BASIC, Basis.CONTRACT, D(500), load("600"))
    assert [(one.label, one.quantity, one.price, one.yuan) for one in found] == [
        ("合同最大需量", D(500), D(42), D(21_000)),
        ("超过合同 105% 部分", D(75), D(84), D(6_300)),
    ]
    other = Basic(None, D(42), AS_LIMIT)
    assert yuan(other, Basis.CONTRACT, "500", load("600")) == 525 * 42 + 75 * 84


def test_by_measured_demand_every_kilowatt_counts() -> None:
    assert yuan(BASIC, Basis.MEASURED, None, load("312.5")) == D("13125")


@pytest.mark.parametrize(("basis", "size"), [(Basis.MEASURED, None), (Basis.CONTRACT, D(500))])
def test_a_gap_makes_the_charge_unknown_and_says_what_is_known(
    basis: Basis, size: Decimal | None
) -> None:
    (one,) = charges(BASIC, basis, size, load("312.5", 3))
    assert one.yuan is None
    assert not load("312.5", 3).said  # the greatest may be another
    assert one.why == "3 个刻钟的需量未知，已知部分最大 312.5 kW"
    (nothing,) = charges(BASIC, basis, size, load(None, 2976))
    assert (nothing.yuan, nothing.why) == (None, "2976 个刻钟的需量未知")


def test_a_basis_without_a_price_is_unknown() -> None:
    (one,) = charges(Basic(None, D(42), RULE), Basis.CAPACITY, D(315), load("1"))
    assert (one.yuan, one.why) == (None, "电价文件没有变压器容量的基本电价")


@pytest.mark.parametrize(("basis", "size"), [(Basis.MEASURED, D(1)), (Basis.CONTRACT, None)])
def test_a_size_belongs_to_capacity_and_contract(basis: Basis, size: Decimal | None) -> None:
    with pytest.raises(ValueError, match="capacity and contract have one, measured none"):
        charges(BASIC, basis, size, load("1"))


@given(st.integers(1, 10**9), st.integers(0, 10**10), st.integers(0, 10**6))
def test_more_demand_never_costs_less_and_never_less_than_the_contract(
    contract_w: int, demand_w: int, more_w: int
) -> None:
    contract = str(D(contract_w) / 1000)
    for basic in (BASIC, Basic(None, D(42), AS_LIMIT)):
        less = yuan(basic, Basis.CONTRACT, contract, load(str(D(demand_w) / 1000)))
        more = yuan(basic, Basis.CONTRACT, contract, load(str(D(demand_w + more_w) / 1000)))
        assert less is not None
        assert more is not None
        assert D(contract) * 42 <= less <= more
