"""Short ways to say a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.joining.verdict import Check, Doubt, Figure, Finding, Kind, Verdict, Why


@dataclass(frozen=True, slots=True)
class About:
    """What a comparison is about, and which span of time it looks at; see :class:`Verdict`."""

    kind: Kind
    number: int
    vehicle: str
    at_us: int
    check: Check
    from_us: int
    to_us: int

    def agrees(self, *figures: Figure) -> Verdict:
        """Say that both agree."""
        return self._verdict(Finding.AGREES, None, None, figures)

    def doubt(self, kind: Doubt, *figures: Figure) -> Verdict:
        """Say that they do not."""
        return self._verdict(Finding.DOUBT, kind, None, figures)

    def cannot_tell(self, why: Why, *figures: Figure) -> Verdict:
        """Say that it is not known."""
        return self._verdict(Finding.CANNOT_TELL, None, why, figures)

    def _verdict(
        self, finding: Finding, doubt: Doubt | None, why: Why | None, figures: tuple[Figure, ...]
    ) -> Verdict:
        return Verdict(
            *(self.kind, self.number, self.vehicle, self.at_us, self.check, finding, doubt, why),
            *(figures, self.from_us, self.to_us),
        )
