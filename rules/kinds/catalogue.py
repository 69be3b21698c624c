"""All kinds by their codes."""

from __future__ import annotations

from typing import Final

from rules.kinds import aircon, data, inspection, lighting

KINDS: Final = {
    kind.code: kind for kind in (*aircon.KINDS, *lighting.KINDS, *data.KINDS, *inspection.KINDS)
}
