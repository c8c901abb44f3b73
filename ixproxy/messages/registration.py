"""Registration and the life of a connection."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ixproxy.messages.message import MAX_NAME, AgentSession, Count, Name, Request
from ixproxy.values import through

__all__ = ["Credentials", "RequestPing", "RequestRegisterClient", "RequestUnregisterClient"]


MAX_PATH = 16
"""Proxies behind one another."""
MAX_AGENT_SESSIONS = 1000
"""As many as the shortest first frame has room for."""
MAX_SNAPSHOTS = 1000
"""Of one client session."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Who a client claims to be; never printed."""

    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class RequestRegisterClient(Request, frozen=True, kw_only=True):
    """
    Opens every peer, and registers each client of a peer of type Proxy.

    :ivar versions: protocol versions the client speaks; the server picks one.
    :ivar features: optional features, such as a compression's name.
    :ivar max_frame: the longest frame it takes, in bytes after the length.
    :ivar path: names of the proxies between client and server, 16 at most,
        nearest to the client first.
    :ivar moves: for each of them, the number of the link by which it sends the
        client on, among all that it has made; of two registrations of one
        incarnation the one with the greater number, nearest to the client, is
        the newer.
    :ivar session: the client session, 16 random bytes; empty: none.
    :ivar incarnation: how often this session has connected, from 1.
    :ivar holding: interaction id to take number: what it still has.
    :ivar agent_sessions: the stamps of the agent sessions, 1000 at most, that it
        is in; any other that it is in ends for it. None: it does not say, and
        stays in all.
    :ivar snapshots: ids of the snapshots, 1000 at most, that it has; any other
        of its session is released. None: it does not say, and keeps all; of a
        client behind a proxy: it has none.
    :ivar tenants: ids of tenants, 1000 at most, that the client works for;
        empty: all of the server's.
    :ivar holding_continues: more registrations with the rest of `holding` follow.
    """

    client_name: str
    client_type: str
    proxy_client_id: Count = 0
    credentials: Credentials | None = None
    versions: tuple[Count, ...] = (1,)
    features: list[str] = []
    max_frame: Count = 1 << 20
    path: Annotated[list[Name], Meta(max_length=MAX_PATH)] = []
    moves: Annotated[list[Count], Meta(max_length=MAX_PATH)] = []
    session: bytes = b""
    incarnation: Count = 1
    holding: dict[Name, Count] = {}
    holding_continues: bool = False
    agent_sessions: Annotated[list[AgentSession], Meta(max_length=MAX_AGENT_SESSIONS)] | None = None
    snapshots: Annotated[list[Count], Meta(max_length=MAX_SNAPSHOTS)] | None = None
    tenants: Annotated[list[Count], Meta(max_length=1000)] = []

    @property
    def generation(self) -> tuple[int, ...]:
        """Which registration of its session it is: greater is newer."""
        return self.incarnation, *self.moves

    @property
    def who(self) -> str:
        """For the log: its name, and the proxies on its way."""
        return through(self.client_name[:MAX_NAME], self.path)

    def __repr__(self) -> str:
        return (
            f"RequestRegisterClient(client_name={self.client_name!r}, "
            f"client_type={self.client_type!r}, incarnation={self.incarnation}, "
            f"path={self.path!r}, holding={len(self.holding)} ids)"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # Pretty printers do not ask for __repr__, and the session is a secret too.
        names = ("client_name", "client_type", "incarnation", "path")
        return [(name, getattr(self, name)) for name in names]


class RequestUnregisterClient(Request, frozen=True, kw_only=True):
    """A goodbye: what the session holds goes back at once."""

    proxy_client_id: Count = 0


class RequestPing(Request, frozen=True, kw_only=True):
    """Asks one server for its statistics; a proxy refuses it."""
