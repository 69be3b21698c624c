"""What rules about vehicles believe: by the settings by which `jieyong fleet` looks."""

from __future__ import annotations

from jieyong.settings import Settings
from rules.subjects.model import Believed


def believed(settings: Settings) -> Believed:
    """Return what is believed of positions and papers."""
    return Believed(settings.joining.rules(), settings.trips.rules(), settings.fences)
