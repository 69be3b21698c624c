"""Positions as our JSON, and the ways a terminal gets them wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from simulators import noise
from simulators.almanac import DAY_US
from simulators.models.vehicle import Fixes

TOPIC: Final = "jieyong/v1/{}/position"
UNKNOWN: Final = "unknown-"
"""Put before a terminal's code to get one the registry does not know."""


class MessageFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shares of messages (0..1) that go wrong, and tunnels.

    Attributes:
        duplicate: sent twice, the same bytes.
        disorder: sent after its successor.
        tunnel: share of windows of ``tunnel_s`` without reception; at their end everything kept
            is sent at once, in every second tunnel the newest first.
        tunnel_s: length of such a window in seconds.
    """

    malformed: float = 0.0
    zero_island: float = 0.0
    out_of_range: float = 0.0
    future: float = 0.0
    unknown_terminal: float = 0.0
    no_fix: float = 0.0
    duplicate: float = 0.0
    disorder: float = 0.0
    tunnel: float = 0.0
    tunnel_s: int = 120


_DRAWN: Final = (
    *("malformed", "zero_island", "out_of_range"),
    *("future", "unknown_terminal", "no_fix", "duplicate"),
)


@dataclass(frozen=True, slots=True)
class Fix:
    """One position; degrees, km/h, m, km."""

    t_us: int
    lat: float
    lon: float
    speed: float
    course: float
    altitude: float
    odometer: float
    satellites: int
    acc: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message ready to leave.

    Attributes:
        terminal: as in the topic.
        seq: the terminal's number.
        ts: payload time, µs since the Unix epoch.
        kind: key of ``truth.STORED_AS``.
        payload: bytes.
        copy: 0, or n for the n-th deliberate repetition.
    """

    terminal: str
    seq: int
    ts: int
    kind: str
    payload: bytes
    copy: int = 0


def fix_at(fixes: Fixes, n: int) -> Fix:
    """Return one entry of a table of fixes."""
    return Fix(
        t_us=int(fixes.t_us[n]),
        lat=float(fixes.lat[n]),
        lon=float(fixes.lon[n]),
        speed=float(fixes.speed[n]),
        course=float(fixes.course[n]),
        altitude=float(fixes.altitude[n]),
        odometer=float(fixes.odometer[n]),
        satellites=int(fixes.satellites[n]),
        acc=bool(fixes.acc[n]),
    )


@dataclass(frozen=True, slots=True)
class Mishaps:
    """Decides, by seed alone, what becomes of each message of one terminal."""

    faults: MessageFaults
    seed: int
    terminal: str

    def kind(self, seq: int) -> str:
        """Return a key of ``truth.STORED_AS``."""
        drawn = noise.chance(self.seed, self.terminal, seq)
        for kind in _DRAWN:
            share: float = getattr(self.faults, kind)
            if drawn < share:
                return kind
            drawn -= share
        return "ok"

    def overtaken(self, seq: int) -> bool:
        """Tell whether the next message overtakes this one."""
        return noise.chance(self.seed, self.terminal, seq, "order") < self.faults.disorder

    def tunnel_end(self, ts: int) -> int:
        """Return when the tunnel ends that a message of this time is sent from; 0 outside."""
        window = self.faults.tunnel_s * 1_000_000
        number = ts // window
        if noise.chance(self.seed, self.terminal, "tunnel", number) < self.faults.tunnel:
            return (number + 1) * window
        return 0

    def newest_first(self, tunnel_end: int) -> bool:
        """Tell whether what a tunnel kept leaves in reverse: after every second window."""
        return tunnel_end // (self.faults.tunnel_s * 1_000_000) % 2 == 1


def compose(terminal: str, seq: int, fix: Fix, kind: str) -> Message:
    """Write one position in the way its kind demands."""
    ts = fix.t_us + (2 * DAY_US if kind == "future" else 0)
    lat, lon = fix.lat, fix.lon
    if kind == "zero_island":
        lat = lon = 0.0
    elif kind == "out_of_range":
        lat += 90.0
    body = msgspec.json.encode(
        {
            "ts": rfc3339(ts),
            "lat": lat,
            "lon": lon,
            "speed": fix.speed,
            "course": fix.course,
            "altitude": fix.altitude,
            "odometer": fix.odometer,
            "satellites": 0 if kind == "no_fix" else fix.satellites,
            "acc": fix.acc,
            "fix": kind != "no_fix",
            "seq": seq,
        }
    )
    if kind == "malformed":
        body = body[: len(body) // 2]
    name = UNKNOWN + terminal if kind == "unknown_terminal" else terminal
    return Message(name, seq, ts, kind, body)


def rfc3339(t_us: int) -> str:
    """Return an instant with milliseconds, UTC."""
    second, rest = divmod(t_us, 1_000_000)
    day = datetime.fromtimestamp(second, UTC)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{rest // 1000:03d}Z"
