"""How a client registers: who it is, its session, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ixproxy.messages import Credentials, RequestRegisterClient
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME

FIRST_FRAME = 64 << 10
"""The longest frame that is sent before the server has said what it takes; any server takes it."""


class Listed(NamedTuple):
    """
    What a client has when it registers.

    :ivar holding: interaction id to take number.
    :ivar agent_sessions: the stamps of those that it is in; None: it is not known.
    :ivar snapshots: the ids of those that it has; None: likewise.
    """

    holding: Mapping[str, int]
    agent_sessions: list[tuple[int, int]] | None = None
    snapshots: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What stays the same over all connections of a client session.

    :ivar session: 16 random bytes; a secret.
    :ivar tenants: ids of the tenants it works for; empty: all of the server's.
    :ivar extension: goes with every registration, such as
        `event_properties_changed`.
    """

    name: str
    client_type: str
    session: bytes
    tenants: tuple[int, ...] = ()
    credentials: Credentials | None = None
    max_frame: int = DEFAULT_MAX_FRAME
    extension: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Identity({self.name!r}, {self.client_type!r})"

    def registration(self, incarnation: int, listed: Listed) -> RequestRegisterClient:
        """
        The request that registers one connection.

        :param incarnation: how often the session has connected, this time included.
        """
        return RequestRegisterClient(
            client_name=self.name,
            client_type=self.client_type,
            credentials=self.credentials,
            max_frame=self.max_frame,
            session=self.session,
            incarnation=incarnation,
            holding=dict(listed.holding),
            agent_sessions=listed.agent_sessions,
            snapshots=listed.snapshots,
            tenants=list(self.tenants),
            extension=dict(self.extension),
        )
