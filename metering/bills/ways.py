"""In words: who reports for whom, for the ledger and the list of bills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.reported import Part, Reported
from metering.bills.routes import Routes, routes
from metering.bills.share import days_of
from metering.tree.holders import OUTSIDE, Holder
from metering.tree.listing import listed_relations
from metering.tree.relations import Kind, Relation

EXCLUDED: Final = "不计入"


@dataclass(frozen=True, slots=True)
class Ways:
    """Who reports for whom.

    Attributes:
        relations: of institutions, by code, in the order of their days.
        routes: of accounts that go with their meters.
        names: code → name of the institution.
    """

    relations: Mapping[str, Sequence[Relation]]
    routes: Routes
    names: Mapping[str, str]

    def said(self, institution: str, accounts: Sequence[str], first: date, end: date) -> str:
        """Say for whom an institution's energy counts on some days; empty: for itself.

        Args:
            institution: its code.
            accounts: codes of the accounts it is about.
            first: first day.
            end: the day after the last.
        """
        relations = [
            self._relation(one, first, end)
            for one in self.relations.get(institution, ())
            if (one.since is None or one.since < end) and (one.until is None or one.until > first)
        ]
        said = [*filter(None, relations), *self._accounts(accounts, first, end)]
        several = [
            code
            for code in accounts
            if any(self.routes.several(institution, code, day) for day in days_of(first, end))
        ]
        if several:
            said.append(f"户号 {'、'.join(several)} 的计量表分属几家，有计量的月份按计量分开")
        return "；".join(said)

    def _relation(self, one: Relation, first: date, end: date) -> str:
        to = "、".join(self._name(code) for code in one.shares)
        whole = sum(one.shares.values())
        parts = "、".join(f"{self._name(code)} {n}/{whole}" for code, n in one.shares.items())
        text = {
            Kind.OWN: "",
            Kind.ON_BEHALF: f"由{to}代报",
            Kind.MERGED: f"并入{to}（合署）",
            Kind.SHARED: f"分摊：{parts}",
            Kind.EXCLUDED: EXCLUDED,
        }[one.kind]
        since = f"{one.since} 起" if one.since is not None and one.since > first else ""
        until = f"{one.until} 止（不含）" if one.until is not None and one.until < end else ""
        days = "，".join(filter(None, [since, until]))
        return f"{text}（{days}）" if text and days else text

    def _accounts(self, accounts: Sequence[str], first: date, end: date) -> list[str]:
        found: dict[Holder, list[str]] = defaultdict(list)
        for account in accounts:
            if account in self.routes.accounts:
                ways = dict.fromkeys(
                    self.routes.of_meters(account, day) for day in days_of(first, end)
                )
                for way in ways:
                    if way is not None:
                        found[way].append(account)
        return [
            f"户号 {'、'.join(several)} 随计量表{self._way(way)}" for way, several in found.items()
        ]

    def _way(self, holder: Holder) -> str:
        if all(target == OUTSIDE for target, _ in holder):
            return EXCLUDED
        return "计入" + "、".join(
            self._name(self.routes.codes[target]) + ("" if share == 1 else f" {share}")
            for target, share in holder
            if target > 0
        )

    def contained(self, one: Reported) -> str:
        """Say whose energy a reported figure contains, besides its own."""
        found: dict[str, list[Part]] = defaultdict(list)
        for part in one.parts:
            own = part.institution == one.institution and part.share == 1
            if not own and not part.passed_on and not part.generated:
                found[part.institution].append(part)
        contained = [
            self._name(code) + _shares(parts, own=code == one.institution)
            for code, parts in found.items()
        ]
        added = one.accounts and any(part.generated for part in one.parts)
        off = any(part.passed_on for part in one.parts)
        beside = [*(["已加自发（计量）"] if added else []), *(["已扣转供（计量）"] if off else [])]
        return "、".join([*contained, *beside])

    def _name(self, code: str) -> str:
        return self.names.get(code) or code


def undivided_text(accounts: Sequence[str]) -> str:
    """Ask about accounts whose meters go several ways, and do not know enough to divide a bill."""
    return (
        f"户号 {'、'.join(accounts)} 的计量表分属几家，计量不全，账单没有分开，全数随户号所属机构。"
        f"请补录读数（jieyong meter read），或给其中每块表登记同一分摊："
        "jieyong total relation enter meter 表编码 shared"
        " --institution 甲=3 --institution 乙=2 --since 日期；"
        f"有哪些表：jieyong bill meters {accounts[0]}；"
        "这些表已有的关系先看 jieyong total relation list，"
        "再撤销：jieyong total relation withdraw 编号"
    )


def _shares(parts: Sequence[Part], *, own: bool) -> str:
    shares = "、".join(dict.fromkeys(str(part.share) for part in parts if part.share != 1))
    unknown = "未知" if any(part.amounts.micro is None for part in parts) else ""
    said = "，".join(filter(None, ["自留" if own else "", shares, unknown]))
    return f"（{said}）" if said else ""


def ways(conn: psycopg.Connection[Any], zone: str, names: Mapping[str, str]) -> Ways:
    """Read who reports for whom.

    Args:
        conn: in any state.
        zone: in whose days meters hang where they do.
        names: code → name of the institution.
    """
    relations: dict[str, list[Relation]] = defaultdict(list)
    for _, one in listed_relations(conn):
        if one.subject_kind == "institution":
            relations[one.subject].append(one)
    return Ways(relations, routes(conn, ZoneInfo(zone)), names)
