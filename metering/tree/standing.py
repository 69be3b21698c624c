"""Where institutions stand: district, type and level, by local days.

They are entered and withdrawn, never edited: a correction withdraws one and enters another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from metering.tree.entering import days, id_of, scalar, shown_days
from registry import audit
from registry.refusal import RefusedError

_ENTER: Final[LiteralString] = """
INSERT INTO institution_place (institution_id, district, type, level, valid, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE institution_place SET withdrawn_by = %s, withdrawn_at = %s
WHERE id = %s AND withdrawn_at IS NULL RETURNING id
"""
_RIVAL: Final[LiteralString] = """
SELECT id, district, valid FROM institution_place
WHERE institution_id = %s AND withdrawn_at IS NULL AND valid && %s
ORDER BY lower(valid) NULLS FIRST LIMIT 1
"""
_ON: Final[LiteralString] = """
SELECT institution_id, code, district, type, level, lower(p.valid), upper(p.valid)
FROM institution_place p JOIN institution ON institution.id = institution_id
WHERE withdrawn_at IS NULL AND p.valid @> %s::date ORDER BY institution_id
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """District, type and level of an institution on some days.

    Attributes:
        institution: its code.
        district: code or name; never empty.
        type: code of the statistical system, for example ``01`` or ``021``.
        level: province, city, county, township, as the site calls them.
        since: first day; None: always.
        until: the day behind the last; None: for ever.
    """

    institution: str
    district: str
    type: str = ""
    level: str = ""
    since: date | None = None
    until: date | None = None


def enter_standing(conn: psycopg.Connection[Any], act: audit.Act, standing: Standing) -> int:
    """Enter where an institution stands.

    Returns:
        Its id, for :func:`withdraw_standing`.

    Raises:
        RefusedError: the code is unknown, the district is empty, there is no day in it, or
            something else is entered for one of its days.
    """
    if not standing.district.strip():
        raise RefusedError(f"机构 {standing.institution}：没有写区县，请补上")
    valid = days(standing.since, standing.until)
    with conn.transaction():
        conn.execute("LOCK TABLE institution_place IN SHARE ROW EXCLUSIVE MODE")
        institution = id_of(conn, "institution", standing.institution)
        rival = conn.execute(_RIVAL, [institution, valid]).fetchone()
        if rival is not None:
            id_, district, held = rival
            raise RefusedError(
                f"机构 {standing.institution}：{shown_days(held)} 已登记在{district}"
                f"（编号 {id_}）；请先撤销它，或改掉重叠的日期"
            )
        where = [standing.district, standing.type, standing.level, valid]
        entered: int = scalar(conn, _ENTER, [institution, *where, act.principal, act.at])
        detail = {"id": entered, "district": standing.district, "type": standing.type}
        detail |= {"level": standing.level, "days": str(valid)}
        audit.record(conn, act, "standing.enter", f"institution {standing.institution}", detail)
    return entered


def withdraw_standing(conn: psycopg.Connection[Any], act: audit.Act, standing_id: int) -> None:
    """Withdraw where an institution stands.

    Raises:
        RefusedError: there is none with this id, or it is withdrawn already.
    """
    with conn.transaction():
        if scalar(conn, _WITHDRAW, [act.principal, act.at, standing_id]) is None:
            raise RefusedError(f"没有编号为 {standing_id} 的有效登记：可能已经撤销")
        audit.record(conn, act, "standing.withdraw", f"standing {standing_id}")


def standings(conn: psycopg.Connection[Any], day: date) -> dict[int, Standing]:
    """Return where institutions stand on a day, by their ids.

    A month's figures belong, as a whole, to where the institution stands on its last day.
    """
    return {row[0]: Standing(*row[1:]) for row in conn.execute(_ON, [day])}
