"""
The routers that a node pushes to: what they have loaded, have, and may get.

What a restart loses, and who restores it: which routers are there and what they
have loaded, which they say when they register again; and how much of its rate
each had used. What each of them has are rows, counted again by a start. Which
views are awake needs no keeping: all views of a strategy are as soon as a
router comes that has it loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ixproxy.node.journal import Journal
from ixproxy.node.pushing_rates import Bucket
from ixproxy.node.rows import PartyRow
from ixproxy.node.work import Sender
from ixproxy.values import PartyType

K = TypeVar("K")

ViewName = tuple[int, str]
"""Tenant id, and the view as a pull names it."""

StrategyName = tuple[int, str]
"""Tenant id, and the strategy."""


class Router(NamedTuple):
    """
    A router that is connected.

    :ivar all_tenants: it works for all tenants that there are, at any time.
    :ivar strategies: those that it has loaded.
    """

    sender: Sender
    strategies: tuple[str, ...]
    all_tenants: bool = False

    def serves(self, tenant_id: int) -> bool:
        """Whether it works for a tenant."""
        return self.all_tenants or tenant_id in self.sender.tenants


class Routers:
    """
    :ivar routers: by client session.
    :ivar loaded: the routers that have a strategy loaded, whose turn it is first.
    :ivar buckets: what each of them may get by its rate, if it has one.
    :ivar unread: those that do not read what they were pushed.
    :ivar have: how many interactions a session was pushed, and has.
    :ivar routed: how many a strategy has, by whatever routers.
    :ivar lost: sessions that have some, and are not connected; since when.
    :ivar awake: views that may show something.
    :ivar looks: when what a view shows is to be looked at, for it changes with time.
    :ivar not_before: before this nothing is pushed, for something went wrong.
    """

    __slots__ = (
        "_journal",
        "awake",
        "buckets",
        "have",
        "loaded",
        "looks",
        "lost",
        "not_before",
        "routed",
        "routers",
        "unread",
    )

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.routers: dict[bytes, Router] = {}
        self.loaded: dict[str, dict[bytes, None]] = {}
        self.buckets: dict[bytes, Bucket] = {}
        self.unread: dict[bytes, None] = {}
        self.have: dict[bytes, int] = {}
        self.routed: dict[StrategyName, int] = {}
        self.lost: dict[bytes, float] = {}
        self.awake: dict[ViewName, None] = {}
        self.looks: dict[ViewName, float] = {}
        self.not_before = 0.0

    def load(self, parties: Iterable[PartyRow], lost: Mapping[bytes, float]) -> None:
        """
        Count what a start finds stored.

        :param lost: since when each session is not connected.
        """
        for party in parties:
            self.joined(party)
        for session in self.have:
            if session in lost:
                self.is_lost(session, lost[session])

    def enter(self, session: bytes, router: Router) -> None:
        """A router is there, or has something else loaded now."""
        self.leave(session)
        self._journal.set(self.routers, session, router)
        for strategy in router.strategies:
            if strategy not in self.loaded:
                self._journal.set(self.loaded, strategy, {})
            self._journal.set(self.loaded[strategy], session, None)

    def leave(self, session: bytes) -> None:
        """It is not there any more; what it has it keeps."""
        router = self.routers.get(session)
        if router is None:
            return
        for strategy in router.strategies:
            self._journal.remove(self.loaded[strategy], session)
            if not self.loaded[strategy]:
                self._journal.remove(self.loaded, strategy)
        self._journal.remove(self.routers, session)
        self._journal.remove(self.buckets, session)
        self._journal.remove(self.unread, session)
        if not self.routers:
            # Whoever comes next wakes what there is for it.
            for name in list(self.awake):
                self.rest(name)
            for name in list(self.looks):
                self._journal.remove(self.looks, name)

    def is_lost(self, session: bytes, at: float) -> None:
        """A session lost its connection."""
        self.leave(session)
        if session in self.have:
            self._journal.set(self.lost, session, at)

    def returns(self, session: bytes) -> None:
        """It has one again."""
        self._journal.remove(self.lost, session)

    def reads(self, session: bytes, *, reads: bool) -> None:
        """Whether a router reads what it was pushed."""
        if reads:
            self._journal.remove(self.unread, session)
        elif session in self.routers:
            self._journal.set(self.unread, session, None)

    def wake(self, name: ViewName) -> None:
        """A view may show something."""
        if name not in self.awake:
            self._journal.set(self.awake, name, None)

    def rest(self, name: ViewName) -> None:
        """It shows nothing, until something is put into it."""
        self._journal.remove(self.awake, name)

    def look_at(self, name: ViewName, at: float | None) -> None:
        """When it is to be looked at although nothing is put in; None: never."""
        if at is None:
            self._journal.remove(self.looks, name)
        else:
            self._journal.set(self.looks, name, at)

    def took_turns(self, strategy: str, sessions: Sequence[bytes]) -> None:
        """These were pushed something, in this order: the last of them is the last in turn now."""
        loaded = self.loaded[strategy]
        for session in reversed(dict.fromkeys(reversed(sessions))):
            self._journal.remove(loaded, session)
            self._journal.set(loaded, session, None)

    def use_bucket(self, session: bytes, bucket: Bucket) -> None:
        """What a router may get now by its rate."""
        self._journal.set(self.buckets, session, bucket)

    def joined(self, party: PartyRow) -> None:
        """A party joins an interaction."""
        if party.party_type == PartyType.ROUTER:
            self._count(self.have, party.session, 1)
            self._count(self.routed, (party.tenant_id, party.strategy_id), 1)

    def left(self, party: PartyRow) -> None:
        """A party leaves it."""
        if party.party_type == PartyType.ROUTER:
            self._count(self.have, party.session, -1)
            self._count(self.routed, (party.tenant_id, party.strategy_id), -1)
            if party.session not in self.have:
                self._journal.remove(self.lost, party.session)

    def _count(self, counts: dict[K, int], key: K, step: int) -> None:
        number = counts.get(key, 0) + step
        if number > 0:
            self._journal.set(counts, key, number)
        else:
            self._journal.remove(counts, key)
