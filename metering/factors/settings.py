"""What can be set about factors and tariffs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class FactorSettings(BaseModel):
    """Where factors hold, and which files there are besides those that ship."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jurisdiction: str = Field(
        default="CN",
        min_length=1,
        description="Whose factors hold: the first two digits of the province's code, as 50; "
        "CN: the nation's.",
    )
    vehicle_fuel_in_area: bool = Field(
        default=True,
        description="Energy per m² counts what official vehicles burn; the marking sheet of model "
        "institutions leaves it out.",
    )
    power: str = Field(
        default="power_total",
        min_length=1,
        description="Name of the point of active power; the basic charge takes the demand from it.",
    )
    directory: Path | None = Field(
        default=None,
        description="Directory with factor sets (sets/) and tariffs (tariffs/) of one's own, "
        "besides those that ship.",
    )

    def own(self, kind: str) -> list[Path]:
        """Return the files of one's own.

        Args:
            kind: ``sets`` or ``tariffs``.

        Raises:
            NotADirectoryError: the directory that is set is none.
        """
        if self.directory is None:
            return []
        if not self.directory.is_dir():
            raise NotADirectoryError(
                f"factors.directory is {self.directory}: there is no such directory; "
                "make it, or leave the setting out"
            )
        return sorted((self.directory / kind).glob("*.yaml"))
