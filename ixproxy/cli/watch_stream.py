"""One reporting stream as it is printed: its initial state, its events, its gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli.event_text import event_line, event_record
from ixproxy.cli.output import Output
from ixproxy.messages.message import Event, Message
from ixproxy.wire.streams import BEGIN, END, LOST, RESYNC


class Watch:
    """
    Prints a stream until it is enough.

    :param count: events after the initial state, resync included; 0: no limit.
    :param until_state: the initial state is enough.
    :param narrowed: the stream is filtered: numbers are left out, and each event says
        which one came before it.
    :ivar over: fires when it is enough; fails when there will be no more.
    :ivar begin_anew: asks for the stream once more.
    :ivar gaps: how often events were missed, or the server gave the stream up.
    """

    def __init__(
        self,
        output: Output,
        *,
        count: int = 0,
        until_state: bool = False,
        narrowed: bool = False,
    ) -> None:
        self._output = output
        self._narrowed = narrowed
        self._left = count
        self._counts = bool(count)
        self._until_state = until_state
        self._last: int | None = None
        """The number of the stream's last event; None: it has not begun, or not anew."""
        self.over: Deferred[None] = Deferred()
        self.begin_anew: Callable[[], Any] = lambda: None
        self.gaps = 0

    def event_received(self, event: Message) -> None:
        """The server told something."""
        try:
            self._told(event)
        except BrokenPipeError as problem:
            # Whoever read our output went away; a callback's error would only be logged.
            self.failed(problem)

    def _told(self, event: Message) -> None:
        if self.over.called:
            return
        match event:
            case m.EventActivityReport():
                self._bracket(event)
            case m.EventPlaceAgentState():
                self._show(event, {"initial": True}, "state  ")
            case Event(reporting_event_sequence_number=number) if number:
                self._numbered(event)
            case _:
                self._show(event, {}, "aside  ")

    def connection(self, server: str) -> None:
        """It was lost (""), or there is one again; the stream begins anew then."""
        self._last = None
        if server:
            self._output.record(
                {"connection": "there", "server": server}, f"Connected to {server} again."
            )
        else:
            self._output.record({"connection": "lost"}, "The connection was lost.")

    def server(self, name: str, there: bool) -> None:
        """One of several servers was lost, or is there (again); the stream goes on."""
        if self.over.called:
            return
        where = "there" if there else "away"
        try:
            self._output.record({"server": name, "state": where}, f"{name} is {where}.")
        except BrokenPipeError as problem:
            self.failed(problem)

    def failed(self, problem: Exception) -> None:
        """There will be no more."""
        if not self.over.called:
            self.over.errback(problem)

    def _bracket(self, event: m.EventActivityReport) -> None:
        self._show(event, {}, "")
        match event.activity:
            case activity if activity == BEGIN:
                self._last = event.reporting_event_sequence_number
            case activity if activity == END and self._until_state:
                self.over.callback(None)
            case activity if activity == LOST:
                self.gaps += 1
                self._last = None
                self.begin_anew()

    def _numbered(self, event: Event) -> None:
        if self._last is None:
            # What was under way when the stream was asked for anew.
            return
        number = event.reporting_event_sequence_number
        previous = event.previous_sequence_number if self._narrowed else number - 1
        if previous != self._last:
            self.gaps += 1
            self._output.record(
                {"gap": {"after": self._last, "next": number}},
                f"GAP: event {number} follows {self._last}; the stream is asked for anew.",
            )
            self._last = None
            self.begin_anew()
            return
        self._last = number
        self._show(event, {}, "resync " if event.extension.get(RESYNC) else "event  ")
        self._left -= 1
        if self._counts and self._left <= 0:
            self.over.callback(None)

    def _show(self, event: Message, more: dict[str, object], before: str) -> None:
        self._output.record({**event_record(event), **more}, before + event_line(event))
