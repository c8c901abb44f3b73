"""
The composed stream as a program is told it: begun by states, filtered, numbered.

Theory of operation: the composer hears everything, for what a filter hides may
be what it needs. Only here is left out what the program does not want. The
numbers are those of the whole stream; a filtered one says with each event which
number came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace
from twisted.logger import Logger

from ixproxy.messages import EventActivityReport, EventPlaceAgentState
from ixproxy.messages.message import Event, KeyValues
from ixproxy.wire.streams import BEGIN, END, Numbering, StreamFilter, filter_of, numbered


class ProgramStream:
    """
    One program's stream.

    :param tenants: ids of the tenants that it is about; empty: all there are.
    :param given: its filter, as `ixproxy.wire.streams` has it.
    :param told: told each event; what it raises is logged.
    :raise RequestRefused: the filter is not understood.
    """

    log = Logger()

    def __init__(
        self, tenants: Iterable[int], given: KeyValues, told: Callable[[Event], None]
    ) -> None:
        self._all = not (named := frozenset(tenants))
        self._filter: StreamFilter = filter_of(named, given)
        self._told = told
        self._numbers = Numbering()
        self._last = 0
        self.begun = False

    @property
    def tenants(self) -> frozenset[int]:
        """The tenants that it is about, as far as they are known."""
        return self._filter.tenants

    def tenants_known(self, tenants: Iterable[int]) -> None:
        """There is a server for these tenants."""
        if self._all:
            self._filter = self._filter._replace(tenants=self._filter.tenants.union(tenants))

    def begin(self, states: Iterable[EventPlaceAgentState]) -> None:
        """Tell the initial state; events follow."""
        shown = [self._shown(state) for state in states if self._filter.accepts(state)]
        self.begun = True
        self._last = self._numbers.last
        self._tell(
            EventActivityReport(
                activity=BEGIN,
                number_of_agents=len(shown),
                reporting_event_sequence_number=self._last,
            )
        )
        for state in shown:
            self._tell(state)
        self._tell(EventActivityReport(activity=END))

    def event(self, event: Event) -> None:
        """Tell what happened, if the program wants it; nothing before `begin`."""
        if not self.begun:
            return
        number = self._numbers.next()
        if self._filter.accepts(event):
            previous, self._last = self._last, number
            self._tell(numbered(event, number, previous if self._filter.narrows else 0))

    def _shown(self, state: EventPlaceAgentState) -> EventPlaceAgentState:
        """A state, with those media only that the program wants."""
        media = self._filter.media_types
        if media is None:
            return state
        ids = [
            identifier
            for identifier, properties in state.interactions.items()
            if properties.get("MediaType") in media
        ]
        return replace(
            state,
            media_list={k: v for k, v in state.media_list.items() if k in media},
            media_reasons={k: v for k, v in state.media_reasons.items() if k in media},
            interactions={identifier: state.interactions[identifier] for identifier in ids},
            parties={k: v for k, v in state.parties.items() if k in ids},
        )

    def _tell(self, event: Event) -> None:
        try:
            self._told(event)
        except Exception:
            self.log.failure("A callback failed on {event}", event=type(event).__name__)
