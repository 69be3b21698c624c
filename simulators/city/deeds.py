"""What people do on a day that is out of the ordinary: waste, and what only looks like it.

Each deed changes a day that is ordinary so far. Its sizes are those of the happening.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from simulators.city.happenings import Happening
from simulators.city.life import LIMIT_C, Day
from simulators.city.spans import Span, Spans, common, without
from simulators.city.weather import AUTO, COOL, DRY, FAN, HEAT

_MINUTE: Final = 60
_NOON: Final = 12 * 3_600
_EVENING_MOST_MIN: Final = 300
"""Somebody who works late without an order is there no longer than this."""
_DAY_TRIP_MIN: Final = 240
"""Who is away for longer is so all day."""

Deed = Callable[[Day, Happening], None]


def _set_beyond(day: Day, one: Happening) -> None:
    mode = COOL if one.name == "aircon.cooling" else HEAT
    day.lives([day.whole()])
    beyond = -one.extent if mode == COOL else one.extent
    day.runs(*day.within(one.minutes), (mode, LIMIT_C[mode] + beyond))


def _outside_hours(day: Day, one: Happening, use: Callable[[int, int], None]) -> None:
    """Left on behind closing time, with somebody there or not; or on a day off."""
    length = int(one.minutes * _MINUTE)
    if not day.works:
        begin = day.between(560, 660)
        day.course.people = [(begin, begin + 300)]
        use(begin, begin + length)
        return
    late = one.minutes <= _EVENING_MOST_MIN and day.rng.random() < 0.4
    leave = day.closes + length if late else day.between(1_050, 1_125)
    day.lives([(day.between(480, 525), leave)])
    use(leave - 600, day.closes + length)


def _aircon_outside_hours(day: Day, one: Happening) -> None:
    # Who stays late without an order works by lamplight: the lamps are a case of their own then.
    _outside_hours(day, one, lambda begin, end: day.runs(begin, end, day.setting()))


def _lighting_outside_hours(day: Day, one: Happening) -> None:
    _outside_hours(day, one, day.burns)
    runs = [run for run in day.course.run if run[0] < day.closes]
    day.course.run = [(begin, min(end, day.closes), how) for begin, end, how in runs]


def _away(day: Day, one: Happening) -> Span:
    """People are away for so long, within working hours."""
    begin, end = day.within(one.minutes)
    there = [day.whole()]
    if one.minutes > _DAY_TRIP_MIN:
        there = [(begin - 900, min(end + 1_200, day.closes))]
    day.lives(without(there, [(begin, end)]))
    return begin, end


def _aircon_nobody(day: Day, one: Happening) -> None:
    day.runs(*_away(day, one), day.setting())


def _lighting_nobody(day: Day, one: Happening) -> None:
    day.burns(*_away(day, one))


def _daylight(day: Day, one: Happening) -> None:
    """Lamps burn although it is bright; nothing happens on a day that is not."""
    day.lives([day.whole()])
    count = round(one.minutes / 15) + 1
    first, last = (moment // 900 + 1 for moment in day.whole())
    darkest = {at: day.light[at : at + count].min() for at in range(first, last - count)}
    starts = [at for at, light in darkest.items() if light >= one.extent]
    if starts:
        begin = int(day.rng.choice(starts)) * 900 + int(day.rng.uniform(0, 600))
        day.burns(begin, begin + int(one.minutes * _MINUTE))


def _never_off(day: Day, one: Happening) -> None:
    begin = day.between(510, 600)
    day.burns(begin, begin + int(one.minutes * _MINUTE))


def _overtime(day: Day, one: Happening) -> None:
    """An approved order, an evening or a day off, and work for as long as it says."""
    if day.works:
        begin, end = day.closes - 1_800, day.between(1_230, 1_380)
        day.lives([(day.between(480, 525), day.between(1_085, 1_110)), (begin, end - 300)])
    else:
        begin, end = 30_600, 63_000
        day.lives([(32_000, _NOON), (_NOON + 3_600, end - 600)])
    lit = common(day.course.people, [(begin, end)])
    for a, b in lit:
        day.burns(a, b)
    day.course.orders = [(begin, end)]
    day.mark(one.name, begin, end)


def _short_absence(day: Day, one: Happening) -> None:
    day.lives([day.whole()])
    for hour in (9, 11, 14, 16):
        begin = hour * 3_600 + day.between(0, 30)
        end = begin + day.between(8, 18)
        day.leave(begin, end)
        day.mark(one.name, begin, end)


def _sitting_still(day: Day, one: Happening) -> None:
    """People read: mostly for ten minutes, at times for half an hour, nothing moves."""
    day.lives([day.whole()])
    _still(day, *day.whole(), 10 * _MINUTE, 4)
    day.mark(one.name, *day.whole())


def _nap(day: Day, one: Happening) -> None:
    """A rest at the desk after lunch, lamps off, air conditioner on: sleepers turn now and then."""
    day.lives([day.whole()])
    begin = _NOON + day.between(20, 45)
    end = begin + day.between(40, 75)
    _still(day, begin, end, 20 * _MINUTE, 1)
    day.course.lamp = without(day.course.lamp, [(begin, end)])
    day.mark(one.name, begin, end)


def _still(day: Day, begin: int, end: int, usual_s: int, moving_min: int) -> None:
    """Nothing moves, time and again, with some movement in between."""
    at = begin
    while at < end:
        length = int(usual_s * day.rng.lognormal(0.0, 0.45))
        day.course.still.append((at, min(at + length, end)))
        at += length + day.between(0.5, moving_min)


def _cleaners(day: Day, one: Happening) -> None:
    begin = day.closes + day.between(10, 70)
    end = begin + day.between(15, 45)
    day.course.visits = [(begin, end)]
    day.course.people = [*day.course.people, (begin, end)]
    day.burns(begin, end)
    day.mark(one.name, begin, end)


def _at_tolerance(day: Day, one: Happening) -> None:
    day.lives([day.whole()])
    limit = LIMIT_C[day.season] + (-0.5 if day.season == COOL else 0.5)
    day.runs(*day.whole(), (day.season, limit))
    day.mark(one.name, *day.whole())


def _other_mode(day: Day, one: Happening) -> None:
    day.lives([day.whole()])
    mode = int(day.rng.choice([AUTO, DRY, FAN]))
    day.runs(*day.whole(), (mode, float(day.rng.choice([18.0, 22.0, 30.0]))))
    day.mark(one.name, *day.whole())


def _flicker(day: Day, one: Happening) -> None:
    day.lives([day.whole()])
    wrong = LIMIT_C[day.season] + (-4.0 if day.season == COOL else 4.0)
    for hour in (9, 11, 14, 16):
        begin = hour * 3_600 + day.between(0, 30)
        end = begin + day.between(2, 8)
        day.runs(begin, end, (day.season, wrong))
        day.mark(one.name, begin, end)


def _idle_setting(day: Day, one: Happening) -> None:
    """It does not run all day; its remote control says what would be wrong."""
    day.course.run = []
    day.course.idle = [(day.opens, (COOL, 20.0))]
    day.mark(one.name, day.opens, day.closes)


DEEDS: Final[Mapping[str, Deed]] = {
    "aircon.cooling": _set_beyond,
    "aircon.heating": _set_beyond,
    "aircon.outside_hours": _aircon_outside_hours,
    "aircon.nobody": _aircon_nobody,
    "lighting.nobody": _lighting_nobody,
    "lighting.outside_hours": _lighting_outside_hours,
    "lighting.daylight": _daylight,
    "lighting.never_off": _never_off,
    "lighting.power_never_off": _never_off,
    "overtime": _overtime,
    "short_absence": _short_absence,
    "sitting_still": _sitting_still,
    "nap": _nap,
    "cleaners": _cleaners,
    "at_tolerance": _at_tolerance,
    "other_mode": _other_mode,
    "flicker": _flicker,
    "idle_setting": _idle_setting,
}


def _always(_: Day) -> Spans:
    return [(0, 86_400)]


def exempt(day: Day, tag: str) -> None:
    """A day of a room that has a tag: used as such rooms are."""
    if tag in {"ward", "duty-room", "command-room", "fire-control-room"}:
        day.lives(_always(day))
        day.course.lamp = [(23_400, 77_400)] if tag == "ward" else _always(day)
        # At night people sleep or watch screens: hardly anything moves.
        day.course.still = [(0, 21_600), (82_800, 86_400), (_NOON, _NOON + 5_400)]
        day.course.run = [(0, 86_400, _steady(day, tag))]
    elif tag in {"server-room", "archive", "laboratory"}:
        ordinary_use = [(32_400, 34_200), (54_000, 57_600)] if day.works else []
        day.lives(ordinary_use)
        day.course.run = [(0, 86_400, _steady(day, tag))]
    elif tag == "service-hall":
        day.lives([(30_600, 61_200)])
    elif tag == "canteen":
        day.lives([(20_700, 70_200)])
        day.course.lamp = [(20_700, 28_800), (59_400, 70_200)]
    elif tag == "corridor":
        day.course.people = _passing(day)
        day.course.lamp = [(day.opens, day.closes)] if day.works else []
    elif tag == "landscape-lighting":
        day.course.lamp = [(68_400, 79_200)]
    else:
        day.course.people = _passing(day)
        day.course.lamp = _always(day)
    day.mark(tag, 0, 86_400)


def _steady(day: Day, tag: str) -> tuple[int, float]:
    if tag in {"server-room", "archive"}:
        return COOL, 22.0
    if day.season not in LIMIT_C:
        return FAN, 22.0
    if tag in {"ward", "laboratory"}:
        return day.season, 23.0
    return day.season, LIMIT_C[day.season]


def _passing(day: Day) -> Spans:
    if not day.works:
        return []
    moments = np.sort(day.rng.uniform(day.opens + 600, day.closes - 600, 25)).astype(int)
    apart = np.r_[True, np.diff(moments) > 180]
    return [(int(at), int(at) + 90) for at in moments[apart]]
