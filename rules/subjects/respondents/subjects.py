"""Institutions as those who are asked, as subjects of rules.

What is known goes on without an end, until something is asked or answered. Triggers make an
institution due with each doubt that is put to it and each deed
(``storage/migrations/0034_rules_clocks_answers.sql``); doubts of this sort are put to nobody there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from registry.tags import DatedTag, tags_at
from rules.kinds.model import RespondentLayer, Sort
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.subjects.respondents.read import named, turns
from rules.subjects.respondents.waiting import ANSWER_US, laid
from rules.timeline.overlay import Windows
from storage import arrays
from storage.due import Queue
from storage.times import DAY_US, us_of

QUEUE: Final = Queue(
    "rules", "subject", lock=0x6A69_7209, near_us=DAY_US, kind=Sort.RESPONDENT.value
)
_EXTENTS: Final[LiteralString] = """
SELECT asked, min(since), max(until)
FROM unnest(%s::int[]) AS asked
CROSS JOIN LATERAL (
    SELECT doubt.opened_at AS since, doubt.changed_at AS until
    FROM doubt_respondent AS mine JOIN doubt ON doubt.id = mine.doubt_id
    WHERE mine.institution_id = asked
    UNION ALL
    SELECT since, until FROM episode WHERE sort = 'respondent' AND subject_id = asked
) AS known
GROUP BY asked HAVING min(since) IS NOT NULL
"""
_EVER_ASKED: Final[LiteralString] = """
SELECT asked FROM unnest(%s::int[]) AS asked
WHERE EXISTS (SELECT FROM doubt_respondent WHERE institution_id = asked)
"""
_EVERYONE: Final[LiteralString] = "SELECT DISTINCT institution_id FROM doubt_respondent ORDER BY 1"
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'respondent', institution_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM doubt_respondent
"""
_NUMBERS: Final = 20
"""Doubts that evidence names by their numbers."""


@dataclass(frozen=True, slots=True)
class KnownRespondents:
    """Some institutions that were ever asked anything."""

    ids: frozenset[int]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same for all."""
        return dict.fromkeys(self.ids, frozenset(RespondentLayer))

    def reach_us(self) -> tuple[int, int]:
        """On as long as an answer counts; and without an end, for what waits goes on waiting."""
        return 0, ANSWER_US

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return how many doubts waited within windows."""
        looked = [
            row
            for row in zip(
                windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True
            )
            if row[0] in self.ids
        ]
        return laid(turns(conn, looked), looked)


def _look_up(
    conn: Conn, institutions: Sequence[int], _basis: Basis, _wanted: Collection[str]
) -> KnownRespondents:
    rows = conn.execute(_EVER_ASKED, [arrays.ids(institutions)])
    return KnownRespondents(frozenset(id_ for (id_,) in rows))


def _extents(conn: Conn, institutions: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(institutions)])
    return {id_: (us_of(since), us_of(until)) for id_, since, until in rows}


def _everyone(conn: Conn) -> list[int]:
    return [id_ for (id_,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, institutions: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    return tags_at(conn, "institution", institutions, since, until)


def _mark_all(conn: Conn, why: str) -> int:
    return conn.execute(_ALL, [why]).rowcount


def _compared(conn: Conn, _basis: Basis, id_: int, since: int, until: int) -> list[str]:
    """Tell which doubts waited when the time ended, and how many were explained meanwhile."""
    told = named(conn, (id_, since, until))
    numbers = "、".join(str(number) for number in told.waiting[:_NUMBERS])
    more = " 等" if len(told.waiting) > _NUMBERS else ""
    return [
        f"其间待说明 {len(told.waiting)} 项（编号 {numbers}{more}），收到说明 {told.explained} 项"
    ]


RESPONDENTS: Final = Subjects(
    sort=Sort.RESPONDENT,
    queue=QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=lambda _: 0,
    mark_all=_mark_all,
    consumer=None,
    open_ended=True,
    words={RespondentLayer.UNANSWERED.value: Word("待说明疑点 项（说明之时为 0）")},
    compared=_compared,
)
