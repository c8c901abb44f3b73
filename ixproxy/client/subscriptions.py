"""
What a client has subscribed to, followed by the names table, so that it can be asked for again.

Theory of operation: servers keep a subscription for as long as the connection
lasts. The `subscription` column says which requests begin one and which end it,
and by which attributes one is told from another. What began is remembered as the
request that began it; one that lists several things is cut down as they are
ended, or asked for anew. An end whose outcome is not known counts: it is what
the program wants, and the next connection makes it so. A begin whose outcome is
not known does not: the program was told that it failed.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ixproxy.messages.message import Message
from ixproxy.wire.names import BY_MESSAGE, Subscription


def subscription_of(request: Message) -> Subscription | None:
    """What a request begins or ends, if anything."""
    return BY_MESSAGE[type(request)].subscription


class Subscriptions:
    """The subscriptions of one client, oldest first, each as the request that begins it again."""

    def __init__(self) -> None:
        self._begun: list[Message] = []

    def begun(self) -> list[Message]:
        """What begins everything again, in order."""
        return list(self._begun)

    def answered(self, request: Message) -> None:
        """A request succeeded."""
        subscription = subscription_of(request)
        if subscription is None or self.has(request):
            return
        self._end(subscription, request)
        if not subscription.ends:
            self._begun.append(request)

    def doubtful(self, request: Message) -> None:
        """Nobody knows what became of a request."""
        subscription = subscription_of(request)
        if subscription is not None and subscription.ends:
            self._end(subscription, request)

    def has(self, request: Message) -> bool:
        """Whether this very request is remembered."""
        return any(begun is request for begun in self._begun)

    def forget(self, request: Message) -> None:
        """A server will not begin it again."""
        self._begun = [begun for begun in self._begun if begun is not request]

    def _end(self, ending: Subscription, request: Message) -> None:
        """Take off what `request` ends, or begins in the place of an older one."""
        left = (_without(begun, ending, request) for begun in self._begun)
        self._begun = [begun for begun in left if begun is not None]


def _without(begun: Message, ending: Subscription, request: Message) -> Message | None:
    """What is left of a subscription behind `request`; None: nothing."""
    mine = subscription_of(begun)
    if mine is None or mine.to != ending.to:
        return begun
    if any(getattr(begun, name) != getattr(request, name) for name in ending.key):
        return begun
    if not _listed(request, ending):
        # Nothing is listed: the end of all, or all asked for anew.
        return None if ending.ends or not _listed(begun, mine) else begun
    if not _listed(begun, mine):
        return begun
    left = {name: _less(getattr(begun, name), getattr(request, name)) for name in mine.lists}
    return replace(begun, **left) if any(left.values()) else None


def _listed(request: Message, subscription: Subscription) -> bool:
    return any(getattr(request, name) for name in subscription.lists)


def _less(these: Any, those: Any) -> Any:
    """A list, or a key-value list, without what another one has."""
    if isinstance(these, dict):
        return {key: value for key, value in these.items() if key not in those}
    return [each for each in these if each not in those]
