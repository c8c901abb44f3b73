"""
Agents whom no source has that is there, though one has just said whom it has.

Theory of operation: who is logged in on sources only that are away stays so: that
they are lost logs nobody out. But the whole state of a source that comes back says
of everybody else that they are not there. It may be given their sessions in a
moment, by a proxy that has yet to come to it, and those that are away may be
back in a moment. So nobody is out before the grace has passed, all of it with
somebody there. It is the same whether such a state comes before the last source
that has the session is lost, or after: a way that is cut is noticed late, and
what was said over there meanwhile nobody has heard.

What a restart loses, and who restores it: all of it; the streams of all
sources begin with whole states.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.core.composite_sources import AgentKey


class Missing:
    """Agents whom a whole state lacked that nobody else has, and since when that has counted."""

    def __init__(self) -> None:
        self._since: dict[AgentKey, float | None] = {}

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[AgentKey]:
        """Them all; those that are found may be taken off meanwhile."""
        return iter(tuple(self._since))

    def note(self, key: AgentKey) -> None:
        """A whole state lacks the agent, and nobody there has her; harmless when that is known."""
        self._since.setdefault(key, None)

    def found(self, key: AgentKey) -> None:
        """One has, or the agent is out; harmless when none was missing."""
        self._since.pop(key, None)

    def wait(self) -> None:
        """Nobody is there to say anything, or somebody is about to: no time has passed."""
        self._since = dict.fromkeys(self._since)

    def is_overdue(self, key: AgentKey, now: float, grace: float) -> bool:
        """Whether one of them was missing for as long as that by now."""
        since = self._since[key]
        if since is None:
            since = self._since[key] = now
        return now - since >= grace
