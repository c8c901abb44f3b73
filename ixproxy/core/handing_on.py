"""A node's event, on its way to the client that it is for."""

from __future__ import annotations

from ixproxy.core.clients import Client
from ixproxy.core.state import ProxyState
from ixproxy.messages.message import Event
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import BY_CODE
from ixproxy.wire.prefix import Frame
from ixproxy.wire.shortening import shortened


def hand_on(state: ProxyState, client: Client, frame: Frame) -> None:
    """Send an event on; one that does not fit the client's hop still says what it is about."""
    raw, longest = frame.raw, client.peer.max_frame
    if len(raw) - 4 > longest and frame.name in BY_CODE:
        event = decode(frame)
        if isinstance(event, Event):
            raw = encode(shortened(event), kind=frame.kind)
    if len(raw) - 4 > longest:
        state.counters["events too long"] += 1
    else:
        state.answer_raw(client, 0, raw)
