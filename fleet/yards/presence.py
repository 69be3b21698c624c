"""Was a vehicle in its yard when it had to be? Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.fence.passage import Passage
from fleet.yards.days import Window
from fleet.yards.spans import Span, joined, longest, within, without
from fleet.yards.verdicts import (
    Agrees,
    CannotTell,
    Doubt,
    DoubtKind,
    Evidence,
    Excuse,
    ExcuseKind,
    Verdict,
    Why,
)


def presence(  # noqa: PLR0913, PLR0917 - the window, what is known, and what is let pass
    window: Window,
    fences: Sequence[str],
    passages: Sequence[Passage],
    excuses: Sequence[Excuse],
    tolerance_us: int,
    now_us: int,
) -> Verdict:
    """Say whether a vehicle was in one of its yards in a window.

    Time outside is a doubt from ``tolerance_us`` in one piece on, without what is excused. Time of
    which nothing is known is neither inside nor outside.

    Args:
        window: when it had to be there.
        fences: codes of the places.
        passages: what its track says of each.
        excuses: by orders, a running trip, duty.
        tolerance_us: shorter times do not count.
        now_us: what lies ahead is not judged.
    """
    whole = [(window.from_us, min(window.to_us, now_us))]
    inside = within(joined(_touching(_stays(passages), whole[0])), whole)
    lost_of_any = _touching(_unknown(passages, whole[0]), whole[0])
    unknown = without(within(joined(lost_of_any), whole), inside)
    outside = without(without(whole, inside), unknown)
    met = [one for one in excuses if one.from_us < whole[0][1] and one.to_us > whole[0][0]]
    certain = joined(one.span for one in met if not one.open)
    maybe = joined(one.span for one in met if one.open)
    away = without(outside, certain)
    sure = without(away, maybe)
    lost = without(unknown, certain)
    slept = _touching([span for one in passages for span in one.asleep], whole[0])
    asleep = within(joined(slept), whole)
    evidence = Evidence(
        window,
        tuple(fences),
        away=tuple(away),
        unknown=tuple(lost),
        asleep=tuple(asleep),
        excuses=tuple(met),
    )
    # Of a window that is shorter, all of it.
    enough = min(tolerance_us, window.to_us - window.from_us)
    if longest(sure) >= enough:
        first = next(start for start, end in sure if end - start >= enough)
        late = not any(end <= first for _, end in inside)
        return Doubt(DoubtKind.NOT_IN_YARD if late else DoubtKind.LEFT_YARD, evidence)
    if longest(away) >= enough:
        return CannotTell(Why.ORDER_OPEN, evidence)
    if longest(lost) >= enough:
        nothing = not inside and not outside
        return CannotTell(Why.NO_POSITIONS if nothing else Why.SILENT, evidence)
    return Agrees(evidence)


def journey(trips: Sequence[Span], at_us: int) -> list[Excuse]:
    """Return the trip that runs at a time, from then on: nobody can be back while driving.

    Args:
        trips: (start, end) of the vehicle's trips.
        at_us: when it had to be back.
    """
    return [
        Excuse(ExcuseKind.JOURNEY, at_us, end, "") for start, end in trips if start < at_us < end
    ]


def _touching(spans: Sequence[Span], whole: Span) -> list[Span]:
    """Return those that touch a window: a passage may be of a month, and is asked by night."""
    return [one for one in spans if one[1] >= whole[0] and one[0] <= whole[1]]


def _stays(passages: Sequence[Passage]) -> list[Span]:
    return [(stay.from_us, stay.to_us) for one in passages for stay in one.stays]


def _unknown(passages: Sequence[Passage], whole: Span) -> list[Span]:
    """Everything of which one of them knows nothing: before, behind and within the track."""
    found = list[Span]()
    for one in passages:
        found += [*one.unknown, (whole[0], one.first_us), (one.last_us, whole[1])]
    return found if passages else [whole]
