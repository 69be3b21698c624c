"""What a bench says: progress for people on stderr, one JSON object for machines on stdout."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_STARTED = time.monotonic()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one bench.

    Attributes:
        bench: its name.
        ours: the figure of our code, in ``unit``.
        limit: the figure of the least code that could do it, measured in the same run.
        unit: of both.
        fields: everything else worth knowing; README.md explains each.
    """

    bench: str
    ours: float
    limit: float
    unit: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def line(self, surroundings: Mapping[str, object]) -> str:
        """Return the last line of a bench: one JSON object.

        Args:
            surroundings: what is the same for every bench, put at the end.
        """
        ratio = self.ours / self.limit if self.limit else None
        head = {
            "bench": self.bench,
            "ours": rounded(self.ours),
            "limit": rounded(self.limit),
            "ratio": None if ratio is None else round(ratio, 3),
            "unit": self.unit,
        }
        return json.dumps({**head, **self.fields, **surroundings}, ensure_ascii=False)


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


def rounded(value: float) -> float:
    """Cut digits that carry nothing: four significant ones stay."""
    if not value or abs(value) >= 1000:
        return round(value)
    return float(f"{value:.4g}")


def median(values: Sequence[float]) -> float:
    """Return the median; of an even number the mean of the middle two."""
    return statistics.median(values)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` of all do not exceed.

    Args:
        ordered: ascending, not empty.
        share: 0..1.
    """
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
