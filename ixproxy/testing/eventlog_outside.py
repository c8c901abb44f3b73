"""The outside of an event log, as the contract of event logs plays with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock

from ixproxy import messages as m
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.messages.message import Actor, Event, Party, Reason, Workbin
from ixproxy.node.log_work import Dropped, Entry

LONG = 120.0
"""Seconds within which whatever is retried must have been retried."""

NOW = 1_700_000_000.0
"""When the first event of a test happens."""

Name = tuple[int, int, int]
"""Of an entry: dbid, epoch, number."""

Gap = tuple[int, int, int, int, dict[str, int]]
"""What was dropped: dbid, epoch, first, last, and how many by the name of the event."""


class LogOutside:
    """
    Where a log keeps its events: what a test does to it, and reads from it.

    All is on one `reactor`; time passes by `later` alone.

    :cvar breaks: it can be out of reach.
    :cvar answers_get_lost: it can store and be lost before it says so.
    :cvar ordered: events can be read in the order in which they were stored.
    """

    breaks = True
    answers_get_lost = True
    ordered = False

    def __init__(self) -> None:
        self.reactor: Any = Clock()

    def make_log(self) -> IEventLog:
        """A log that keeps its events here; each time one for another term of a node."""
        raise NotImplementedError

    def stored(self) -> list[Name]:
        """The events that a reader finds; one who drops repeats, where the log cannot."""
        raise NotImplementedError

    def dropped(self) -> list[Gap]:
        """The gaps that a reader finds."""
        raise NotImplementedError

    def cut(self) -> None:
        """It is out of reach until `mend`."""
        raise NotImplementedError

    def mend(self) -> None:
        """It can be reached again, and has all that it had."""
        raise NotImplementedError

    def lose_next_answer(self) -> None:
        """What is stored next is stored, but the log does not get to know."""
        raise NotImplementedError

    def later(self, seconds: float) -> None:
        """Let time pass, and all happen that happens meanwhile."""
        for _ in range(max(1, round(seconds / 0.25))):
            self.reactor.advance(min(seconds, 0.25))
        self.reactor.advance(0)

    def until(self, happened: Callable[[], object], seconds: float = LONG) -> None:
        """
        Let time pass until something has happened.

        :raise AssertionError: it has not, in so many seconds.
        """
        for _ in range(round(seconds / 0.5)):
            if happened():
                return
            self.later(0.5)
        assert happened(), "it did not happen in time"

    def close(self) -> None:
        """The test is over."""


def entry(number: int, *, dbid: int = 101, epoch: int = 1, what: Any = None) -> Entry:
    """An entry that says its number, of one kind of event or another."""
    event = sample_event(number, dbid) if what is None else what
    return Entry(dbid=dbid, epoch=epoch, number=number, what=event)


def gap(first: int, last: int, *, dbid: int = 101, epoch: int = 1, **events: int) -> Entry:
    """An entry that says what was dropped."""
    times = (NOW + first, NOW + last)
    what = Dropped(
        first=first, last=last, first_time=times[0], last_time=times[1], events=dict(events)
    )
    return Entry(dbid=dbid, epoch=epoch, number=first, what=what)


def sample_event(number: int, dbid: int = 101) -> Event:
    """An event of the kind that is `number`'s turn, of those that are logged."""
    common: dict[str, Any] = {
        "event_time": NOW + number,
        "event_number": number,
        "dbid": dbid,
        "tenant_id": 1,
        "actor": Actor(agent_id="ann", place_id="p1"),
        "reason": Reason(reason_system_name="Why", reason_description="For this", reason=7),
    }
    about: dict[str, Any] = {
        "media_type": "email",
        "interaction_id": f"ixn{number}",
        "interaction": {
            "InteractionType": "Inbound", "InteractionSubtype": "New", "InteractionState": 3,
            "SubmittedBy": "mail", "ReceivedAt": NOW, "SubmittedAt": NOW + 1.5,
            "MovedToQueueAt": NOW + 2, "ParentId": "ixn0", "ExternalId": f"x{number}",
            "UserData": {"Customer": f"c{number}", "Amount": number, "Nested": {"a": [1, b"\xff"]}},
        },
    }  # fmt: skip
    agent: dict[str, Any] = {"agent_id": "ann", "place_id": "p1", "agent_session": (12, dbid)}
    kind = number % 8
    if kind == 0:
        return m.EventPlacedInQueue(**common, **about, queue="Q2", old_queue="Q1")
    if kind == 1:
        party = Party(party_type=2, agent_id="ann", place_id="p1", visibility_mode="Conference")
        return m.EventPartyAdded(
            **common, **about, party=party, operation="Pull", agent_id="ann",
            agent_session=(12, dbid),
        )  # fmt: skip
    if kind == 2:
        return m.EventPropertiesChanged(
            **common, **about, added_properties={"a": 1}, changed_properties={"b": [b"\x00", None]},
            deleted_properties={"c": ""},
        )  # fmt: skip
    if kind == 3:
        workbin = Workbin(workbin_type_id="drafts", workbin_agent_id="ann")
        return m.EventPlacedInWorkbin(**common, **about, queue="Q1", workbin=workbin)
    if kind == 4:
        return m.EventAgentLogin(
            **common, **agent, media_list={"email": 1, "chat": 0}, donot_disturb=1,
            media_reasons={"chat": Reason(reason_system_name="Lunch")},
            state_reason=Reason(reason_system_name="Early", reason=3),
        )  # fmt: skip
    if kind == 5:
        return m.EventReadyForMedia(**common, **agent, media_type_name="chat")
    if kind == 6:
        return m.EventExternalServiceResponded(
            **common, **about, esp_client_refid=5, esp_server_refid=6, esp_request_id=f"r{number}",
            esp_server="crm", user_data={"k": 1},
            esp_request_envelope={"Service": "S", "Method": "M", "Customer": 1, "FaultCode": "9"},
        )  # fmt: skip
    return m.EventCustomReporting(**common, **about, custom_event_id=4711, event={"says": number})
