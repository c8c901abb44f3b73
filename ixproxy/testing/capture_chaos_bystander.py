"""
Somebody at the node of a capture chaos run: holds some of what came in, and reads the figures.

What it holds the source must be told of; what it is not sure of it asks for again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Backoff, Client, Settings, connect
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.values import ClientType

HOLD_SECONDS = 0.3
"""Between two holds."""

TENANT = 1
DATABASE_SECONDS = 5

SETTINGS = Settings(
    timeout=30.0,
    settling_timeout=30.0,
    attempt_timeout=2.0,
    rounds=1000,
    keep_alive_interval=0.5,
    keep_alive_limit=2.0,
    backoff=Backoff(first=0.1, most=1.0, spread=0.3),
)


class Bystander:
    """
    :param endpoints: of both servers of the node.
    :param store: the path of its SQLite database.
    :param come: how it gets to the node; see `ixproxy.client.connect`.
    :ivar held: external ids of what is on hold for certain.
    :ivar tried: those of what it tried to hold.
    """

    def __init__(
        self,
        reactor: Any,
        endpoints: Sequence[str],
        store: str,
        point: str,
        random: Random,
        come: Callable[..., Deferred[Client]] = connect,
    ) -> None:
        self._reactor = reactor
        self._endpoints = list(endpoints)
        self._store = store
        self._point = point
        self._random = random
        self._come = come
        self.held: set[str] = set()
        self.tried: set[str] = set()
        self._terms: dict[int, dict[str, int]] = {}
        self._living: Deferred[None] | None = None

    def begin(self) -> None:
        """Do it until the end."""
        self._living = Deferred.fromCoroutine(self._live())

    async def end(self) -> None:
        """Hold nothing more."""
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
            await living.addErrback(lambda failure: failure.trap(CancelledError) and None)

    @property
    def counts(self) -> Counter[str]:
        """The counters of the capture point, of all terms, as far as they were read."""
        found: Counter[str] = Counter()
        for counts in self._terms.values():
            found.update(counts)
        return found

    async def _live(self) -> None:
        while True:
            try:
                client = await self._come(
                    self._reactor, self._endpoints, name="bystander",
                    client_type=ClientType.MEDIA_SERVER, tenants=[TENANT], settings=SETTINGS,
                )  # fmt: skip
                try:
                    while True:
                        await self._look(client)
                        await deferLater(self._reactor, HOLD_SECONDS)
                finally:
                    # Nobody waits for it: the server may be gone.
                    client.close().addErrback(lambda _: None)
            except IxproxyError:
                await deferLater(self._reactor, HOLD_SECONDS)

    async def _look(self, client: Client) -> None:
        status = await client.request(m.RequestServerStatus())
        node = status.node_status
        for each in node.capture_points if node is not None else ():
            if each.name == self._point:
                self._terms[node.epoch] = dict(each.counts)
        found = self._newest()
        if found is not None:
            await self._hold(client, *found)

    def _newest(self) -> tuple[str, str] | None:
        """An interaction that came lately and is not on hold."""
        try:
            with closing(
                sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=DATABASE_SECONDS)
            ) as database:
                rows = database.execute(
                    "SELECT id, external_id FROM interactions WHERE is_held = 0 "
                    "ORDER BY queue_seq DESC LIMIT 20"
                ).fetchall()
        except sqlite3.Error:
            return None
        rows = [row for row in rows if row[1] not in self.tried]
        return self._random.choice(rows) if rows else None

    async def _hold(self, client: Client, id: str, external_id: str) -> None:
        self.tried.add(external_id)
        while external_id not in self.held:
            try:
                await client.request(m.RequestHold(tenant_id=TENANT, interaction_id=id))
                self.held.add(external_id)
            except RequestRefused as refusal:
                if refusal.code == Code.ALREADY_HELD:
                    self.held.add(external_id)
                elif not refusal.in_doubt and refusal.code == Code.UNKNOWN_INTERACTION:
                    return
                else:
                    await deferLater(self._reactor, HOLD_SECONDS)
