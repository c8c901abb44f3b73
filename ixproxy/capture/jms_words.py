"""
What the halves of the capture point `jms` say to each other, whatever the broker speaks.

A *link* is one connection to a broker, with its subscription to the inbound
queue. There is one for STOMP (`jms_stomp`) and one for AMQP 1.0 (`jms_amqp`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from ixproxy.errors import IxproxyError

REASON = "ixn_reason"
"""Property of a message in the error queue: why it is there."""

REFUSED = "ixn_refused"
"""Property of one in the processed queue: what of it was refused, where nobody is told."""

ORIGINAL_ID = "ixn_original_message_id"
"""Property of a copy: the name of the message that it is a copy of."""

CAPTURE_POINT = "ixn_capture_point"
"""Property of all that is sent: the name of the capture point."""

EVENT_ID = "ixn_event_id"
"""Property of a notification: the same where one is sent again."""

OPERATION = "ixn_operation"
"""Property of a notification: what it tells, such as "submitted"."""


class LinkLost(IxproxyError):
    """
    A connection to a broker could not be made, or is no more; the text says why.

    :ivar refused: the broker said why.
    """

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Received:
    """
    A message of the inbound queue.

    :ivar name: its id, the same whenever the broker gives it again; "": it has none.
    :ivar text: it came as a text, and `body` has it in UTF-8.
    :ivar deliveries: how often the broker has given it before, as far as it says so.
    :ivar skipped: bytes of a body that was too long to be kept; 0: it is here.
    :ivar token: by which its link knows it.
    :ivar properties: what else its sender has said of it.
    """

    body: bytes
    name: str = ""
    correlation: str = ""
    reply_to: str = ""
    text: bool = False
    deliveries: int = 0
    skipped: int = 0
    token: Any = field(default=None, compare=False)
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """
    A message that the broker may forget.

    :ivar queue: gets a copy first; "": none does.
    :ivar properties: that the copy has besides those of the message.
    """

    message: Received
    queue: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    A message to be sent.

    :ivar queue: a name, or what a message said to reply to.
    :ivar name: its id where the broker lets us choose one.
    """

    queue: str
    body: bytes
    name: str = ""
    correlation: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


class Link(Protocol):
    """
    One connection to a broker. All its Deferreds fail with LinkLost once it is lost.

    :ivar product: what the broker calls itself.
    """

    product: str

    def settle(self, settled: Sequence[Settled]) -> Deferred[None]:
        """
        Have copies made and the messages forgotten; fires when both is durable.

        Never is a message forgotten of which there is no copy.
        """

    def send(self, outgoing: Sequence[Outgoing]) -> Deferred[None]:
        """Send, in order; fires when the broker has all of them durably."""

    def listen(self, wanted: bool) -> None:
        """Whether bytes that come are read now; while they are not, memory does not grow."""

    def drop(self, why: str) -> None:
        """End it now, for a reason of ours: what is not settled comes again by another."""

    def close(self) -> None:
        """Close it once the broker has what was sent."""


Came = Callable[[Received], object]
Ended = Callable[[LinkLost], object]
