"""What rules ask for, of all versions that ever were: what they found is kept in step."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.catalogue import CODES, kind_of
from rules.kinds.model import Sort

_KINDS: Final[LiteralString] = """
SELECT DISTINCT meaning ->> 'kind', meaning ->> 'expression' FROM rule
"""


def inputs(conn: psycopg.Connection[Any], sort: Sort) -> frozenset[str]:
    """Return the layers that some rule about a sort of subjects cannot do without.

    Empty: no rule is about them. Kinds that only a newer program knows are passed over.
    """
    kinds = (kind_of(*row) for row in conn.execute(_KINDS) if row[0] in CODES)
    return frozenset(name for kind in kinds if kind.sort is sort for name in kind.inputs)
