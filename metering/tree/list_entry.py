"""Enters lists of reporting relations and standings: whole or not at all, and once."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import psycopg

from metering.tree.entering import id_of
from metering.tree.list_file import Form, Line
from metering.tree.listing import listed_relations, listed_standings
from metering.tree.relations import SHOWN, Kind, Relation, enter_relation
from metering.tree.standing import Standing, enter_standing
from registry.audit import Act
from registry.refusal import Fault, RefusedError, raise_if_any

SUBJECTS: Final[Mapping[str, str]] = {
    "机构": "institution",
    "建筑": "building",
    "房间": "room",
    "计量表": "meter",
}
_KINDS: Final[Mapping[str, Kind]] = {shown: Kind(kind) for kind, shown in SHOWN.items()}
_SINCE, _UNTIL = "起始日期", "截止日期"
_DAYS: Final = {
    _SINCE: "含当日，如 2026-01-01；空着：自始有效",
    _UNTIL: "不含当日；空着：长期有效",
}
RELATIONS: Final = Form(
    sheet="上报关系",
    headings={
        "对象类别": "机构、建筑、房间或计量表",
        "对象编码": "其编码",
        "关系": "自报、代报、合署、分摊或不计入",
        "上报机构": "机构编码；分摊写 A=3；B=2，份额是整数；机构自报和不计入空着",
        **_DAYS,
        "备注": "依据或原因",
    },
    needed=("对象类别", "对象编码", "关系", "上报机构"),
    choices={"对象类别": tuple(SUBJECTS), "关系": tuple(_KINDS)},
)
STANDINGS: Final = Form(
    sheet="机构归属",
    headings={
        "机构编码": "其编码",
        "区县": "代码或名称",
        "机构类型": "统计制度的代码，如 01、021",
        "级别": "如 省级、市级、县级、乡级",
        **_DAYS,
    },
    needed=("机构编码", "区县"),
    choices={},
)
_SEPARATORS: Final = re.compile(r"[;；、,，\s]+")

_T = TypeVar("_T", Relation, Standing)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done.

    Attributes:
        added: so many rows were entered.
        unchanged: so many stood already, the same in everything.
    """

    added: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Way(Generic[_T]):
    """How one of the lists is entered.

    Attributes:
        read: a fact from a row; None when faults were added.
        codes: heading, kind and code of whatever a fact names.
        whose: heading below which stands whom a fact is about.
        listed: what stands already.
        key: what makes facts the same.
        enter: enters one.
    """

    read: Callable[[Line, list[Fault]], _T | None]
    codes: Callable[[_T], Iterable[tuple[str, str, str]]]
    whose: str
    listed: Callable[[psycopg.Connection[Any]], Sequence[tuple[object, _T]]]
    key: Callable[[_T], Hashable]
    enter: Callable[[psycopg.Connection[Any], Act, _T], int]


def enter_relations(conn: psycopg.Connection[Any], act: Act, lines: Sequence[Line]) -> Done:
    """Enter a list of reporting relations; what stands already stays.

    Args:
        conn: any.
        act: who and when.
        lines: of a list of the form :data:`RELATIONS`.

    Raises:
        RefusedError: something in it is wrong; nothing is entered, every cell is named.
    """
    return _enter(conn, act, lines, _RELATION)


def enter_standings(conn: psycopg.Connection[Any], act: Act, lines: Sequence[Line]) -> Done:
    """Enter a list of where institutions stand; what stands already stays.

    Args:
        conn: any.
        act: who and when.
        lines: of a list of the form :data:`STANDINGS`.

    Raises:
        RefusedError: something in it is wrong; nothing is entered, every cell is named.
    """
    return _enter(conn, act, lines, _STANDING)


def _enter(conn: psycopg.Connection[Any], act: Act, lines: Sequence[Line], way: _Way[_T]) -> Done:
    faults: list[Fault] = []
    seen: dict[Hashable, Line] = {}
    added = 0
    with conn.transaction():
        known = {way.key(fact) for _, fact in way.listed(conn)}
        for line in lines:
            fact = way.read(line, faults)
            if fact is None:
                continue
            other = seen.setdefault(way.key(fact), line)
            if other is not line:
                faults.append(_twice(line, other, way.whose))
            elif way.key(fact) not in known:
                added += 1
                faults += _faults_of(conn, act, (line, fact), way)
        raise_if_any(faults)
    return Done(added, len(lines) - added)


def _twice(line: Line, other: Line, whose: str) -> Fault:
    what = f"与 {other.cells[whose]} 一行完全相同；请删去一行"
    return Fault(line.cells[whose], what)


def _faults_of(
    conn: psycopg.Connection[Any], act: Act, row: tuple[Line, _T], way: _Way[_T]
) -> list[Fault]:
    """Enter a row; return why it cannot be."""
    line, fact = row
    faults = []
    for heading, kind, code in way.codes(fact):
        try:
            id_of(conn, kind, code)
        except RefusedError as error:
            faults.append(Fault(line.cells[heading], str(error)))
    if faults:
        return faults
    try:
        way.enter(conn, act, fact)
    except RefusedError as error:
        return [Fault(line.cells[way.whose], str(error))]
    return []


def _relation(line: Line, faults: list[Fault]) -> Relation | None:
    own: list[Fault] = []
    subject_kind = line.choice("对象类别", tuple(SUBJECTS), own)
    subject = _needed(line, "对象编码", own)
    shown = line.choice("关系", tuple(_KINDS), own)
    kind = _KINDS.get(shown or "", Kind.OWN)
    shares = _shares(line, kind, own) if shown else {}
    since, until = line.day(_SINCE, own), line.day(_UNTIL, own)
    faults += own
    if own or subject_kind is None:
        return None
    note = line.text("备注")
    return Relation(SUBJECTS[subject_kind], subject, kind, shares, since, until, note)


def _standing(line: Line, faults: list[Fault]) -> Standing | None:
    own: list[Fault] = []
    institution, district = _needed(line, "机构编码", own), _needed(line, "区县", own)
    since, until = line.day(_SINCE, own), line.day(_UNTIL, own)
    faults += own
    if own:
        return None
    return Standing(institution, district, line.text("机构类型"), line.text("级别"), since, until)


def _needed(line: Line, heading: str, faults: list[Fault]) -> str:
    text = line.text(heading)
    if not text:
        faults.append(Fault(line.cells[heading], f"缺少{heading}，请填写"))
    return text


def _shares(line: Line, kind: Kind, faults: list[Fault]) -> dict[str, int]:
    words = [word for word in _SEPARATORS.split(line.text("上报机构")) if word]
    shares: dict[str, int] = {}
    for word in words:
        code, parts = _halves(word) if kind is Kind.SHARED else (word, "1")
        what = ""
        if not parts:
            what = f"“{word}”没有写份额，请写成 编码=份额，如 A=3；B=2，份额是整数"
        elif code in shares:
            what = f"{code} 出现两次，请删去一个"
        if what:
            faults.append(Fault(line.cells["上报机构"], what))
        else:
            shares[code] = int(parts)
    return shares


def _halves(word: str) -> tuple[str, str]:
    code, _, parts = word.replace("＝", "=").rpartition("=")
    return code, parts if code and parts.isascii() and parts.isdecimal() else ""


def _relation_codes(one: Relation) -> Iterable[tuple[str, str, str]]:
    yield "对象编码", one.subject_kind, one.subject
    for code in one.shares:
        yield "上报机构", "institution", code


def _relation_key(one: Relation) -> Hashable:
    whose = (one.subject_kind, one.subject, one.kind, one.since, one.until, one.note)
    return (*whose, tuple(sorted(one.shares.items())))


_RELATION: Final = _Way(
    read=_relation,
    codes=_relation_codes,
    whose="对象编码",
    listed=listed_relations,
    key=_relation_key,
    enter=enter_relation,
)
_STANDING: Final = _Way(
    read=_standing,
    codes=lambda one: [("机构编码", "institution", one.institution)],
    whose="机构编码",
    listed=listed_standings,
    key=lambda one: one,
    enter=enter_standing,
)
