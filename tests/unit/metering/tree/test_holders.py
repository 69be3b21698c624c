from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metering.tree.holders import OUTSIDE, OUTSIDERS, Holder, Places, Reporters, Subject, sole
from metering.tree.timeline import EVER, NEVER, Span, Timeline, always

JULY = date(2026, 7, 1)
PLACES = Places(building={21: 11, 22: 11, 23: 12}, institution={11: 1, 12: 2})
HALVES: Holder = ((1, Fraction(1, 2)), (2, Fraction(1, 2)))


def reporters(relations: dict[Subject, Timeline[Holder]]) -> Reporters:
    return Reporters(relations, PLACES)


def test_without_relations_a_room_counts_for_the_institution_of_its_building() -> None:
    assert reporters({}).of_room(21) == always(sole(1))
    assert reporters({}).of_meter(5, always(23)) == always(sole(2))
    assert reporters({}).of_meter(5, ()) == ()


def test_the_most_particular_relation_decides() -> None:
    found = reporters(
        {
            ("building", 11): always(sole(4)),
            ("room", 21): always(OUTSIDERS),
            ("meter", 5): always(sole(6)),
        }
    )
    assert found.of_room(22) == always(sole(4))
    assert found.of_room(21) == always(OUTSIDERS)
    assert found.of_meter(5, always(21)) == always(sole(6))
    assert found.of_meter(7, always(21)) == always(OUTSIDERS)


def test_who_reports_on_behalf_may_itself_be_merged_from_a_day_on() -> None:
    found = reporters(
        {
            ("institution", 1): always(sole(2)),
            ("institution", 2): (Span(JULY, NEVER, sole(3)),),
        }
    )
    assert found.of_institution(1) == (Span(EVER, JULY, sole(2)), Span(JULY, NEVER, sole(3)))
    assert found.of_room(21) == found.of_institution(1)


def test_shares_of_shares_are_multiplied_and_what_is_excluded_stays_apart() -> None:
    found = reporters(
        {
            ("building", 11): always(HALVES),
            ("institution", 2): always(((2, Fraction(1, 3)), (3, Fraction(2, 3)))),
            ("institution", 1): always(OUTSIDERS),
        }
    )
    shares = ((OUTSIDE, Fraction(1, 2)), (2, Fraction(1, 6)), (3, Fraction(1, 3)))
    assert found.of_room(21) == always(shares)
    assert found.rings == set()


def test_institutions_that_report_for_each_other_count_for_themselves() -> None:
    found = reporters({("institution", n): always(sole(n % 3 + 1)) for n in (1, 2, 3)})
    for institution in (1, 2, 3):
        assert found.of_institution(institution) == always(sole(institution))
    assert found.rings == {1, 2, 3}


def test_a_ring_is_one_on_its_days_alone() -> None:
    found = reporters(
        {
            ("institution", 1): always(sole(2)),
            ("institution", 2): (Span(JULY, NEVER, sole(1)),),
            ("institution", 3): always(sole(1)),
        }
    )
    line = (Span(EVER, JULY, sole(2)), Span(JULY, NEVER, sole(1)))
    assert found.of_institution(1) == line
    assert found.of_institution(3) == line
    assert found.rings == {1, 2}
    apart: dict[Subject, Timeline[Holder]] = {
        ("institution", 1): (Span(EVER, JULY, sole(2)),),
        ("institution", 2): (Span(JULY, NEVER, sole(1)),),
    }
    other = reporters(apart)
    assert other.of_institution(1) == (Span(EVER, JULY, sole(2)), Span(JULY, NEVER, sole(1)))
    assert other.rings == set()


@given(st.dictionaries(st.integers(1, 5), st.lists(st.integers(1, 5), max_size=3), max_size=5))
def test_every_figure_is_given_away_whole(targets: dict[int, list[int]]) -> None:
    relations: dict[Subject, Timeline[Holder]] = {}
    for institution, holders in targets.items():
        each = Fraction(1, len(set(holders))) if holders else Fraction(1)
        shares = tuple((holder, each) for holder in sorted(set(holders)))
        relations["institution", institution] = always(shares or OUTSIDERS)
    found = reporters(relations)
    for institution in range(1, 6):
        (span,) = found.of_institution(institution)
        ids = [id_ for id_, _ in span.value]
        assert ids == sorted(set(ids))
        assert sum(share for _, share in span.value) == 1
