"""The routes as their file has them now: read again when it changes, kept when it breaks."""

from __future__ import annotations

from pathlib import Path

import structlog

from notify.model import Routes
from notify.reading import read_routes
from registry.document import InventoryError

log = structlog.get_logger()


class CurrentRoutes:
    """Follows a file of routes.

    Args:
        path: of the file.

    Raises:
        InventoryError: it cannot be used at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._routes = read_routes(path)

    @property
    def beside(self) -> Path:
        """The folder from which addresses are looked up."""
        return self._path.parent

    def get(self) -> Routes:
        """Return the routes; those of before when the file has become none."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._routes = read_routes(self._path)
                log.info("notify_routes_read", file=str(self._path))
            except InventoryError as error:
                advice = "what was read before goes on; correct the file"
                log.warning("notify_routes_refused", why=str(error), advice=advice)
        return self._routes

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
