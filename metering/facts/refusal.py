"""What officers are told: near words, times, and that somebody else was quicker."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors

from registry.refusal import Fault, RefusedError, refuse


def nearest(word: str, options: Iterable[str]) -> str:
    """Return ``（是不是 …？）``, or nothing when no option is near."""
    near = difflib.get_close_matches(word, options, n=1)
    return f"（是不是 {near[0]}？）" if near else ""


def shown(moment: datetime | None, like: datetime | None = None) -> str:
    """Write a time to the minute; None is without bound.

    Args:
        moment: in its own zone: what the database says comes in that of the session.
        like: a time in whose zone it is written instead.
    """
    if moment is None:
        return "不限"
    local = moment.astimezone(like.tzinfo) if like else moment
    return f"{local:%Y-%m-%d %H:%M}" + (f":{local:%S}" if local.second else "")


def refuse_other(where: str, was: str, stated: str) -> None:
    """Refuse to correct what is somebody else's: a slip in its number would withdraw it unseen.

    Args:
        where: what is to be corrected.
        was: code of whose it is.
        stated: code of whose it should be.

    Raises:
        RefusedError: they differ.
    """
    if was != stated:
        words = f"它是 {was} 的，不是 {stated} 的；请核对编号，登记错了对象的请先撤销，再另行登记"
        refuse(where, words)


@contextmanager
def writing(conn: psycopg.Connection[Any], where: str) -> Iterator[None]:
    """Write in one transaction; what someone else entered meanwhile makes a clean refusal.

    Raises:
        RefusedError: another session was first.
    """
    try:
        with conn.transaction():
            yield
    except (errors.ExclusionViolation, errors.UniqueViolation, errors.DeadlockDetected) as error:
        what = "与他人刚刚录入的内容冲突，本次没有改动任何数据；请重新查看后再录入"
        raise RefusedError(Fault(where, what)) from error
