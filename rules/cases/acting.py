"""What people do with doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg

from registry.audit import Act, record
from registry.refusal import RefusedError
from rules.cases.life import Deed, State, after

_FIND: Final[LiteralString] = "SELECT state FROM doubt WHERE id = %s FOR UPDATE"
_STATE: Final[LiteralString] = "UPDATE doubt SET state = %s, changed_at = %s WHERE id = %s"
_DEED: Final[LiteralString] = """
INSERT INTO doubt_deed (doubt_id, at, principal, step, words, verdict, cause, measure)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


def do_all(conn: psycopg.Connection[Any], act: Act, doubts: Sequence[int], deed: Deed) -> State:
    """Do the same with several doubts: with all of them, or with none.

    Args:
        conn: a connection.
        act: who and when.
        doubts: their numbers, at least one.
        deed: what is done and said.

    Returns:
        Where they stand now.

    Raises:
        RefusedError: as :func:`do`; it names the doubt.
    """
    with conn.transaction():
        # In one order: two who do this never wait for each other.
        for doubt in sorted(set(doubts)):
            try:
                state = do(conn, act, doubt, deed)
            except RefusedError as error:
                raise RefusedError(f"疑点 {doubt}：{error}") from error
    return state


def do(conn: psycopg.Connection[Any], act: Act, doubt: int, deed: Deed) -> State:
    """Do something with a doubt; it goes into its history and into the audit log.

    Args:
        conn: a connection.
        act: who and when.
        doubt: its number.
        deed: what is done and said.

    Returns:
        Where it stands now.

    Raises:
        RefusedError: there is no such doubt, the step does not follow, or something is not said.
    """
    with conn.transaction():
        row = conn.execute(_FIND, [doubt]).fetchone()
        if row is None:
            raise RefusedError(f"没有编号为 {doubt} 的疑点；jieyong doubt list 列出全部。")
        state = after(State(row[0]), deed)
        conn.execute(_STATE, [state.value, act.at, doubt])
        told = deed.conclusion
        said = (None, None, None) if told is None else (told.verdict, told.cause, told.measure)
        step, words = deed.step.value, deed.words.strip()
        conn.execute(_DEED, [doubt, act.at, act.principal, step, words, *said])
        record(conn, act, f"doubt.{step}", str(doubt), {"from": row[0], "to": state.value})
    return state
