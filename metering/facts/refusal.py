"""Refusing what people enter: whole, naming every place that is wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Never

import psycopg
from psycopg import errors


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        where: cell, line, option or code, as whoever entered it sees it.
        what: what is wrong and what to do, in Chinese.
    """

    where: str
    what: str


class FactError(ValueError):
    """What was entered is refused; nothing was changed.

    Attributes:
        faults: everything that is wrong.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{f.where}：{f.what}" for f in self.faults))


def refuse(where: str, what: str) -> Never:
    """Refuse for one reason.

    Raises:
        FactError: always.
    """
    raise FactError([Fault(where, what)])


def raise_if_any(faults: Iterable[Fault]) -> None:
    """Refuse when there is a fault.

    Raises:
        FactError: there is one.
    """
    found = tuple(faults)
    if found:
        raise FactError(found)


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


@contextmanager
def writing(conn: psycopg.Connection[Any], where: str) -> Iterator[None]:
    """Write in one transaction; what someone else entered meanwhile makes a clean refusal.

    Raises:
        FactError: another session was first.
    """
    try:
        with conn.transaction():
            yield
    except (errors.ExclusionViolation, errors.UniqueViolation, errors.DeadlockDetected) as error:
        what = "与他人刚刚录入的内容冲突，本次没有改动任何数据；请重新查看后再录入"
        raise FactError([Fault(where, what)]) from error
