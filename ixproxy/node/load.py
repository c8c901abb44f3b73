"""
Load facts: how much waits in which queue and view, and which media types are here.

Theory of operation: counted once when the node starts, then kept by what each
committed batch changed. A view without a condition shows what its queue has;
one with a condition is counted by testing each row that changed; where time
alone can change what it shows, it is counted anew now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from ixproxy.interfaces import IStore
from ixproxy.messages import EventNodeLoad
from ixproxy.node.expressions import columns_of
from ixproxy.node.model import NodeModel, ViewModel
from ixproxy.node.rows import InteractionRow
from ixproxy.node.turn import Identity
from ixproxy.values import InteractionState

K = TypeVar("K")

Place = tuple[int, str]
"""Tenant id and a name: of a queue, a view or a media type."""

QueueState = tuple[int, str, int]
"""Tenant id, queue, and the state of the interactions in it."""

Change = tuple[InteractionRow | None, InteractionRow | None]
"""An interaction before and after a batch."""


def available(row: InteractionRow | None) -> bool:
    """Whether a row can be pulled."""
    return (
        row is not None
        and row.state == InteractionState.QUEUED
        and not row.is_locked
        and not row.is_held
    )


class Load:
    """
    The counts of one node.

    :ivar changed: something differs from what was announced last.
    """

    def __init__(self) -> None:
        self._queues: dict[Place, int] = {}
        self._media: dict[Place, int] = {}
        self._states: dict[QueueState, int] = {}
        self._views: dict[Place, int] = {}
        self._by_queue: dict[Place, list[ViewModel]] = {}
        self._all_views: list[ViewModel] = []
        self._recounted_at = 0.0
        self._timed = False
        self._announced: frozenset[Place] = frozenset()
        self.changed = True

    def count(self, store: IStore, model: NodeModel, now: float) -> None:
        """Count everything that is stored."""
        self._queues.clear()
        self._media.clear()
        self._states.clear()
        for tenant, media, queue, state, number, free in store.counts():
            _add(self._media, (tenant, media), number)
            _add(self._states, (tenant, queue, state), number)
            if state == InteractionState.QUEUED:
                _add(self._queues, (tenant, queue), free)
        self.use(store, model, now)

    def use(self, store: IStore, model: NodeModel, now: float) -> None:
        """Take over another model, whose views are counted."""
        self._all_views = model.views()
        self._views.clear()
        self._by_queue.clear()
        for view in self._all_views:
            if view.condition is not None:
                place = (view.tenant_id, view.queue)
                self._by_queue.setdefault(place, []).append(view)
                self._count_view(store, view, now)
        self._recounted_at = now
        self._timed = any(view.time_dependent for view in self._all_views)
        self.changed = True

    def recount(self, store: IStore, now: float) -> None:
        """Count the views that time changes."""
        self._recounted_at = now
        for views in self._by_queue.values():
            for view in views:
                if view.condition is not None and view.condition.time_dependent:
                    self._count_view(store, view, now)

    def recount_due(self, now: float, interval: float) -> bool:
        """Whether `recount` would count anything."""
        return self._timed and now - self._recounted_at >= interval

    def note(self, changes: Iterable[Change], now: float) -> bool:
        """
        Take over what a batch changed.

        :return: whether there is a media type now that the last announcement
            did not name.
        """
        first = False
        for before, after in changes:
            if before is after:
                continue
            if before is None and after is not None:
                key = (after.tenant_id, after.media_type)
                first = first or key not in self._announced
                _add(self._media, key, 1)
            elif after is None and before is not None:
                _add(self._media, (before.tenant_id, before.media_type), -1)
            self._note_place(before, -1, now)
            self._note_place(after, 1, now)
            self.changed = True
        return first

    def by_state(self) -> dict[QueueState, int]:
        """How many interactions are in each queue, by their state."""
        return dict(self._states)

    def announcement(self, identity: Identity, event_number: int, now: float) -> EventNodeLoad:
        """All of it, after which nothing counts as changed."""
        self.changed = False
        self._announced = frozenset(self._media)
        queues: dict[int, dict[str, int]] = {}
        for (tenant, name), number in self._queues.items():
            queues.setdefault(tenant, {})[name] = number
        views: dict[int, dict[str, int]] = {}
        for view in self._all_views:
            place = (view.tenant_id, view.name)
            if view.condition is None:
                number = self._queues.get((view.tenant_id, view.queue), 0)
            else:
                number = self._views.get(place, 0)
            if number:
                views.setdefault(view.tenant_id, {})[view.name] = number
        media: dict[int, list[str]] = {}
        for tenant, name in sorted(self._media):
            media.setdefault(tenant, []).append(name)
        return EventNodeLoad(
            event_time=now,
            event_number=event_number,
            dbid=identity.dbid,
            queues=queues,
            views=views,
            media_types=media,
        )

    def _note_place(self, row: InteractionRow | None, step: int, now: float) -> None:
        if row is None:
            return
        _add(self._states, (row.tenant_id, row.queue, row.state), step)
        if not available(row):
            return
        place = (row.tenant_id, row.queue)
        _add(self._queues, place, step)
        views = self._by_queue.get(place)
        if views:
            columns = columns_of(row)
            for view in views:
                if view.condition is not None and view.condition.matches(columns, now):
                    _add(self._views, (view.tenant_id, view.name), step)

    def _count_view(self, store: IStore, view: ViewModel, now: float) -> None:
        selection = replace(view.selection(), segmentation=(), segment_limit=0)
        place = (view.tenant_id, view.name)
        number = store.count(selection, now)
        if number != self._views.get(place, 0):
            self._views.pop(place, None)
            _add(self._views, place, number)
            self.changed = True


def _add(counts: dict[K, int], place: K, step: int) -> None:
    """What is counted down to nothing is forgotten, so that no table grows."""
    number = counts.get(place, 0) + step
    if number > 0:
        counts[place] = number
    else:
        counts.pop(place, None)
