"""An event log that is a queue: what is stored, what breaks, and what it says of that."""

from __future__ import annotations

from typing import Any, cast

import pytest
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from zope.interface.verify import verifyObject

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_flight import MOST_MESSAGES
from ixproxy.eventlog.amqp_log import (
    ACCEPT_SECONDS,
    END_SECONDS,
    LONGEST_PAUSE,
    SLICE,
    SLOW_SECONDS,
    make,
)
from ixproxy.interfaces_eventlog import IEventLog
from tests.deferreds import failure_of, no_result, result_of
from tests.eventlog.amqp_rig import MADE, THERE, Rig, entries, entry, gap


def begun(**more: Any) -> Rig:
    rig = Rig(**more)
    rig.begin()
    return rig


def test_it_is_an_event_log() -> None:
    log = make({"address": "amqp://broker.example"})
    assert verifyObject(IEventLog, log)
    assert log.kind == "amqp"
    assert log.figures()["state"] == "idle"


def test_entries_become_messages_in_their_order() -> None:
    rig = begun()
    rig.store(entries(1, 500))
    rig.store([gap(501, 600), entry(601)])
    assert rig.numbers() == [*range(1, 501), 501, 601]
    assert all(each.message.durable for each in rig.kept())
    assert [each.message.id for each in rig.kept()][-2:] == ["101-3-501", "101-3-601"]
    assert rig.figure("stored") == 502
    assert rig.figure("last_id") == "101-3-601"
    assert rig.figure("state") == "connected"


def test_it_is_not_stored_before_the_broker_has_accepted_all_of_it() -> None:
    rig = begun()
    rig.broker.silent = True
    storing = rig.log.store(entries(1, 5))
    rig.go()
    no_result(storing)
    assert rig.figure("in_flight") == 5
    assert rig.figure("stored") == 0


def test_no_more_than_a_flight_is_on_its_way() -> None:
    rig = begun()
    rig.broker.credit = 10_000
    rig.broker.silent = True
    storing = rig.log.store(entries(1, 2 * MOST_MESSAGES))
    rig.go()
    no_result(storing)
    assert rig.figure("in_flight") == MOST_MESSAGES


def test_of_large_messages_there_are_few_on_their_way() -> None:
    rig = begun()
    rig.broker.silent = True
    large = {"InteractionState": 0, "UserData": {"Text": "x" * 600_000}}
    storing = rig.log.store(entries(1, 9, interaction=large))
    rig.go()
    no_result(storing)
    assert rig.figure("in_flight") == 4


def test_others_have_their_turn_while_much_is_written() -> None:
    rig = begun()
    seen: list[int] = []

    def look() -> None:
        seen.append(rig.figure("in_flight"))
        if len(seen) < 50:
            rig.reactor.callLater(0, look)

    rig.reactor.callLater(0, look)
    rig.store(entries(1, 10 * SLICE))
    assert len({each for each in seen if each}) > 3


def test_without_a_broker_nothing_is_stored_and_the_state_says_why() -> None:
    rig = Rig()
    rig.broker.reachable = False
    rig.begin()
    assert "no connection to the broker (connecting: Connection was refused" in rig.not_stored(
        entries(1, 2)
    )
    assert rig.figure("state").startswith("connecting: Connection was refused")
    rig.broker.reachable = True
    rig.go(1)
    rig.store(entries(1, 2))
    assert rig.figure("state") == "connected"
    assert rig.figure("problem") == ""


def test_what_is_to_be_stored_while_it_connects_waits_for_that() -> None:
    rig = Rig()
    rig.log.begin(rig.reactor, "ixn1", 101)
    storing = rig.log.store(entries(1, 2))
    no_result(storing)
    rig.go()
    result_of(storing)
    assert rig.numbers() == [1, 2]


def test_it_tries_again_after_longer_and_longer_pauses() -> None:
    rig = Rig()
    rig.broker.reachable = False
    rig.begin()
    for _ in range(600):
        rig.go(1)
    tried = len(rig.reactor.asked)
    assert 20 < tried < 30
    rig.broker.reachable = True
    rig.go(LONGEST_PAUSE)
    assert rig.figure("state") == "connected"


def test_a_connection_lost_in_between_fails_the_call_and_all_is_given_again() -> None:
    rig = begun()
    rig.broker.silent = True
    storing = rig.log.store(entries(1, 4))
    rig.go()
    rig.broker.cut()
    rig.go()
    said = str(failure_of(storing, AmqpLost))
    assert said.startswith("it is not known whether the broker has message 101-3-1 of ")
    assert rig.figure("failed") == 1
    assert rig.figure("refused") == 0
    rig.broker.reachable, rig.broker.silent = True, False
    rig.go(1)
    assert rig.figure("state").startswith("connected, but what was given last was not taken: ")
    rig.store(entries(1, 4))
    assert rig.numbers() == [1, 2, 3, 4]
    assert rig.figure("state") == "connected"
    assert rig.figure("connections") == 2


def test_a_message_that_is_refused_is_named_and_never_left_out() -> None:
    rig = begun()
    rig.broker.rejects.add(MADE)
    for times in range(1, 4):
        said = rig.not_stored(entries(1, 2))
        assert said.startswith("message 101-3-1 of ")
        assert "was rejected" in said
        assert rig.figure("refused") == times
        assert "not taken: message 101-3-1" in rig.figure("state")
    assert rig.numbers() == []
    rig.broker.rejects.clear()
    rig.store(entries(1, 2))
    assert rig.numbers() == [1, 2]
    assert rig.figure("state") == "connected"


def test_after_a_refusal_nothing_more_is_given() -> None:
    rig = begun()
    rig.broker.rejects.add(MADE)
    storing = rig.log.store(entries(1, 10 * MOST_MESSAGES))
    while rig.figure("in_flight") != 0 or not rig.figure("refused"):
        rig.go()
    rig.broker.rejects.clear()
    failure_of(storing, AmqpLost)
    rig.go(1)
    assert rig.numbers() == []
    rig.store(entries(1, MOST_MESSAGES + 1))
    assert rig.numbers() == [*range(1, MOST_MESSAGES + 2)]


def test_a_trouble_is_told_once_and_once_more_when_it_is_over() -> None:
    lines: list[str] = []
    hear = cast(ILogObserver, lambda event: lines.append(formatEvent(event)))
    globalLogPublisher.addObserver(hear)
    try:
        rig = begun()
        rig.broker.rejects.add(MADE)
        for _ in range(3):
            rig.not_stored(entries(1, 2))
        rig.broker.rejects.clear()
        rig.store(entries(1, 2))
    finally:
        globalLogPublisher.removeObserver(hear)
    refused, over = (line for line in lines if line.startswith("Event log of ixn1 at amqp://"))
    assert ": message 101-3-1 of " in refused
    assert over == "Event log of ixn1 at amqp://broker.example:5672: works again"


def test_a_broker_that_takes_nothing_is_shown_so_and_left_after_a_while() -> None:
    rig = begun(address="amqp://broker.example?heart-beat=0")
    rig.broker.silent = True
    storing = rig.log.store(entries(1, 3))
    rig.go(SLOW_SECONDS)
    assert rig.figure("state") == "connected, but the broker has taken nothing for 5 seconds"
    rig.go(ACCEPT_SECONDS)
    assert "accepted nothing of what it was given in 60 seconds" in str(
        failure_of(storing, AmqpLost)
    )
    rig.broker.silent = False
    rig.go(1)
    rig.store(entries(1, 3))
    assert rig.numbers()[-3:] == [1, 2, 3]


def test_a_broker_without_credit_for_us_is_waited_for() -> None:
    rig = begun()
    rig.broker.credit = 0
    storing = rig.log.store(entries(1, 3))
    rig.go(1)
    no_result(storing)
    assert rig.numbers() == []


def test_a_queue_that_has_arguments_of_its_own_is_used_as_it_is() -> None:
    rig = Rig()
    rig.broker.spoilt[MADE] = "inequivalent arg 'x-queue-type' for queue: received none"
    rig.begin()
    assert rig.figure("state") == "connected"
    rig.store(entries(1, 2))
    assert rig.numbers(THERE) == [1, 2]


def test_a_queue_that_loses_what_is_in_it_is_not_used() -> None:
    rig = Rig()
    rig.broker.spoilt[MADE] = "inequivalent arg 'durable' for queue: received 'true'"
    rig.begin()
    assert "and loses what is in it" in rig.figure("state")
    assert "loses" in rig.not_stored(entries(1, 2))
    assert rig.kept() == []
    rig.broker.spoilt.clear()
    rig.go(1)
    rig.store(entries(1, 2))


def test_a_queue_that_was_deleted_and_is_not_there_is_made_again() -> None:
    rig = Rig()
    rig.broker.spoilt[MADE] = "inequivalent arg 'x-queue-type' for queue: received none"
    rig.begin()
    rig.broker.spoilt.clear()
    rig.broker.missing.add(THERE)
    rig.broker.cut()
    rig.broker.reachable = True
    rig.go()
    rig.go(1)
    rig.go(1)
    rig.store([entry(1)])
    assert rig.numbers(MADE) == [1]


def test_while_it_is_refused_a_connection_alone_ends_no_trouble() -> None:
    rig = begun()
    rig.broker.rejects.add(MADE)
    rig.not_stored(entries(1, 2))
    rig.broker.cut()
    rig.broker.reachable = True
    rig.go()
    rig.go(2)
    assert "not taken: message 101-3-1" in rig.figure("state")


def test_a_connection_that_does_not_last_is_no_reason_to_hurry() -> None:
    rig = begun()
    for _ in range(300):
        if rig.broker.connections:
            rig.broker.cut()
            rig.broker.reachable = True
        rig.go(1)
    assert len(rig.reactor.asked) < 20


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_the_end_closes_the_connection(seconds: float) -> None:
    rig = begun()
    rig.go(seconds)
    ending = rig.log.end()
    rig.go()
    result_of(ending)
    assert rig.figure("state") == "ended"
    assert rig.broker.connections == []
    assert rig.reactor.getDelayedCalls() == []
    assert "ended" in rig.not_stored([entry(1)])


def test_the_end_waits_for_no_broker_that_hangs() -> None:
    rig = begun()
    rig.broker.silent = True
    storing = rig.log.store([entry(1)])
    rig.go()
    rig.broker.connections[0].turn = lambda: None
    ending = rig.log.end()
    rig.go(END_SECONDS)
    result_of(ending)
    failure_of(storing, AmqpLost)
    assert rig.reactor.getDelayedCalls() == []


def test_the_end_comes_while_it_connects_or_waits() -> None:
    rig = Rig()
    rig.log.begin(rig.reactor, "ixn1", 101)
    storing = rig.log.store([entry(1)])
    result_of(rig.log.end())
    failure_of(storing, AmqpLost)
    rig.go(100)
    assert rig.reactor.getDelayedCalls() == []
    waiting = Rig()
    waiting.broker.reachable = False
    waiting.begin()
    result_of(waiting.log.end())
    waiting.go(100)
    assert len(waiting.reactor.asked) == 1


def test_rest_is_nothing_that_a_queue_must_know() -> None:
    rig = begun()
    result_of(rig.log.at_rest(7, 1_790_000_000.0))
    assert rig.kept() == []


def test_figures_hold_no_password() -> None:
    rig = Rig(address="amqp://ixproxy:geheim@broker.example/calls")
    rig.broker.lets_in = False
    rig.begin()
    figures = rig.log.figures()
    assert "geheim" not in repr(figures)
    assert figures["address"] == "amqp://broker.example:5672/calls"
    assert "does not let in user 'ixproxy'" in str(figures["state"])
