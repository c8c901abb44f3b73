"""What a registration must say, whichever server it is sent to."""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestRegisterClient
from ixproxy.messages.message import MAX_NAME
from ixproxy.values import ClientType
from ixproxy.wire.prefix import VERSION

OBSERVER = "observer"
"""The extension of a registration that wants nothing but to ask how the server is."""

SESSION_LENGTH = 16
"""Bytes of a client session's name."""


def observes(message: RequestRegisterClient, *, behind_proxy: bool) -> bool:
    """
    Whether a client is to be known to this server alone, as one that only asks how it is.

    It is answered whatever the nodes, or the writer, do; it has no session.

    :param behind_proxy: it comes from a peer of type Proxy, and is then like any other.
    """
    wanted = message.extension.get(OBSERVER) not in (None, 0, "0", "")
    return wanted and not behind_proxy and message.client_type != ClientType.PROXY


def client_type_of(
    message: RequestRegisterClient, *, behind_proxy: bool, shortest_frame: int
) -> ClientType:
    """
    The type of a client whose registration says all that it must.

    :param behind_proxy: it comes from a peer of type Proxy, which has said for
        all its clients how long a frame may be.
    :param shortest_frame: the least max-frame that a peer may announce, in bytes.
    :raise RequestRefused: names the attribute that is wrong.
    """
    try:
        client_type = ClientType(message.client_type)
    except ValueError:
        known = ", ".join(ClientType)
        raise RequestRefused(
            Code.INVALID_CLIENT, f"ClientType {message.client_type!r} is none of {known}"
        ) from None
    if behind_proxy and client_type is ClientType.PROXY:
        raise RequestRefused(Code.INVALID_CLIENT, "A proxy cannot be a client of another peer")
    if not message.client_name or len(message.client_name) > MAX_NAME:
        raise RequestRefused(
            Code.INVALID_CLIENT, f"ClientName must have 1 to {MAX_NAME} characters"
        )
    if VERSION not in message.versions:
        raise RequestRefused(
            Code.UNSUPPORTED_VERSION,
            f"Versions {list(message.versions)} do not include {VERSION}",
        )
    if message.session and len(message.session) != SESSION_LENGTH:
        raise RequestRefused(Code.INVALID_CLIENT, f"Session must have {SESSION_LENGTH} bytes")
    if not behind_proxy and message.max_frame < shortest_frame:
        raise RequestRefused(
            Code.INVALID_CLIENT,
            f"MaxFrame is {message.max_frame}, at least {shortest_frame} expected",
        )
    return client_type
