"""
Pulls that found nothing and wait for work, as long as their requesters allow.

Theory of operation: pulls of one view wait in the order in which they came.
When a row that can be pulled was put into their queue, the oldest few are
tried again; if all of them got something, twice as many follow, and when one
got nothing the view is empty and the rest go on waiting. A pull whose time is
up is tried for the last time, which answers it whatever there is. While a
pull is being tried it is with the writer, and whatever happens to it then is
looked at when it comes back.

What a restart loses: all of it; the requesters see a broken connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

from twisted.internet.interfaces import IReactorTime

from ixproxy.net.node_peers import Asking, NodeClient
from ixproxy.node.work import HoldPull, PullRetried, Work

FIRST_ROUND = 4
LAST_ROUND = 64
"""Pulls of one view that are tried at once, at first and at most."""

SPARE_REMINDERS = 1000
"""Reminders of what does not wait any more that are kept before they are looked for."""

ONE_IN = 4
"""One client may have one in so many of the pulls that may wait."""

TTL_MARGIN = 0.2
"""Seconds before the requester's time is up by which an answer must be on its way."""

Place = tuple[int, str]
"""Tenant and a name: of a queue or a view."""


class _View:
    """
    The waiting pulls of one view, oldest first.

    :ivar trying: how many of them are with the writer.
    :ivar again: something was put in while they were.
    """

    __slots__ = ("again", "frozen", "name", "pulls", "queue", "round", "trying")

    def __init__(self, name: Place, queue: Place) -> None:
        self.name = name
        self.queue = queue
        self.pulls: dict[Asking, _Pull] = {}
        self.trying = 0
        self.again = False
        self.round = FIRST_ROUND
        self.frozen: float | None = None


class _Pull:
    """
    One waiting pull.

    :ivar over: its time was up while it was with the writer.
    :ivar dropped: it was no longer wanted while it was with the writer.
    """

    __slots__ = ("dropped", "effect", "over", "trying", "view")

    def __init__(self, effect: HoldPull, view: _View) -> None:
        self.effect = effect
        self.view = view
        self.trying = False
        self.over = False
        self.dropped = False


class HeldPulls:
    """
    All held pulls of a node.

    :param retry: is given works for the head of the next batch.
    :param dropped: is told of each pull that was dropped while it was with
        the writer, and came back without an answer.
    """

    def __init__(
        self,
        clock: IReactorTime,
        retry: Callable[[list[Work]], None],
        dropped: Callable[[Asking], None],
    ) -> None:
        self._clock = clock
        self._retry = retry
        self._dropped = dropped
        self._pulls: dict[Asking, _Pull] = {}
        self._of: Counter[NodeClient] = Counter()
        self._with_writer: dict[Asking, _View] = {}
        self._views: dict[Place, _View] = {}
        self._queues: dict[Place, dict[Place, _View]] = {}
        self._due: list[tuple[float, int, Asking | _View]] = []
        self._numbers = count()
        self._call: Any = None

    def __len__(self) -> int:
        return len(self._pulls)

    def full(self, client: NodeClient, most: int) -> bool:
        """Whether no more pulls can wait, of which `most` may, or no more of this client."""
        return len(self._pulls) >= most or self._of[client] >= max(1, most // ONE_IN)

    def hold(self, effect: HoldPull) -> None:
        """Let a pull wait."""
        asking: Asking = effect.token
        now = self._clock.seconds()
        name = (effect.tenant_id, effect.message.view_id)
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = _View(name, (effect.tenant_id, effect.queue))
            self._queues.setdefault(view.queue, {})[name] = view
        if asking not in self._pulls:
            self._of[asking.client] += 1
        self._pulls[asking] = view.pulls[asking] = _Pull(effect, view)
        self._remind(max(now, min(now + effect.seconds, asking.due - TTL_MARGIN)), asking)
        if effect.retry_after is not None and view.frozen is None:
            view.frozen = effect.retry_after
            self._remind(now + view.frozen, view)

    def wake(self, queues: Iterable[Place]) -> None:
        """Something that can be pulled was put into these queues."""
        works: list[Work] = []
        for queue in queues:
            for view in self._queues.get(queue, {}).values():
                works += self._next_round(view)
        if works:
            self._retry(works)

    def wake_all(self) -> None:
        """What can be pulled may have changed everywhere."""
        self.wake(list(self._queues))

    def settled(self, asking: Asking) -> None:
        """A pull was answered; harmless for one that is not held."""
        pull = self._pulls.pop(asking, None)
        if pull is not None:
            self._of[asking.client] -= 1
            if not self._of[asking.client]:
                del self._of[asking.client]
            del pull.view.pulls[asking]
            self._tidy(pull.view)

    def drop(self, asking: Asking) -> bool:
        """
        A pull is no longer wanted.

        :return: whether it was waiting here; one that is with the writer may
            yet be answered.
        """
        pull = self._pulls.get(asking)
        if pull is None:
            return False
        if pull.trying:
            pull.dropped = True
            return False
        self.settled(asking)
        return True

    def came_back(self, works: Sequence[Work]) -> None:
        """A batch is done, and those of its pulls that were answered are settled."""
        if not self._with_writer:
            return
        views: dict[Place, _View] = {}
        emptied: set[Place] = set()
        more: list[Work] = []
        for work in works:
            if type(work) is not PullRetried:
                continue
            view = self._with_writer.pop(work.token, None)
            if view is None:
                continue
            view.trying -= 1
            views[view.name] = view
            pull = self._pulls.get(work.token)
            if pull is not None:
                pull.trying = False
                emptied.add(view.name)
                if pull.dropped:
                    self.settled(work.token)
                    self._dropped(work.token)
                elif pull.over:
                    more.append(self._try(work.token, pull, last=True))
            elif work.last:
                emptied.add(view.name)
        for name, view in views.items():
            if not view.trying and (view.again or name not in emptied):
                view.round = min(2 * view.round, LAST_ROUND)
                view.again = False
                more += self._next_round(view)
            elif not view.trying:
                view.round = FIRST_ROUND
            self._tidy(view)
        if more:
            self._retry(more)

    def clear(self) -> list[Asking]:
        """Forget all of them; returns those that were waiting."""
        askings = list(self._pulls)
        for table in (self._pulls, self._of, self._with_writer, self._views, self._queues):
            table.clear()
        self._due.clear()
        if self._call is not None and self._call.active():
            self._call.cancel()
        return askings

    def _next_round(self, view: _View) -> list[Work]:
        if view.trying:
            view.again = True
            return []
        works: list[Work] = []
        for asking, pull in view.pulls.items():
            if len(works) == view.round:
                break
            works.append(self._try(asking, pull, last=False))
        return works

    def _try(self, asking: Asking, pull: _Pull, *, last: bool) -> Work:
        pull.trying = True
        pull.view.trying += 1
        self._with_writer[asking] = pull.view
        return PullRetried(pull.effect.sender, pull.effect.message, asking, last)

    def _tidy(self, view: _View) -> None:
        """Forget a view that nobody waits for."""
        if not view.pulls and not view.trying and self._views.get(view.name) is view:
            del self._views[view.name]
            views = self._queues[view.queue]
            del views[view.name]
            if not views:
                del self._queues[view.queue]

    def _remind(self, at: float, of: Asking | _View) -> None:
        if len(self._due) > SPARE_REMINDERS + 2 * (len(self._pulls) + len(self._views)):
            # Who asks and cancels again and again must not fill the heap for as long as pulls wait.
            self._due = [entry for entry in self._due if self._waits(entry[2])]
            heapify(self._due)
        heappush(self._due, (at, next(self._numbers), of))
        self._set_call()

    def _waits(self, of: Asking | _View) -> bool:
        if isinstance(of, _View):
            return self._views.get(of.name) is of
        return of in self._pulls

    def _set_call(self) -> None:
        if not self._due:
            return
        at = self._due[0][0]
        call = self._call
        if call is not None and call.active():
            if call.getTime() <= at:
                return
            call.cancel()
        self._call = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._look)

    def _look(self) -> None:
        """Somebody's time is up, or that of what a view froze."""
        now = self._clock.seconds()
        works: list[Work] = []
        while self._due and self._due[0][0] <= now:
            _, _, of = heappop(self._due)
            if isinstance(of, _View):
                if self._views.get(of.name) is of and of.frozen is not None:
                    works += self._next_round(of)
                    self._remind(now + of.frozen, of)
            elif (pull := self._pulls.get(of)) is not None:
                if pull.trying:
                    pull.over = True
                else:
                    works.append(self._try(of, pull, last=True))
        self._set_call()
        if works:
            self._retry(works)
