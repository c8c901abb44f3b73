"""
Agents who work through another server, as many sources say.

Theory of operation: a client says so to every node, so every source reports
it. It is told when the first one does, and taken back when no source that
counts says it any more. What a source said that is away is forgotten; that it
was told is not.

What a restart loses, and who restores it: all of it; who begins a stream is
not told of those who are elsewhere already.
"""

from __future__ import annotations

from collections import OrderedDict

from ixproxy.core.composite_sources import AgentKey
from ixproxy.messages import EventAgentAvailable, EventAgentNotAvailable

REMEMBERED = 10_000
"""Agents of whom it is remembered at most."""


class Availability:
    """Who is available elsewhere, and which sources say so."""

    def __init__(self) -> None:
        self._said: OrderedDict[AgentKey, set[str]] = OrderedDict()
        self._taken_back: OrderedDict[AgentKey, set[str]] = OrderedDict()
        """Where it was not known that anybody had said so, and who took it back."""

    def __len__(self) -> int:
        return len(self._said) + len(self._taken_back)

    def said(self, source: str, event: EventAgentAvailable | EventAgentNotAvailable) -> bool:
        """A source reports something of an agent; whether it is to be told."""
        key = event.tenant_id, event.agent_id
        sources = self._said.get(key)
        if isinstance(event, EventAgentAvailable):
            self._taken_back.pop(key, None)
            self._said.setdefault(key, set()).add(source)
            if len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
            return sources is None
        if sources is None:
            return self._ended(source, key)
        sources.discard(source)
        if sources:
            return False
        del self._said[key]
        return True

    def _ended(self, source: str, key: AgentKey) -> bool:
        """It was said before the stream began: the first source that takes it back is told."""
        those = self._taken_back.setdefault(key, set())
        those.add(source)
        if len(self._taken_back) > REMEMBERED:
            self._taken_back.popitem(last=False)
        return len(those) == 1

    def lost(self, source: str) -> None:
        """A source is away: what it said keeps nobody available."""
        for sources in self._said.values():
            sources.discard(source)
