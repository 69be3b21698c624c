from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from fleet.ledger.load import Order
from fleet.ledger.orders import ASKED, completeness, missing

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
WHOLE = Order("P1", date(2026, 1, 5), "张三", "送文件", "李四", "王五", AT, AT, 0, 425)
BARE = Order("P2", date(2026, 1, 5), "", "", "", "", None, None, None, None)


def test_a_reading_of_zero_is_stated() -> None:
    assert missing(WHOLE) == []
    assert completeness([WHOLE]).score == Decimal("1.000")
    assert str(completeness([WHOLE])) == "齐全"


def test_what_is_missing_is_named_and_the_score_is_a_sum_over_a_sum() -> None:
    found = completeness([WHOLE, BARE])
    assert missing(BARE) == list(ASKED)
    assert found.score == Decimal("0.500")
    assert str(found).startswith("缺事由 1、缺乘车人 1、缺审批人 1")


def test_without_orders_there_is_no_score() -> None:
    assert completeness([]).score is None
