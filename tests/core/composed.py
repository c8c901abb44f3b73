"""Sources for a composer under test: streams that number themselves, and what they say."""

from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.core.composing import Composer
from ixproxy.messages.message import Event, Party
from ixproxy.wire.streams import BEGIN, END, LOST, RESYNC, numbered

TENANT = 1
EVERY = frozenset({TENANT, 2})


class Streams:
    """
    A composer with sources, and what it told.

    :ivar told: every composed event, in order.
    """

    def __init__(self, **dbids: int) -> None:
        self.composer = Composer()
        self.told: list[Event] = []
        self.dbids = dbids
        self._numbers = dict.fromkeys(dbids, 0)
        self._times = 100.0
        for name in dbids:
            self.begin(name)

    def begin(self, name: str, *states: m.EventPlaceAgentState, at: int = 0) -> list[Event]:
        """A stream of a source begins, with these states."""
        self.composer.source_joined(name, self.dbids[name])
        self._numbers[name] = at
        report = m.EventActivityReport
        opening = report(
            activity=BEGIN, number_of_agents=len(states), reporting_event_sequence_number=at
        )
        told = []
        for each in (opening, *states, report(activity=END)):
            told += self.composer.event_received(name, each)
        self.told += told
        return told

    def say(self, name: str, event: Event, skip: int = 0) -> list[Event]:
        """A source sends the next event of its stream, or one after those that are lost."""
        self._numbers[name] += 1 + skip
        return self.raw(name, numbered(event, self._numbers[name]))

    def raw(self, name: str, event: Event) -> list[Event]:
        """A source sends an event as it is."""
        told = self.composer.event_received(name, event)
        self.told += told
        return told

    def all_say(self, event: Event) -> list[Event]:
        """All sources send the same."""
        return [each for name in self.dbids for each in self.say(name, event)]

    def lose(self, name: str) -> list[Event]:
        """A source is away."""
        told = self.composer.source_lost(name)
        self.told += told
        return told

    def lose_stream(self, name: str) -> list[Event]:
        """A source says that its stream is lost."""
        return self.raw(name, m.EventActivityReport(activity=LOST))

    def states(self) -> list[m.EventPlaceAgentState]:
        """The composite."""
        return self.composer.states(EVERY)


def of(kind: type[Any], agent: str = "anna", stamp: tuple[int, int] = (1, 1), **more: Any) -> Any:
    """An event about an agent."""
    given = {"tenant_id": TENANT, "agent_id": agent, "place_id": f"desk of {agent}"}
    return kind(**{**given, "agent_session": stamp, "event_time": 100.0, **more})


def party(
    kind: type[Any],
    identifier: str = "i1",
    agent: str = "anna",
    stamp: tuple[int, int] = (1, 1),
    **more: Any,
) -> Any:
    """An event about a party of an interaction."""
    given: dict[str, Any] = {
        "tenant_id": TENANT,
        "media_type": "chat",
        "interaction_id": identifier,
        "interaction": {"MediaType": "chat", "Queue": "Q"},
        "event_time": 100.0,
    }
    who = Party(agent_id=agent)
    return kind(agent_id=agent, agent_session=stamp, party=who, **{**given, **more})


def names(events: list[Event]) -> list[str]:
    """The kinds of events, those marked as missed with a star."""
    return [
        type(each).__name__.removeprefix("Event") + "*" * bool(each.extension.get(RESYNC))
        for each in events
    ]
