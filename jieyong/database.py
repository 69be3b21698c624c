"""Which database the program uses."""

from __future__ import annotations

from jieyong.settings import Settings
from jieyong.settings_file import SettingsError


def database_url(settings: Settings) -> str:
    """Return the conninfo of the database, its password included: not for logs.

    Raises:
        SettingsError: none is set, or its password file cannot be read.
    """
    try:
        conninfo = settings.database.conninfo()
    except OSError as error:
        raise SettingsError([f"database.password_file: {error}"]) from error
    if conninfo is None:
        advice = "set database.url in jieyong.toml or the variable DATABASE_URL"
        raise SettingsError([f"no database is set: {advice}; to try without one, run `make demo`"])
    return conninfo
