"""
Who may ask for owners when: each client some questions at a time, the rest in order.

A question is put to all nodes, so a client that names one unknown interaction
after the other would have every node answer for it alone. A downstream proxy
asks for many clients, and is not kept waiting.

What a restart loses, and who restores it: the queues, with the requests in
them; their clients fail them as in doubt when their connections break.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Protocol

from ixproxy.core.clients import Client
from ixproxy.values import ClientType

AT_ONCE = 16
"""Questions of one client that are being asked."""


class Question(Protocol):
    """Something that can be begun."""

    @property
    def client(self) -> Client:
        """Whose it is."""

    def start(self) -> None:
        """Ask; may be over before this returns."""


class Turns:
    """:ivar waiting: by client, questions that wait for its others."""

    def __init__(self) -> None:
        self.waiting: dict[Client, deque[Question]] = {}
        self._asked: Counter[Client] = Counter()
        self._going_on: set[Client] = set()

    def begin(self, question: Question) -> None:
        """Ask now, or when it is the client's turn."""
        client = question.client
        if self._asked[client] < AT_ONCE or client.type is ClientType.PROXY:
            self._asked[client] += 1
            question.start()
        else:
            self.waiting.setdefault(client, deque()).append(question)

    def ended(self, client: Client) -> None:
        """A question that was asked is over: the next is asked."""
        self._asked[client] -= 1
        if not self._asked[client]:
            del self._asked[client]
        if client in self._going_on:
            return
        # Not by recursion, for each may be over at once.
        self._going_on.add(client)
        waiting = self.waiting.get(client)
        while waiting and self._asked[client] < AT_ONCE:
            self._asked[client] += 1
            waiting.popleft().start()
        if not waiting:
            self.waiting.pop(client, None)
        self._going_on.discard(client)

    def drop(self, question: Question) -> bool:
        """Nobody wants it any more; whether it was waiting, and will not be asked."""
        waiting = self.waiting.get(question.client)
        if not waiting or question not in waiting:
            return False
        waiting.remove(question)
        if not waiting:
            del self.waiting[question.client]
        return True
