"""Messages that a broker was given, and that it has neither accepted nor refused yet."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_messages import Written

MOST_MESSAGES = 1_000
MOST_BYTES = 2 * 1024 * 1024
"""Of a flight, which may be larger by its last message."""


class Flight:
    """
    What is on its way, in order.

    :ivar problem: why one of them is not accepted: the first that was found.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Written, Deferred[None]]] = deque()
        self._bytes = 0
        self.problem: AmqpLost | None = None

    @property
    def messages(self) -> int:
        """How many there are."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether one of them must have its outcome before another is given."""
        return len(self._waiting) >= MOST_MESSAGES or self._bytes >= MOST_BYTES

    def add(self, written: Written, accepted: Deferred[None]) -> None:
        """One more is given to the broker."""
        self._waiting.append((written, accepted))
        self._bytes += len(written.encoded)

    async def oldest(self) -> tuple[Written, AmqpLost | None]:
        """The one that was given first, and what is wrong with it, when the broker has said so."""
        written, accepted = self._waiting[0]
        problem = None
        try:
            await accepted
        except AmqpLost as found:
            problem = found
        self._waiting.popleft()
        self._bytes -= len(written.encoded)
        return written, problem
