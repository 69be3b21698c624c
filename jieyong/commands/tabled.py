"""Tables of texts, for commands that show lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.table import Column, Look, Row, Table

_NAMED: Final = ("kind", "类别")


def tabled(
    name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row], title: str = ""
) -> Table:
    """Return a table of texts; ``columns``: keys and headings."""
    return Table(
        name=name,
        title=title or name,
        particulars="",
        columns=tuple(Column(key, heading, Look.TEXT, 16) for key, heading in columns),
        rows=tuple(rows),
        named=_NAMED,
    )
