"""Which database the program uses."""

from __future__ import annotations

from jieyong.settings import Settings
from jieyong.settings_file import SettingsError


def database_url(settings: Settings) -> str:
    """Return the URL of the database.

    Raises:
        SettingsError: none is set.
    """
    if settings.database.url is None:
        advice = "set database.url in jieyong.toml or the variable DATABASE_URL"
        raise SettingsError([f"no database is set: {advice}; to try without one, run `make demo`"])
    return settings.database.url.get_secret_value()
