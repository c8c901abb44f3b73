"""
Agent sessions that are over, remembered for a while.

Theory of operation: a source whose stream is slow may report a login when the
others have long reported the logout: that is no new login. One that had the
session, and said that it is over, means it when it reports it again, or an older
one that a client came back with. And the times of an agent's events do not go
back from one session to the next.

What a restart loses, and who restores it: all of it; the streams of all
sources begin with whole states, in which what is over is not.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ixproxy.core.composite_sources import AgentKey
from ixproxy.core.composite_telling import Composite
from ixproxy.messages import EventMassAgentLogout
from ixproxy.values import Stamp

MEMORY = 600.0
"""Seconds, by the times of events, for which it is remembered that a session is over."""

REMEMBERED = 10_000
"""Agents of whom it is remembered at most."""


@dataclass(slots=True)
class Ended:
    """
    An agent session that is over: when, and who has said so.

    :ivar stamp: its stamp; None: nobody has said it, so whoever has the session is right.
    """

    stamp: Stamp | None
    time: float
    left: set[str]


class EndedSessions:
    """The last session of each agent that is not logged in any more; oldest first."""

    def __init__(self) -> None:
        self._ended: OrderedDict[AgentKey, Ended] = OrderedDict()
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._ended)

    def passed(self, time: float) -> None:
        """An event's time is `time`: what is long over is forgotten."""
        self._now = max(self._now, time)
        while self._ended:
            key, ended = next(iter(self._ended.items()))
            if len(self._ended) <= REMEMBERED and ended.time + MEMORY >= self._now:
                return
            del self._ended[key]

    def add(self, key: AgentKey, agent: Composite, *, said: bool = True) -> None:
        """
        An agent session is over.

        :param said: some source says so; otherwise none that is there has it.
        """
        self._ended[key] = Ended(agent.stamp if said else None, agent.time, agent.left)

    def told(self, event: EventMassAgentLogout) -> None:
        """It was told with others, whose times may be later."""
        for name in event.agents:
            ended = self._ended.get((event.tenant_id, name))
            if ended is not None:
                ended.time = max(ended.time, event.event_time)

    def left(self, key: AgentKey, stamp: Stamp, source: str) -> None:
        """Another source says that a session is over."""
        ended = self._ended.get(key)
        if ended is not None and ended.stamp == stamp:
            ended.left.add(source)

    def has(self, key: AgentKey, stamp: Stamp, source: str) -> bool:
        """Whether what a source reports is a session that is over."""
        ended = self._ended.get(key)
        if ended is None or ended.stamp is None:
            return False
        return stamp <= ended.stamp and source not in ended.left

    def forget(self, key: AgentKey) -> float:
        """
        The agent logs in again.

        :return: before what time nothing may be told of the agent.
        """
        ended = self._ended.pop(key, None)
        return ended.time if ended is not None else 0.0
