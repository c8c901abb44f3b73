"""
Who listens to which workbin through this proxy, and what nodes were told of it.

Theory of operation: a node has one listener for all clients of a proxy, the
proxy itself, with the wishes of all of them joined. What each node was told last
is kept beside, and what it is to be told follows from the difference, whatever
has happened in between: nothing, everything that is wanted, or the end.

What a restart loses, and who restores it: all of it. Nodes forget with the
connection who listened; clients listen again when they register.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator
from typing import NamedTuple

from ixproxy.core.clients import Client
from ixproxy.messages import (
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
    Workbin,
)
from ixproxy.values import ClientType, NodeName
from ixproxy.wire.workbins import MOST_OF_CLIENT, MOST_OF_PROXY, Wishes, asking

MOST_IN_ALL = 1_000_000
"""Workbins that all clients together listen to, each counted for each of its listeners."""


class Key(NamedTuple):
    """A workbin of one owner, in a tenant."""

    tenant: int
    workbin: Workbin


Telling = RequestWorkbinNotifications | RequestWorkbinCancelNotifications


class Listened:
    """
    One workbin.

    :ivar told: by node what it was told last; None: it is not known whether it was.
    :ivar more: what somebody who does not listen yet wishes besides.
    """

    __slots__ = ("_listeners", "_properties", "_stops", "key", "more", "told")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.told: dict[NodeName, Wishes | None] = {}
        self.more: Wishes | None = None
        self._listeners: dict[Client, Wishes] = {}
        self._properties = self._stops = 0

    def __contains__(self, client: Client) -> bool:
        return client in self._listeners

    def items(self) -> ItemsView[Client, Wishes]:
        """All who listen, with their wishes."""
        return self._listeners.items()

    @property
    def wanted(self) -> Wishes | None:
        """What nodes are to tell; None: nothing."""
        all_of_them = Wishes(self._properties > 0, self._stops > 0)
        if self.more is not None:
            return all_of_them.joined(self.more)
        return all_of_them if self._listeners else None

    @property
    def idle(self) -> bool:
        """Whether nobody listens, and no node thinks so."""
        return not self._listeners and not self.told and self.more is None

    def put(self, client: Client, wishes: Wishes) -> None:
        """A client listens from now on, with these wishes in the place of older ones."""
        self.take(client)
        self._listeners[client] = wishes
        self._properties += wishes.properties
        self._stops += wishes.stops

    def take(self, client: Client) -> None:
        """A client listens no more; harmless when it did not."""
        wishes = self._listeners.pop(client, None)
        if wishes is not None:
            self._properties -= wishes.properties
            self._stops -= wishes.stops

    def tell(self, node: NodeName) -> Telling | None:
        """What a node is to be told now, which counts as told; None: it knows."""
        wanted, (tenant, workbin) = self.wanted, self.key
        if wanted is None:
            if node not in self.told:
                return None
            del self.told[node]
            return RequestWorkbinCancelNotifications(tenant_id=tenant, workbin=workbin)
        if self.told.get(node) == wanted:
            return None
        self.told[node] = wanted
        return asking(tenant, workbin, wanted)


class WorkbinListeners:
    """
    All workbins that clients listen to, or that nodes think they do.

    :ivar number: how many there are in all, each counted for each of its listeners.
    """

    def __init__(self) -> None:
        self._of: dict[Key, Listened] = {}
        self._of_client: dict[Client, dict[Key, None]] = {}
        self.number = 0

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Listened]:
        return iter(tuple(self._of.values()))

    def get(self, key: Key) -> Listened | None:
        """One that is known."""
        return self._of.get(key)

    def at(self, key: Key) -> Listened:
        """One that is known from now on; `tidy` forgets it when it is idle."""
        listened = self._of.get(key)
        if listened is None:
            listened = self._of[key] = Listened(key)
        return listened

    def has_room(self, client: Client, key: Key) -> bool:
        """Whether a client may listen to one more workbin, if it is one more."""
        mine = self._of_client.get(client, {})
        if key in mine:
            return True
        most = MOST_OF_PROXY if client.type is ClientType.PROXY else MOST_OF_CLIENT
        known = key in self._of or len(self._of) < MOST_OF_PROXY
        return known and len(mine) < most and self.number < MOST_IN_ALL

    def put(self, client: Client, key: Key, wishes: Wishes) -> None:
        """A client listens to a workbin from now on."""
        mine = self._of_client.setdefault(client, {})
        self.number += key not in mine
        mine[key] = None
        self.at(key).put(client, wishes)

    def take(self, client: Client, key: Key) -> None:
        """A client listens to a workbin no more; harmless when it did not."""
        mine = self._of_client.get(client, {})
        if key in mine:
            del mine[key]
            self.number -= 1
            self.at(key).take(client)
        if not mine:
            self._of_client.pop(client, None)

    def of(self, client: Client) -> list[Key]:
        """What a client listens to."""
        return list(self._of_client.get(client, ()))

    def tidy(self, listened: Listened) -> None:
        """Forget a workbin that nobody listens to any more."""
        if listened.idle:
            self._of.pop(listened.key, None)
