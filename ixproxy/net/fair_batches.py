"""
Which of the works that wait go into the next batch: some of each session, in order.

Theory of operation: works are gone through in the order in which they came. A
session that has its share in the batch has to wait with its next request, and
with it waits all else that concerns the session: what it asks later, that it
registers, goes or is lost. So the works of a session, and those that concern
it, never change places with each other, whatever others ask. Works of
different sessions may: neither of them has its answer yet.

What is done step by step, as moving all that a snapshot has, goes on in the
next batch, and whatever else concerns its session waits until it is over. A
batch has few such steps.

Shares are small, for whoever asks one thing waits for the batch under way and
for its own. A proxy's own requests, which serve all its clients, have no share. Clients
that come new all share one, so that a crowd of them is no more than a client.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from ixproxy.messages import (
    RequestMoveInteractions,
    RequestReleaseSnapshot,
    RequestStopInteractions,
)
from ixproxy.node.work import Asked, ClientsLost, GoesOn, Registered, Relayed, Work
from ixproxy.values import ClientType

MAX_BATCH = 1000
"""Works in one batch at most, so that none waits long for its commit."""
SHARE = 8
"""Requests of one session in a batch, where others ask little."""
BULK_SHARE = 1000
"""The same where nobody does."""
LIGHT_FOR = 1.0
"""Seconds for which shares stay small after somebody was seen who asks little."""

STEPS = 4
"""Steps in one batch of what is done step by step; each takes as long as many requests."""
STEPWISE = (RequestMoveInteractions, RequestStopInteractions, RequestReleaseSnapshot)
"""What may be done step by step: its session's further requests wait until it is over."""

_NEWCOMERS = "newcomers"
_PROXY = ClientType.PROXY.value


def sessions_of(work: Work) -> Sequence[bytes]:
    """The client sessions that a piece of work concerns."""
    if isinstance(work, Asked | Registered | Relayed | GoesOn):
        return (work.sender.session,)
    if isinstance(work, ClientsLost):
        return work.sessions
    session: bytes | None = getattr(work, "session", None)
    return () if session is None else (session,)


class Batch(NamedTuple):
    """
    :ivar works: what is in the batch, in the order of coming.
    :ivar left: what goes on waiting, likewise.
    :ivar taken: how many requests of whom are in the batch.
    :ivar light: somebody is in it with no more than a share.
    """

    works: list[Work]
    left: list[Work]
    taken: dict[Hashable, int]
    light: bool


def compose(
    waiting: Iterable[Work], most: int, share: int, blocked: Callable[[Asked | Relayed], bool]
) -> Batch:
    """
    Take the next batch from what waits.

    :param most: works in a batch.
    :param share: requests of one session in a batch, from 1.
    :param blocked: whether a session's requests must wait, for there is no room for
        the answers; asked of the first of them.
    """
    works: list[Work] = []
    left: list[Work] = []
    taken: dict[Hashable, int] = {}
    behind: set[bytes] = set()
    stepping: set[bytes] = set()
    steps = 0
    for work in waiting:
        if isinstance(work, Asked | Relayed):
            session = work.sender.session
            number = taken.get(session, 0)
            if (
                number >= share
                or session in behind
                or session in stepping
                or len(works) >= most
                or (not number and blocked(work))
            ):
                behind.add(session)
                left.append(work)
                continue
            if work.sender.client_type != _PROXY:
                taken[session] = number + 1
            works.append(work)
            if isinstance(work, Asked) and isinstance(work.message, STEPWISE):
                stepping.add(session)
            continue
        concerned = sessions_of(work)
        newcomer = isinstance(work, Registered) and not work.sender.through_proxy
        number = taken.get(_NEWCOMERS, 0)
        step = isinstance(work, GoesOn)
        if (
            len(works) >= most
            or (newcomer and number >= share)
            or (step and steps >= STEPS)
            or (behind and not behind.isdisjoint(concerned))
            or (stepping and not stepping.isdisjoint(concerned))
        ):
            behind.update(concerned)
            left.append(work)
            continue
        if newcomer:
            taken[_NEWCOMERS] = number + 1
        works.append(work)
        if step:
            steps += 1
            stepping.update(concerned)
    light = any(number <= SHARE and each not in behind for each, number in taken.items())
    return Batch(works, left, taken, light)


class FairBatches:
    """
    Composes one batch after another.

    Where everybody asks much, or there is one alone, and nobody has been seen
    for a while who asks little, long batches are better for all: they share
    one commit.

    :ivar most: works in a batch.
    """

    def __init__(self, blocked: Callable[[Asked | Relayed], bool]) -> None:
        self._blocked = blocked
        self._light_at = self._others_at = float("-inf")
        self._last: Hashable = None
        self.most = MAX_BATCH

    def answers_take(self, size: float, most: int) -> None:
        """Answers were of so many bytes each; those of one batch are to take `most` together."""
        self.most = max(SHARE, min(MAX_BATCH, int(most / max(1.0, size))))

    def next(self, waiting: list[Work], now: float) -> tuple[list[Work], list[Work]]:
        """The next batch, and what goes on waiting."""
        seen = min(self._light_at, self._others_at)
        share = SHARE if now - seen < LIGHT_FOR else BULK_SHARE
        batch = compose(waiting, self.most, share, self._blocked)
        if batch.light:
            self._light_at = now
        if batch.taken.keys() - {self._last}:
            self._others_at = now
            self._last = next(iter(batch.taken))
        return batch.works, batch.left
