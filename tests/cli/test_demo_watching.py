"""The demo's reporting client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed

from ixproxy import messages as m
from ixproxy.cli.demo_watching import PATIENCE_SECONDS, TITLES, Watcher, name_of
from ixproxy.client import Answer
from ixproxy.messages.message import Event, Message, Request
from ixproxy.testing.clock import SteppingClock
from ixproxy.wire.streams import BEGIN, numbered


class Asked:
    """A client that notes what it is asked for."""

    server = m.ServerFacts()

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.callbacks: list[Callable[[Message], None]] = []

    def ask(self, message: Request, timeout: float | None = None) -> Deferred[Answer]:
        raise AssertionError("the bare answer will do")

    def request(self, message: Request, timeout: float | None = None) -> Deferred[Any]:
        self.requests.append(message)
        return succeed(m.EventAck())

    def on_event(self, callback: Callable[[Message], None]) -> None:
        self.callbacks.append(callback)

    def tell(self, *events: Event) -> None:
        for event in events:
            for callback in self.callbacks:
                callback(event)


def watching() -> tuple[Watcher, Asked]:
    client = Asked()
    watcher = Watcher(client)
    beginning = Deferred.fromCoroutine(watcher.begin())
    assert beginning.called
    assert [type(each) for each in client.requests] == [
        m.RequestStartPlaceAgentStateReportingAll,
        m.RequestStartExternalServiceReporting,
    ]
    client.tell(numbered(m.EventActivityReport(activity=BEGIN), 4))
    return watcher, client


def test_events_are_counted_by_what_they_say() -> None:
    expired = m.Reason(reason_system_name="Expired")
    names = [
        name_of(event)
        for event in (
            m.EventAgentLogin(),
            m.EventInteractionSubmitted(),
            m.EventAgentInvited(operation="Deliver"),
            m.EventPartyAdded(operation="Deliver"),
            m.EventRejected(),
            m.EventRevoked(reason=expired),
            m.EventPartyAdded(operation="Transfer"),
            m.EventPartyAdded(operation="Conference"),
            m.EventExternalServiceResponded(esp_request_envelope={"Method": "Acknowledge"}),
            m.EventProcessingStopped(),
            m.EventAgentLogout(),
        )
    ]
    assert names == list(TITLES)
    others = (
        m.EventPartyAdded(),
        m.EventRevoked(),
        m.EventPlacedInQueue(),
        m.EventAck(),
        m.EventExternalServiceResponded(esp_request_envelope={"Method": "Count"}),
    )
    assert {name_of(event) for event in others} == {""}


def test_a_missing_event_is_a_gap() -> None:
    watcher, client = watching()
    client.tell(*(numbered(m.EventAgentLogin(), number) for number in (5, 6, 8, 9)))
    assert (watcher.events, watcher.gaps, watcher.counts["logins"]) == (4, 1, 4)


def test_calls_are_told_beside_the_stream() -> None:
    watcher, client = watching()
    client.tell(m.EventExternalServiceRequested(), m.EventExternalServiceResponded())
    client.tell(m.EventExternalServiceResponded(esp_request_envelope={"Method": "Acknowledge"}))
    assert (watcher.events, watcher.gaps, watcher.counts["called"]) == (0, 0, 1)


def test_what_is_still_to_come_is_waited_for() -> None:
    watcher, client = watching()
    clock = SteppingClock(0.0)
    told: list[None] = []
    waiting = Deferred.fromCoroutine(watcher.told_all(clock, {"logins": 1}))
    waiting.addCallback(told.append)
    assert told == []
    client.tell(numbered(m.EventAgentLogin(), 5))
    assert told == [None]
    assert Deferred.fromCoroutine(watcher.told_all(clock, {"logins": 1})).called


def test_it_is_not_waited_for_ever() -> None:
    watcher, _ = watching()
    clock = SteppingClock(0.0)
    waiting = Deferred.fromCoroutine(watcher.told_all(clock, {"logins": 2}))
    assert clock.run_until(lambda: waiting.called, PATIENCE_SECONDS + 1)
