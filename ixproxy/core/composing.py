"""Stand-in until the composer lands."""

from __future__ import annotations

from collections import Counter

from ixproxy.messages import EventActivityReport, EventPlaceAgentState
from ixproxy.messages.message import Event


class Composer:
    def __init__(self) -> None:
        self.wants_restart: set[str] = set()
        self.counters: Counter[str] = Counter()
        self._ended: set[str] = set()
        self._states: dict[tuple[int, str], EventPlaceAgentState] = {}

    def source_joined(self, source: str, dbid: int) -> None:
        self._ended.discard(source)

    def event_received(self, source: str, event: Event) -> list[Event]:
        if isinstance(event, EventActivityReport):
            if event.activity == "End":
                self._ended.add(source)
            elif event.activity == "Lost":
                self.wants_restart.add(source)
            return []
        if isinstance(event, EventPlaceAgentState):
            self._states[event.tenant_id, event.agent_id] = event
            return []
        return [event]

    def source_lost(self, source: str) -> list[Event]:
        return []

    def source_removed(self, source: str) -> list[Event]:
        return []

    def states(self, tenants: frozenset[int]) -> list[EventPlaceAgentState]:
        return [each for (tenant, _), each in sorted(self._states.items()) if tenant in tenants]

    def synced(self, source: str) -> bool:
        return source in self._ended
