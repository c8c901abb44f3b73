"""What the rules and the server of a node tell each other of calls to external servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ixproxy.messages import Request3rdServer
from ixproxy.messages.message import Message

if TYPE_CHECKING:
    from ixproxy.node.esp_lines import Address
    from ixproxy.node.work import Sender


class CallService(msgspec.Struct, frozen=True):
    """
    Call an external server; the request may be made.

    What comes of it comes back as `ServiceCalled` and `ServiceAnswered`.
    """

    token: Any
    sender: Sender
    message: Request3rdServer
    address: Address


class Called(msgspec.Struct, frozen=True):
    """
    One call as reporting has it.

    :ivar server: the external server that was asked, by its name.
    :ivar client_refid: the caller's own number of the call; 0: not known.
    :ivar server_refid: its number on the connection to the server.
    :ivar request_id: names it for ever.
    """

    sender: Sender
    message: Request3rdServer
    server: str
    client_refid: int
    server_refid: int
    request_id: str


class ServiceCalled(msgspec.Struct, frozen=True):
    """An external server was asked. It has no answer."""

    call: Called

    def __repr__(self) -> str:
        return f"ServiceCalled({self.call.server!r})"


class ServiceAnswered(msgspec.Struct, frozen=True):
    """
    An external server has answered, or will not.

    Its answer leaves even where the event about it cannot be stored.

    :ivar token: of the request.
    :ivar answer: Event3rdServerResponse, Event3rdServerFault or EventError.
    """

    token: Any
    call: Called
    answer: Message

    def __repr__(self) -> str:
        return f"ServiceAnswered({self.call.server!r}, {type(self.answer).__name__})"


class ServiceReader(NamedTuple):
    """
    A client session that hears of calls to external servers.

    :ivar servers: those that it named; empty: all.
    """

    tenants: frozenset[int]
    servers: frozenset[str]

    def hears(self, tenant_id: int, server: str) -> bool:
        """Whether a call is told to it."""
        return tenant_id in self.tenants and (not self.servers or server in self.servers)
