"""Requests of one client that have not got their answer, waiting or sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from ixproxy.client.link import Link
from ixproxy.client.references import References
from ixproxy.messages import RequestStopProcessing
from ixproxy.messages.message import Message
from ixproxy.wire.names import BY_MESSAGE, Holdings
from ixproxy.wire.prefix import Flag


class Answer(NamedTuple):
    """
    What a request was answered with.

    :ivar partial: something is missing in it, such as a node that is down.
    """

    message: Message
    partial: bool = False


@dataclass(slots=True, eq=False)
class Pending:
    """
    One request.

    :ivar raw: its frame, with reference and ttl still to be written.
    :ivar answer: who waits for the answer; None when nobody does any more.
    :ivar deadline: when its time is up, on the reactor's clock.
    :ivar link: the connection that it was sent on; None: it waits for one.
    :ivar returns: the client's own, to give back what nobody waited for.
    :ivar ended: interactions that were ended since it was sent: its answer gives them no more.
    :ivar parts: the parts of its answer that came so far, `size` bytes of them.
    """

    request: Message
    raw: bytes
    answer: Deferred[Answer] | None
    deadline: float
    timer: IDelayedCall | None = None
    reference: int = 0
    link: Link | None = None
    returns: bool = False
    parts: list[bytes] = field(default_factory=list)
    partial: bool = False
    size: int = 0
    ended: set[str] = field(default_factory=set)

    @property
    def sent(self) -> bool:
        """Whether a server may know of it."""
        return self.link is not None

    def settle(self) -> Deferred[Answer] | None:
        """Nobody waits any more; whoever did."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None
        answer, self.answer = self.answer, None
        return answer


class InFlight:
    """
    All requests of one client, never more than `limit` of its own making.

    A request that nobody waits for any more stays until its one answer comes
    or the connection is lost, for that answer may hand something over.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._references = References()
        self._sent: dict[int, Pending] = {}
        self._waiting: dict[Pending, None] = {}
        self._taking: dict[Pending, None] = {}
        """Those of the sent that may hand interactions over."""

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no more is taken."""
        return len(self) >= self._limit

    def wait(self, pending: Pending) -> None:
        """Keep a request until there is a connection."""
        self._waiting[pending] = None

    def waiting(self) -> Iterator[Pending]:
        """What waits, oldest first; may be sent or forgotten on the way."""
        return iter(tuple(self._waiting))

    def send(self, pending: Pending, link: Link) -> int:
        """The reference to send a request with, on `link`."""
        self._waiting.pop(pending, None)
        pending.link = link
        pending.reference = reference = self._references.next(self._sent)
        self._sent[reference] = pending
        if BY_MESSAGE[type(pending.request)].holdings is Holdings.TAKES:
            self._taking[pending] = None
        return reference

    def done(self, request: Message) -> None:
        """A request succeeded. What it ended is over, whatever answer with it is still to come."""
        if isinstance(request, RequestStopProcessing):
            for pending in self._taking:
                pending.ended.add(request.interaction_id)

    def find(self, link: Link, reference: int) -> Pending | None:
        """The request that was sent on `link` with `reference`."""
        pending = self._sent.get(reference)
        return pending if pending is not None and pending.link is link else None

    def forget(self, pending: Pending) -> None:
        """It has its answer, or was never sent; harmless when unknown."""
        self._waiting.pop(pending, None)
        self._sent.pop(pending.reference, None)
        self._taking.pop(pending, None)

    def lost(self, link: Link) -> list[Pending]:
        """A connection is gone: what was sent on it, oldest first."""
        lost = [pending for pending in self._sent.values() if pending.link is link]
        for pending in lost:
            self.forget(pending)
        return lost


def flags_of(request: Message) -> int:
    """What the prefix says of a request besides its kind and name."""
    return Flag.RECEIPT if getattr(request, "submit_receipt", "") else 0
