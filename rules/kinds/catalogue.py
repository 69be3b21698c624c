"""All kinds by their codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.kinds import aircon, data, inspection, lighting, vehicle_papers, vehicles
from rules.kinds.model import Kind

_MODULES: Final = (aircon, lighting, data, inspection, vehicle_papers, vehicles)
KINDS: Final[Mapping[str, Kind]] = {kind.code: kind for room in _MODULES for kind in room.KINDS}
