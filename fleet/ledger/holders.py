"""Who is meant by a code or a plate on a day: what stands, and what the file itself brings."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from registry.vehicles import plain

_CONSUMERS: Final[LiteralString] = """
    SELECT c.code, i.code FROM fuel_consumer c JOIN institution i ON i.id = c.institution_id
    WHERE c.withdrawn_at IS NULL
"""
_FACTS: Final[LiteralString] = """
    SELECT c.code, f.name, f.since, f.value
    FROM consumer_fact f JOIN fuel_consumer c ON c.id = f.consumer_id
    WHERE f.withdrawn_at IS NULL AND f.name = ANY(%s)
"""
_KEPT: Final = ("plate", "energy")


@dataclass(frozen=True, slots=True)
class Dated:
    """A fact: it holds from its day until the next one."""

    code: str
    name: str
    since: date
    value: str


class Holders:
    """Consumers by code, and by the plate they bear on a day."""

    def __init__(self, institutions: dict[str, str], facts: Iterable[Dated]) -> None:
        self.institutions = institutions
        self._facts: dict[tuple[str, str], list[tuple[date, str]]] = defaultdict(list)
        self._plates: dict[str, set[str]] = defaultdict(set)
        for fact in facts:
            self.add(fact)

    def add(self, fact: Dated) -> None:
        """Take a fact in."""
        if fact.name == "plate":
            self._plates[plain(fact.value)].add(fact.code)
        self._facts[fact.code, fact.name].append((fact.since, fact.value))
        self._facts[fact.code, fact.name].sort()

    def fact(self, code: str, name: str, day: date) -> str | None:
        """Return what a consumer's fact says on a day, or None."""
        dated = self._facts.get((code, name), [])
        before = bisect_right([since for since, _ in dated], day)
        return dated[before - 1][1] if before else None

    def find(self, word: str, day: date) -> list[str]:
        """Return the codes that a code or a plate means on a day: none, one, or several."""
        if word in self.institutions:
            return [word]
        wanted = plain(word)
        bearers = self._plates.get(wanted, ())
        return sorted(c for c in bearers if plain(self.fact(c, "plate", day) or "") == wanted)


def standing_holders(conn: psycopg.Connection[Any]) -> Holders:
    """Return what stands; ``conn`` in any state."""
    facts = (Dated(*row) for row in conn.execute(_FACTS, [list(_KEPT)]))
    institutions: dict[str, str] = dict(conn.execute(_CONSUMERS).fetchall())
    return Holders(institutions, facts)
