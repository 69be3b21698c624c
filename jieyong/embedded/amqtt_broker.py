"""amqtt with two faults kept away from the demo; its range in pyproject.toml stays narrow for this.

Both concern a client that comes back under its name with its session, as a restarted collector
does; tests/integration/jieyong/test_broker.py holds them.
"""

from __future__ import annotations

import asyncio
from typing import Final

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker, Server
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

_TAKE_OVER_S: Final = 5.0
_LOOK_S: Final = 0.005


class Everybody(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not typed
    """Lets every client in; the broker listens on loopback only.

    amqtt's own plugin for this marks clients as anonymous, and amqtt keeps neither sessions nor
    messages for those.
    """

    async def authenticate(self, *, session: Session) -> bool:  # noqa: ARG002 - amqtt's signature
        """Say yes."""
        return True


class TakeOverBroker(Broker):  # type: ignore[misc]  # amqtt is not typed
    """Ends a client's old connection before it serves the new one.

    amqtt serves the new one at once; the old one's end then marks their common session as
    disconnected, and the client never gets another message.
    """

    async def _handle_client_session(  # noqa: PLR0913, PLR0917 - amqtt's signature
        self,
        reader: ReaderAdapter,
        writer: WriterAdapter,
        client_session: Session,
        handler: BrokerProtocolHandler,
        server: Server,
        listener_name: str,
    ) -> None:
        known, old = self._sessions.get(client_session.client_id or "", (None, None))
        if known is client_session and old is not None and known.transitions.is_connected():
            await old.handle_connection_closed()
            async with asyncio.timeout(_TAKE_OVER_S):
                while known.transitions.is_connected():  # noqa: ASYNC110 - it offers no event
                    await asyncio.sleep(_LOOK_S)
        await super()._handle_client_session(
            reader, writer, client_session, handler, server, listener_name
        )
