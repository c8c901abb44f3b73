"""
Parts of snapshots that have ended, until their nodes have released them.

Theory of operation: a release is sent at once, and is never refused as busy
here. A node that could not do it, or was silent, is told again after a pause,
for as long as it knows the client by the same link. Nothing else is needed: a
client that is registered anew on a node lists what it has, and the node frees
all else; and one that leaves frees all. So what is said of a client that goes is
said once, before it is said that it has gone.

What a restart loses, and who restores it: all of it; nodes free what no
registration lists.
"""

from __future__ import annotations

from collections import Counter

from ixproxy.core.clients import Client
from ixproxy.core.links import Link
from ixproxy.core.pending import Pending
from ixproxy.core.snapshots import Part
from ixproxy.core.state import ProxyState
from ixproxy.core.unanswered import PAUSE, could_not
from ixproxy.messages import RequestReleaseSnapshot
from ixproxy.wire.prefix import Frame

_SENT = float("inf")
WHY = "release-snapshot"


class Unreleased:
    """
    By client and part, when the node is told again; `_SENT` while it is being told.

    :ivar number: how many there are, by client.
    """

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self._due: dict[tuple[Client, int, Part], float] = {}
        self.number: Counter[Client] = Counter()

    def __len__(self) -> int:
        return len(self._due)

    def release(self, client: Client, tenant: int, part: Part) -> None:
        """A part is needed no more: tell its node."""
        link = self._state.links.get(part.node)
        if link is None or not link.speaks:
            return
        if client.gone:
            if link.name in client.numbers:
                message = RequestReleaseSnapshot(tenant_id=tenant, snapshot_id=part.id)
                self._state.ask(link, message, None, why=WHY, client=client)
            return
        self._tell(client, tenant, part, link)

    def _tell(self, client: Client, tenant: int, part: Part, link: Link) -> None:
        if link.name not in client.numbers:
            # It is being registered there, and may have been listed with this one.
            self._note(client, tenant, part, self._state.now)
            return
        self._note(client, tenant, part, _SENT)
        message = RequestReleaseSnapshot(tenant_id=tenant, snapshot_id=part.id)
        telling = Telling(self, client, tenant, part)
        self._state.ask(link, message, telling, why=WHY, client=client)

    def being_told(self, client: Client, tenant: int, part: Part) -> Telling:
        """Somebody else tells the node; the answer is for what is returned."""
        self._note(client, tenant, part, _SENT)
        return Telling(self, client, tenant, part)

    def _note(self, client: Client, tenant: int, part: Part, due: float) -> None:
        key = client, tenant, part
        if key not in self._due:
            self.number[client] += 1
        self._due[key] = due

    def drop(self, client: Client, tenant: int, part: Part) -> None:
        """Its node does not have it any more; harmless when that is known."""
        if self._due.pop((client, tenant, part), None) is not None:
            self.number[client] -= 1
            if not self.number[client]:
                del self.number[client]

    def failed(self, client: Client, tenant: int, part: Part) -> None:
        """A node was told in vain: once more, if it is the same connection still."""
        link = self._state.links.get(part.node)
        if (client, tenant, part) not in self._due:
            return
        if link is None or not link.speaks or client.gone:
            self.drop(client, tenant, part)
        else:
            self._note(client, tenant, part, self._state.now + PAUSE)

    def client_gone(self, client: Client) -> None:
        """A client goes, and what it had with it."""
        if client in self.number:
            for key in [key for key in self._due if key[0] is client]:
                self.drop(*key)

    def ticked(self) -> None:
        """Some time passed: tell what is due."""
        for key, due in list(self._due.items()):
            if due > self._state.now:
                continue
            client, tenant, part = key
            link = self._state.links.get(part.node)
            if link is None or not link.speaks:
                self.drop(*key)
            elif not self._state.no_way_to(link, client):
                self._tell(client, tenant, part, link)


class Telling:
    """One part being released."""

    __slots__ = ("_client", "_part", "_tenant", "_unreleased")

    def __init__(self, unreleased: Unreleased, client: Client, tenant: int, part: Part) -> None:
        self._unreleased = unreleased
        self._client = client
        self._tenant = tenant
        self._part = part

    def answered(self, link: Link, pending: Pending, frame: Frame, body: bytes) -> None:
        """It is released, or was not there; or the node could not do it."""
        what = self._unreleased.failed if could_not(frame) else self._unreleased.drop
        what(self._client, self._tenant, self._part)

    def lost(self, link: Link, pending: Pending) -> None:
        """It may be there still."""
        self._unreleased.failed(self._client, self._tenant, self._part)
