"""What the numbers of operating modes mean: each device profile says so by labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import psycopg
import yaml

from metering.counter.model import Int64s
from metering.gauge.hold import Float64s
from rules.kinds.aircon import MODES
from rules.kinds.model import Input

_BODIES: Final = "SELECT id, body FROM profile WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Modes:
    """Profile id → the number it uses → the number of :data:`rules.kinds.aircon.MODES`."""

    of_profile: dict[int, dict[int, int]] = field(default_factory=dict)

    def learn(self, conn: psycopg.Connection[Any], profiles: set[int]) -> None:
        """Look up profiles that are not known yet: a version of one never changes."""
        missing = sorted(profiles - self.of_profile.keys())
        if missing:
            for profile, body in conn.execute(_BODIES, [missing]):
                self.of_profile[profile] = _modes(body)

    def translated(self, profiles: Int64s, values: Float64s) -> Float64s:
        """Return values in our numbers; NaN: a mode that no label explains."""
        found = np.full(len(values), np.nan)
        for profile in np.unique(profiles).tolist():
            for theirs, ours in self.of_profile.get(profile, {}).items():
                found[(profiles == profile) & (values == theirs)] = ours
        return found


def _modes(body: str) -> dict[int, int]:
    for point in yaml.safe_load(body).get("points", []):
        if point.get("name") == Input.MODE:
            labels = point.get("states") or {}
            return {int(n): MODES[label] for n, label in labels.items() if label in MODES}
    return {}
