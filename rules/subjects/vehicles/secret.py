"""Days on which nothing may be compared of where vehicles were, so that each says the same alone.

Fleet compares nothing of a vehicle in a time in which it is sensitive for some days: neither of the
papers in it, nor of those shortly before, which are held against what came after them. Whoever
looks at a year must ask about the days apart that differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final, LiteralString
from zoneinfo import ZoneInfo

from fleet.joining.rules import Rules
from rules.subjects.model import Conn
from storage.times import at_us, midnight, us_of

Days = tuple[date, date]
"""The first and the last, local."""
_DAY: Final = timedelta(days=1)
_SENSITIVE: Final[LiteralString] = """
    SELECT code, greatest(since, %(first)s), least(until - 1, %(last)s) FROM sensitivity
    WHERE code = ANY(%(codes)s) AND since <= %(last)s AND until > %(first)s
"""


def apart(
    conn: Conn, codes: Collection[str], span: Days, zone: ZoneInfo, rules: Rules
) -> Mapping[Days, list[str]]:
    """Return in which days which vehicles are to be asked about together.

    Args:
        conn: any connection.
        codes: of vehicles of the ledger.
        span: all the days.
        zone: the site's.
        rules: what is believed.
    """
    values = {"codes": list(codes), "first": span[0], "last": _read_to(span[1], zone, rules)}
    secret: dict[str, list[Days]] = defaultdict(list)
    for code, first, last in conn.execute(_SENSITIVE, values):
        secret[code].append((first, last))
    found: dict[Days, list[str]] = defaultdict(list)
    for code in sorted(codes):
        its = secret.get(code)
        for part in [span] if its is None else alike(span, its, zone, rules):
            found[part].append(code)
    return found


def alike(span: Days, secret: Sequence[Days], zone: ZoneInfo, rules: Rules) -> Iterator[Days]:
    """Yield days in parts: of each day of one something is compared, or of none; pure.

    Args:
        span: all the days.
        secret: on which days the vehicle is sensitive.
        zone: the site's.
        rules: what is believed.
    """

    def withheld(day: date) -> bool:
        read_to = _read_to(day, zone, rules)
        return any(first <= read_to and day <= last for first, last in secret)

    days = [span[0] + n * _DAY for n in range((span[1] - span[0]).days + 1)]
    for _, part in groupby(days, withheld):
        its = list(part)
        yield its[0], its[-1]


def _read_to(day: date, zone: ZoneInfo, rules: Rules) -> date:
    """Return the last day that is read to compare the papers of one."""
    end = us_of(midnight(day + _DAY, zone)) + rules.ahead_us
    return at_us(end).astimezone(zone).date()
