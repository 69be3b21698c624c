"""Institutions as subjects of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from metering.factors.rounding import of_micro
from metering.plan import compare
from registry.tags import DatedTag, tags_at
from rules.kinds.missing import CADENCES, NOTHING
from rules.kinds.model import Sort
from rules.kinds.reported import ENERGIES
from rules.subjects.institutions import due, layers, periods
from rules.subjects.institutions.layers import Months, months_within
from rules.subjects.institutions.read import Stored
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import DAY_US, us_of

_CODES: Final[LiteralString] = """
SELECT id, code, ARRAY(
    SELECT DISTINCT energy FROM quota
    WHERE institution_id = institution.id AND withdrawn_at IS NULL
)
FROM institution WHERE id = ANY(%s::int[]) ORDER BY id
"""
# From the first to the last month of which anything is known of anybody: what counts for whom is
# found out by whoever computes.
_EXTENTS: Final[LiteralString] = """
WITH months AS (
    SELECT min(month) AS first, max(month) AS last FROM consumption_month
    UNION ALL
    SELECT min(lower(period)), max(upper(period)) FROM bill WHERE withdrawn_at IS NULL
    UNION ALL
    SELECT min(month), max(month) FROM earlier_month WHERE withdrawn_at IS NULL
), spoken_of AS (
    SELECT min(first) - interval '2 days' AS since, max(last) + interval '33 days' AS until
    FROM months HAVING min(first) IS NOT NULL
), known AS (
    SELECT id, since AT TIME ZONE 'UTC' AS since, until AT TIME ZONE 'UTC' AS until
    FROM unnest(%(ids)s::int[]) AS id CROSS JOIN spoken_of
    UNION ALL
    SELECT id, episode.since, episode.until
    FROM unnest(%(ids)s::int[]) AS id
    JOIN episode ON sort = 'institution' AND subject_id = id
)
SELECT id, min(since), max(until) FROM known GROUP BY id
"""
_EVERYONE: Final[LiteralString] = "SELECT id FROM institution ORDER BY id"
_REACH_US: Final = 3 * 366 * DAY_US
"""A month counts until its year is over, and is held against in the next; what was used in it is
missed of the next year, until the one behind that is over."""
_BACK_US: Final = 32 * DAY_US
"""Back it reaches to the begin of its month."""

WORDS: Final = {
    name: Word(label)
    for one in ENERGIES
    for name, label in (
        (one.used, f"本年累计用{one.name} {one.unit}"),
        (one.planned, f"同期计划用{one.name} {one.unit}"),
        (one.now, f"日均用{one.name} {one.unit}"),
        (one.then, f"按上年推算的日均用{one.name} {one.unit}"),
    )
} | {one.layer: Word(f"{one.name}数据未齐，距期末 天", {NOTHING: "齐全"}) for one in CADENCES}


@dataclass(frozen=True, slots=True)
class KnownInstitutions:
    """Some institutions, and which layers there can be of each."""

    basis: Basis
    codes: Mapping[int, str]
    having: Mapping[int, frozenset[str]]
    wanted: Collection[str]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return what each can be asked about."""
        return self.having

    def reach_us(self) -> tuple[int, int]:
        """A month counts until its year is over, and is held against in the next."""
        return _BACK_US, _REACH_US

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return months within windows, and what is missing of periods that are over."""
        rows = zip(
            windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True
        )
        extents = _extents(conn, self.codes)
        spans = [
            (id_, max(begin, extents[id_][0]), end)
            for id_, begin, end in rows
            if id_ in self.codes and id_ in extents
        ]
        source = Stored(conn, self.basis.zone)
        months = [
            _months(source, self.basis, id_, self.codes[id_], (begin, min(end, extents[id_][1])))
            for id_, begin, end in spans
            if begin < min(end, extents[id_][1])
        ]
        zone = self.basis.zone
        asked = [
            periods.asked(id_, self.codes[id_], begin, end, zone)
            for id_, begin, end in spans
            if begin < end
        ]
        known = layers.load(months, self.wanted)
        return {**known, **periods.load(conn, asked, self.wanted, zone)}


def _look_up(
    conn: Conn, institutions: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownInstitutions:
    codes, having = {}, {}
    for id_, code, quotas in conn.execute(_CODES, [arrays.ids(institutions)]):
        codes[id_] = code
        names = {name for one in ENERGIES for name in (one.now, one.then)}
        names |= {n for one in ENERGIES if one.code in quotas for n in (one.used, one.planned)}
        names |= periods.LAYERS
        having[id_] = frozenset(names & set(wanted))
    return KnownInstitutions(basis, codes, having, wanted)


def _months(source: Stored, basis: Basis, id_: int, code: str, span: tuple[int, int]) -> Months:
    window = months_within(*span, basis.zone)
    return Months(source, id_, code, window, basis.calendar, basis.zone)


def _extents(conn: Conn, institutions: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, {"ids": arrays.ids(institutions)})
    return {id_: (us_of(first), us_of(last)) for id_, first, last in rows}


def _everyone(conn: Conn) -> list[int]:
    return [id_ for (id_,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, institutions: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    return tags_at(conn, "institution", institutions, since, until)


def _compared(conn: Conn, basis: Basis, id_: int, since: int, until: int) -> list[str]:
    """Tell of each month which figures were held against which."""
    ((_, code, _),) = conn.execute(_CODES, [arrays.ids([id_])]).fetchall()
    months = _months(Stored(conn, basis.zone), basis, id_, code, (since, until))
    known = layers.usages([months], basis.inputs)
    asked = periods.asked(id_, code, since, until, basis.zone)
    told = list(periods.compared(conn, asked, basis.inputs, basis.zone))
    for energy in ENERGIES:
        usage = known.get((code, energy.code))
        if usage is None:
            continue
        told += [
            f"{month.first:%Y-%m} 用{energy.name}：本年累计 {of_micro(found.used or 0):.1f}"
            f" {energy.unit}，同期计划 {of_micro(found.planned or 0):.1f}（{limit.told}）"
            for month, limit, found in months.plans(energy, usage)
            if energy.used in basis.inputs
        ]
        told += [
            f"{month.first:%Y-%m} 用{energy.name}：{_days(one)}共"
            f" {of_micro(one.now or 0):.1f} {energy.unit}，上年 {of_micro(one.then or 0):.1f}"
            + (
                f"（按{energy.expected_by}的变化，今年可为上年的 {times:.2f} 倍）"
                if times > 1
                else ""
            )
            for month, one, times in months.years(energy, usage)
            if energy.now in basis.inputs
        ]
    return told


def _days(one: compare.Comparison) -> str:
    return "整月" if one.basis is compare.Basis.WHOLE else f"{one.days} 个可比日"


INSTITUTIONS: Final = Subjects(
    sort=Sort.INSTITUTION,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    words=WORDS,
    compared=_compared,
    slow=True,
)
