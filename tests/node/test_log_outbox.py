"""What happens becomes rows for event logs, and they are read in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ixproxy.messages import (
    RequestAgentLogin,
    RequestAgentLogout,
    RequestChangeProperties,
    RequestGetInteractionProperties,
    RequestHold,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.messages.message import Event
from ixproxy.node import log_outbox
from ixproxy.node.log_packs import Amount, entries_of, told_before
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, Dropped, Entry, LogGrew, LogShipment, ShipLog
from ixproxy.node.rows import OutboxRow
from ixproxy.node.spools import Spool
from ixproxy.node.work import Asked, Sender
from tests.node.tried import TriedNode

SUBMIT: dict[str, Any] = {"tenant_id": 1, "media_type": "email", "queue": "Inbound"}


def with_rules(node: TriedNode, **rules: LogRules) -> TriedNode:
    node.settings = replace(node.settings, logs=rules)
    node.core.configuration_changed(node.model, node.settings, node.now)
    return node


def ship(node: TriedNode, told: tuple[int, ...] = (), limit: int = 100) -> LogShipment:
    node.run(ShipLog("log", limit, told, "token"))
    (shipment,) = node.effects(LogShipment)
    assert shipment.token == "token"
    return shipment  # type: ignore[no-any-return]


def entries(node: TriedNode, shipment: LogShipment) -> list[Entry]:
    return [each for body in shipment.bodies.values() for each in entries_of(101, body)[0]]


def spool(node: TriedNode, log: str = "log") -> Spool:
    return node.core._standing.spools.spools[log]


def grown(node: TriedNode) -> list[tuple[str, int, int]]:
    """Of each log, how many wait and how many were dropped."""
    return [(each.log, each.waiting, each.dropped) for each in node.effects(LogGrew)]


def submits(mail: Sender, number: int) -> list[Asked]:
    return [Asked(mail, RequestSubmit(**SUBMIT), 0, at) for at in range(number)]


def test_a_batch_is_one_row_for_each_log_by_the_number_of_its_last_event(node: TriedNode) -> None:
    with_rules(node, log=LogRules(), queues=LogRules(agent_state=False))
    mail, desk = node.media_server(), node.desktop()
    node.run(
        *submits(mail, 2),
        Asked(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", place_id="P"), 0, "a"),
    )
    (whole,), (queues,) = node.logged("log"), node.logged("queues")
    assert whole.event_number == node.core.last_event_number
    assert queues.event_number < whole.event_number
    assert grown(node) == [("log", 3, 0), ("queues", 2, 0)]
    names = [type(each.what).__name__ for each in entries_of(101, whole.body)[0]]
    assert names == ["EventInteractionSubmitted"] * 2 + ["EventAgentLogin"]


def test_a_batch_of_which_a_log_wants_nothing_leaves_it_alone(node: TriedNode) -> None:
    with_rules(node, log=LogRules(only=frozenset({"EventHeld"})))
    node.submit(node.media_server())
    assert node.logged("log") == []
    assert node.effects(LogGrew) == []


def test_what_is_refused_leaves_nothing_and_the_numbers_have_no_gap(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    node.reported()
    hold = RequestHold(tenant_id=1, interaction_id=id)
    node.run(Asked(mail, hold, 0, 1), Asked(mail, hold, 0, 2), *submits(mail, 1))
    events = node.reported()
    assert [type(each).__name__ for each in events] == ["EventHeld", "EventInteractionSubmitted"]
    assert events[1].event_number == node.core.last_event_number


def test_what_the_store_takes_back_was_never_gathered(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.commits = ["fails"]
    node.core.run(submits(mail, 3), node.now)
    assert spool(node).waiting == sum(len(entries_of(101, r.body)[0]) for r in node.logged("log"))
    assert spool(node).waiting == 3
    assert len(node.logged("log")) == 3, "one by one"


def test_the_log_has_the_whole_interaction_as_a_reporting_client_would(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail, user_data={"a": {"b": 1}, "Priority": 7}, in_queues={"Other": ""})
    node.pull_ids(ann, id)
    logged = {type(each).__name__: each for each in node.reported()}
    taken = logged["EventTakenFromQueue"].interaction
    assert taken["UserData"] == {"a": {"b": 1}, "Priority": 7}
    assert taken["Priority"] == 7
    assert taken["AgentId"] == "Ann"
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=id, changed_properties={"a": {"b": 2}}
    )
    node.ask(ann, change)
    ask = RequestGetInteractionProperties(tenant_id=1, interaction_id=id)
    told = node.ask(mail, ask).interaction
    (changed,) = node.reported()
    assert changed.interaction == told


def test_a_log_is_spared_what_it_does_not_need(node: TriedNode) -> None:
    with_rules(node, log=LogRules(properties=frozenset({"SubmittedBy"})))
    mail = node.media_server()
    node.submit(mail, user_data={"a": "x" * 5000})
    (row,) = node.logged("log")
    assert len(row.body) < 500
    (entry,), _ = entries_of(101, row.body)
    assert isinstance(entry.what, Event)
    assert entry.what.interaction == {"SubmittedBy": mail.client_name}  # type: ignore[attr-defined]


def test_a_large_batch_is_several_rows_in_order(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_outbox, "PACK_BYTES", 1000)
    mail = node.media_server()
    node.run(*submits(mail, 12))
    rows = node.logged("log")
    assert 2 < len(rows) < 12
    numbers = [each.number for row in rows for each in entries_of(101, row.body)[0]]
    assert numbers == list(range(numbers[0], numbers[0] + 12))
    counts = [len(entries_of(101, row.body)[0]) for row in rows]
    firsts = [sum(counts[:at]) for at in range(len(rows))]
    found = node.logged_sizes("log")
    assert [told_before(row.body) for row in rows] == [Amount(n, sum(found[:n])) for n in firsts]
    assert spool(node).next == Amount(12, sum(found))


def test_rows_are_shipped_oldest_first_and_leave_when_they_were_told(node: TriedNode) -> None:
    mail = node.media_server()
    for _ in range(3):
        node.submit(mail)
    first = ship(node, limit=2)
    assert (len(first.bodies), first.left) == (2, 3)
    again = ship(node, limit=2)
    assert again.bodies == first.bodies, "until they are told"
    rest = ship(node, tuple(first.bodies))
    assert (len(rest.bodies), rest.left) == (1, 1)
    assert max(each.number for each in entries(node, rest)) <= rest.number
    assert rest.number <= node.core.last_event_number
    assert rest.at < node.now
    nothing = ship(node, tuple(rest.bodies))
    assert (nothing.bodies, nothing.left) == ({}, 0)
    assert node.logged("log") == []


def test_a_restart_goes_on_where_the_spool_was(node: TriedNode) -> None:
    mail = node.media_server()
    node.submit(mail)
    node.submit(mail)
    ship(node, tuple(ship(node, limit=1).bodies))
    node.restart()
    assert spool(node).waiting == 1
    node.submit(mail)
    shipment = ship(node)
    assert shipment.left == 2
    assert [each.epoch for each in entries(node, shipment)] == [node.epoch - 1, node.epoch]


def test_other_consumers_rows_stay(node: TriedNode) -> None:
    with_rules(node, log=LogRules(), other=LogRules())
    node.submit(node.media_server())
    ship(node, tuple(ship(node).bodies))
    assert node.logged("log") == []
    assert len(node.logged("other")) == 1


def gaps(found: list[Entry]) -> list[Dropped]:
    return [each.what for each in found if isinstance(each.what, Dropped)]


def events(found: list[Entry]) -> list[int]:
    return [each.number for each in found if isinstance(each.what, Event)]


def test_what_does_not_fit_is_counted_at_its_place(node: TriedNode) -> None:
    with_rules(node, log=LogRules(max_queue=5))
    mail = node.media_server()
    node.run(*submits(mail, 3))
    began = node.now
    node.run(*submits(mail, 4))
    (grew,) = node.effects(LogGrew)
    first = events(entries(node, ship_nothing(node)))[0]
    assert grew == LogGrew("log", 5, sum(node.logged_sizes("log")), 2, first + 5, Bound.EVENTS)
    node.now += 10
    ids = [node.submit(mail), node.submit(mail)]
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=ids[0]))
    assert len(node.logged("log")) == 3, "two packs and a gap that grows"
    found = entries(node, ship(node))
    assert events(found) == list(range(first, first + 5))
    assert gaps(found) == [
        Dropped(
            first + 5,
            node.core.last_event_number,
            began,
            node.now,
            {"EventInteractionSubmitted": 4, "EventProcessingStopped": 1},
        )
    ]
    assert isinstance(found[-1].what, Dropped)


def ship_nothing(node: TriedNode) -> LogShipment:
    """What waits, without the node knowing that it was read."""
    return LogShipment("log", {row.event_number: row.body for row in node.logged("log")})


def test_a_gap_that_was_read_grows_no_more(node: TriedNode) -> None:
    with_rules(node, log=LogRules(max_queue=2))
    mail = node.media_server()
    node.run(*submits(mail, 3))
    first = ship(node)
    node.run(*submits(mail, 2))
    assert [sum(gap.events.values()) for gap in gaps(entries(node, first))] == [1]
    rest = ship(node, tuple(first.bodies))
    (gap,) = gaps(entries(node, rest))
    assert gap.events == {"EventInteractionSubmitted": 2}
    assert gap.first == gaps(entries(node, first))[0].last + 1
    node.run(*submits(mail, 1))
    assert grown(node) == [("log", 1, 0)]


def test_a_gap_stays_open_until_there_is_some_room(node: TriedNode) -> None:
    with_rules(node, log=LogRules(max_queue=20))
    mail = node.media_server()
    for _ in range(20):
        node.submit(mail)
    node.submit(mail)
    one = ship(node, limit=1)
    ship(node, tuple(one.bodies), limit=1)
    node.submit(mail)
    assert grown(node) == [("log", 19, 1)], "19 of 20 is full still"
    assert node.effects(LogGrew)[0].bound is Bound.EVENTS
    two = ship(node, limit=1)
    ship(node, tuple(two.bodies), limit=1)
    node.submit(mail)
    assert grown(node) == [("log", 19, 0)]
    found = entries(node, ship_nothing(node))
    assert [sum(gap.events.values()) for gap in gaps(found)] == [2]
    assert isinstance(found[-2].what, Dropped), "before what fits again"


def test_a_restart_closes_a_gap_and_what_is_dropped_then_is_another(node: TriedNode) -> None:
    with_rules(node, log=LogRules(max_queue=1))
    mail = node.media_server()
    node.run(*submits(mail, 3))
    node.restart()
    node.run(*submits(mail, 2))
    found = entries(node, ship(node))
    assert [(gap.events, each.epoch) for each in found for gap in gaps([each])] == [
        ({"EventInteractionSubmitted": 2}, node.epoch - 1),
        ({"EventInteractionSubmitted": 2}, node.epoch),
    ]


def test_a_mandatory_log_goes_above_its_bound(node: TriedNode) -> None:
    with_rules(node, log=LogRules(max_queue=2, mandatory=True))
    ann = node.agent("Ann")
    node.run(*submits(node.media_server(), 2))
    node.ask(ann, RequestAgentLogout(tenant_id=1, agent_id="Ann"))
    found = entries(node, ship(node))
    assert (len(found), gaps(found)) == (3, []), "two, and the logout"


def test_rows_that_cannot_be_read_do_not_stop_the_others(node: TriedNode) -> None:
    node.submit(node.media_server())
    good = node.logged("log")[0]
    bad = OutboxRow(event_number=good.event_number - 1, consumer=good.consumer, body=b"x")
    node.store.begin()
    node.store.write([bad], [])
    node.store.commit(node.core.last_event_number)
    shipment = ship(node)
    assert list(shipment.bodies) == [bad.event_number, good.event_number]
    assert ship(node, (bad.event_number,)).left == 1
    assert ship(node, (good.event_number,)).left == 0


def test_rows_that_are_large_are_read_few_at_a_time(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rules(node, log=LogRules())
    mail = node.media_server()
    for _ in range(3):
        node.submit(mail)
    rows = node.logged("log")
    monkeypatch.setattr(log_outbox, "READ_BYTES", len(rows[0].body) + len(rows[1].body))
    first = ship(node)
    assert list(first.bodies) == [row.event_number for row in rows[:2]]
    assert first.left == 3
    monkeypatch.setattr(log_outbox, "READ_BYTES", 1)
    assert list(ship(node, tuple(first.bodies)).bodies) == [rows[2].event_number]


def test_a_gap_that_was_too_far_behind_large_rows_to_be_read_grows_on(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rules(node, log=LogRules(max_queue=2))
    mail = node.media_server()
    node.run(*submits(mail, 3))
    monkeypatch.setattr(log_outbox, "READ_BYTES", 1)
    assert gaps(entries(node, ship(node))) == []
    node.run(*submits(mail, 2))
    (gap,) = gaps(entries(node, ship_nothing(node)))
    assert gap.events == {"EventInteractionSubmitted": 3}


def test_what_a_log_that_is_gone_would_read_is_there_still(make_node: Callable[..., Any]) -> None:
    node = make_node()
    node.submit(node.media_server())
    with_rules(node)
    node.submit(node.media_server())
    assert len(node.logged("log")) == 1
    assert ship(node).bodies
    with_rules(node, log=LogRules())
    assert spool(node).waiting == 1
