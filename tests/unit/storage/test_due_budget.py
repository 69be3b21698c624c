from __future__ import annotations

from storage.due import Claim, Span
from storage.due_budget import within
from storage.times import DAY_US


def claimed(days: int, subject: int = 1) -> Claim:
    return Claim(subject, (Span(0, days * DAY_US),), (subject,))


def test_a_batch_ends_where_its_budget_does() -> None:
    claims = [claimed(9, subject) for subject in range(5)]

    assert within(claims, 25 * DAY_US) == claims[:2]
    assert within(claims, 20 * DAY_US) == claims[:2], "each of nine days, and a day around them"


def test_the_first_claim_is_computed_however_large_it_is() -> None:
    claims = [claimed(1_000_000), claimed(1, 2)]

    assert within(claims, DAY_US) == claims[:1]


def test_small_claims_behind_a_large_one_are_left_for_others() -> None:
    claims = [claimed(1), claimed(9_000, 2), claimed(1, 3)]

    assert within(claims, 100 * DAY_US) == claims[:1]
