from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.client.third_party_server import Call, Fault, Result
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.simulation.calls import (
    AFTER,
    ECHO,
    FAULT,
    LATE,
    MARK,
    NEVER,
    SERVERS,
    Calls,
)
from tests.deferreds import no_result, result_of


class Told:
    """What is broken."""

    def __init__(self) -> None:
        self.rules: list[str] = []

    def __call__(self, rule: str, text: str) -> None:
        self.rules.append(rule)


def call(mark: str, method: str = ECHO, after: int = 0) -> Call:
    parameters = {MARK: mark, AFTER: after}
    return Call("Test", method, "", parameters, {"of": mark}, {}, 1, "", "", "node1")


def test_without_servers_there_are_none() -> None:
    assert Calls(False, Told()).servers == ()


def test_each_server_is_there_and_they_are_found_by_type() -> None:
    calls = Calls(True, Told())
    assert [each.name for each in calls.servers] == [name for name, _ in SERVERS]
    assert calls.of_type("Classification Server") == ["classifier-1", "classifier-2"]
    assert calls.server("archive").known.type == "Contact Server"


def test_a_server_does_as_it_is_told_and_the_book_has_it() -> None:
    calls = Calls(True, told := Told())
    answer = calls._called("archive", call("m1"))
    assert answer == Result({MARK: "m1", "server": "archive"}, {"of": "m1"})
    with pytest.raises(Fault):
        calls._called("archive", call("m2", FAULT))
    assert calls.made == {"m1": ["archive"], "m2": ["archive"]}
    assert told.rules == []


def test_late_answers_come_late_and_others_when_all_is_healed() -> None:
    calls = Calls(True, Told())
    calls.clock = clock = SteppingClock()
    service = calls.server("archive")
    service._process = type("", (), {"alive": True})()
    late = calls._called("archive", call("m1", LATE, 500))
    never = calls._called("archive", call("m2", NEVER))
    lost = calls._called("archive", call("m3", NEVER))
    clock.run(0.4)
    no_result(late)
    clock.run(0.2)
    assert result_of(late).user_data == {"of": "m1"}
    no_result(never)
    calls.answer_all()
    assert result_of(never).user_data == {"of": "m2"}
    assert result_of(lost).user_data == {"of": "m3"}


def test_a_server_that_has_died_answers_nothing_any_more() -> None:
    calls = Calls(True, Told())
    never = calls._called("archive", call("m1", NEVER))
    calls.answer_all()
    no_result(never)


def test_a_call_that_is_made_twice() -> None:
    calls = Calls(True, told := Told())
    calls._called("classifier-1", call("m1"))
    calls._called("classifier-2", call("m1"))
    assert told.rules == ["a_call_is_made_once"]


def test_a_call_that_is_made_and_was_refused() -> None:
    calls = Calls(True, told := Told())
    calls.forbidden["m1"] = "it was refused"
    calls._called("classifier-1", call("m1"))
    assert told.rules == ["what_was_refused_is_not_called"]


def test_a_call_is_reported_once_and_its_beginning_before_its_end() -> None:
    begun = m.EventExternalServiceRequested(esp_request_id="101-1-1")
    over = m.EventExternalServiceResponded(esp_request_id="101-1-1")
    wrong: list[list[Message]] = [[begun, begun], [over, begun], [over, over]]
    right: list[list[Message]] = [[begun, over], [over], [begun]]
    for events in (*wrong, *right):
        calls = Calls(True, told := Told())
        for event in events:
            calls.reported("stat-1", event)
            calls.reported("stat-2", event)
        assert bool(told.rules) == (events in wrong)


def test_of_other_events_nothing_is_kept() -> None:
    calls = Calls(True, Told())
    calls.reported("stat-1", m.EventActivityReport())
    assert calls.told == {}
