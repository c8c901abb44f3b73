"""While a log that must have everything is full, nothing is done that it would have to know of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.messages.message import Request
from ixproxy.node.esp_work import CallService
from ixproxy.node.intake_work import DocumentGiven
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, LogRefused, LogShipment, ShipLog
from ixproxy.node.mandatory import may_be_refused
from ixproxy.node.requests import LONG_RULES, RULES
from ixproxy.node.work import (
    Answer,
    Asked,
    ClientsLost,
    ConnectionLost,
    Goodbye,
    Registered,
    Sender,
    Tick,
)
from tests.node.pushed import PushingNode
from tests.node.tried import TriedNode

HERE: dict[str, Any] = {"tenant_id": 1}


class Office:
    """A node with an interaction in a queue, one with an agent, and a log that is full."""

    def __init__(self, node: TriedNode, **rules: Any) -> None:
        self.node = node
        self.mail, self.ann = node.media_server(), node.agent("Ann")
        self.bob = node.agent("Bob")
        self.queued, self.held = node.submit(self.mail), node.submit(self.mail)
        node.pull_ids(self.ann, self.held)
        self.use(LogRules(max_queue=1, mandatory=True, **rules))

    def use(self, rules: LogRules) -> None:
        node = self.node
        node.settings = replace(node.settings, logs={"log": rules})
        node.core.configuration_changed(node.model, node.settings, node.now)

    def requests(self) -> list[tuple[Sender, Request]]:
        """All of them change something."""
        queued, held = ({**HERE, "interaction_id": id} for id in (self.queued, self.held))
        return [
            (self.mail, m.RequestSubmit(**HERE, media_type="email", queue="Inbound")),
            (self.mail, m.RequestChangeProperties(**queued, changed_properties={"a": 1})),
            (self.mail, m.RequestStopProcessing(**queued)),
            (self.mail, m.RequestHold(**queued)),
            (self.ann, m.RequestPlaceInQueue(**held, queue="Other")),
            (self.ann, m.RequestLeaveInteraction(**held)),
            (self.ann, m.RequestTransfer(**held, agent_id="Bob")),
            (self.bob, m.RequestPull(**HERE, view_id="Inbound/All")),
            (self.bob, m.RequestAddMedia(**HERE, agent_id="Bob", media_type_name="email")),
            (self.bob, m.RequestDoNotDisturbOn(**HERE, agent_id="Bob")),
            (self.mail, m.RequestDistributeReportingEvent(**HERE, custom_event_id=1, event={})),
        ]


@pytest.fixture
def office(node: TriedNode) -> Office:
    return Office(node)


def test_changes_are_refused_and_nothing_is_done(office: Office) -> None:
    for sender, request in office.requests():
        code = office.node.refusal(sender, request)
        assert code == Code.EVENT_LOG_FULL, request
        assert office.node.effects(LogRefused) == [LogRefused("log", Bound.EVENTS)]


def test_with_room_the_same_changes_are_done(node: TriedNode) -> None:
    office = Office(node)
    office.use(LogRules(mandatory=True))
    sender, request = office.requests()[0]
    assert isinstance(node.perform(sender, request), Answer)
    office.use(LogRules(max_queue=1))
    assert isinstance(node.perform(sender, request), Answer), "one that may lose something"


def test_once_it_has_taken_some_requests_are_served_again(office: Office) -> None:
    node = office.node
    node.run(ShipLog("log", 100))
    (shipment,) = node.effects(LogShipment)
    sender, request = office.requests()[0]
    assert node.refusal(sender, request) == Code.EVENT_LOG_FULL
    node.run(ShipLog("log", 100, tuple(shipment.bodies)))
    assert isinstance(node.perform(sender, request), Answer)


def test_what_the_log_does_not_want_goes_on(node: TriedNode) -> None:
    office = Office(node, queue=False)
    place = m.RequestPlaceInQueue(**HERE, interaction_id=office.queued, queue="Other")
    assert isinstance(node.perform(office.mail, place), Answer)


def test_reads_and_goodbyes_and_logouts_go_on(office: Office) -> None:
    node = office.node
    read = m.RequestGetInteractionProperties(**HERE, interaction_id=office.queued)
    assert node.ask(office.mail, read).interaction
    find = m.RequestFindInteractions(**HERE, condition="Queue = 'Inbound'")
    node.perform(office.mail, find)
    empty = m.RequestPull(**HERE, view_id="Done/All")
    assert node.ask(office.bob, empty).interactions == {}
    node.ask(office.bob, m.RequestAgentLogout(**HERE, agent_id="Bob"))
    node.run(Registered(replace_name(office.bob)))
    node.run(Goodbye(office.ann.session))
    row = node.row(office.held)
    assert row is not None
    assert row.state == 0, "it is back in its queue"
    assert {row.agent_id for row in node.agents()} == set()


def replace_name(sender: Sender) -> Sender:
    return Sender(b"n" * 16, "new", sender.client_type, sender.tenants)


def test_timers_go_on(make_node: Callable[..., TriedNode]) -> None:
    office = Office(make_node(handling_timeout=1))
    node = office.node
    node.ask(office.ann, m.RequestGetInteractionProperties(**HERE, interaction_id=office.held))
    waiting = node.core._standing.spools.spools["log"].waiting
    node.run(ConnectionLost(office.ann.session))
    node.wait(100)
    row = node.row(office.held)
    assert row is not None
    assert row.state == 0
    assert node.core._standing.spools.spools["log"].waiting > waiting


def test_nothing_is_pushed_until_there_is_room() -> None:
    node = PushingNode()
    (id,) = node.feed(node.media_server())
    full = LogRules(max_queue=1, mandatory=True)
    node.settings = replace(node.settings, logs={"log": full})
    node.core.configuration_changed(node.model, node.settings, node.now)
    router = node.pushes_to()
    assert node.pushed() == []
    due = node.core.next_due()
    assert due is not None
    assert due > node.now, "it is tried again, but not in circles"
    node.run(ShipLog("log", 100))
    (shipment,) = node.effects(LogShipment)
    node.run(ShipLog("log", 100, tuple(shipment.bodies)))
    node.wait(due - node.now)
    assert node.ids_pushed(router) == [id]
    node.discard()


def test_a_call_to_an_external_server_is_not_made(node: TriedNode) -> None:
    office = Office(node)
    router = node.router()
    call = m.Request3rdServer(
        **HERE, interaction_id=office.queued, envelope3rd_server={"AppName": "classifier"}
    )
    assert node.refusal(router, call) == Code.EVENT_LOG_FULL
    office.use(LogRules(max_queue=1, mandatory=True, esp_service=False))
    assert isinstance(node.perform(router, call), CallService)


@pytest.mark.parametrize("kind", [*RULES, *LONG_RULES])
def test_only_what_ends_something_is_never_refused(kind: type[Request]) -> None:
    ends = kind in (m.RequestAgentLogout, m.RequestCancelTake, m.RequestConfirmSession)
    assert may_be_refused(Asked(None, kind())) is not ends  # type: ignore[arg-type]


def test_what_nobody_could_ask_for_again_is_done() -> None:
    for work in (None, Tick(), ClientsLost((), ""), ConnectionLost(b"")):
        assert not may_be_refused(work)
    assert may_be_refused(DocumentGiven("mail", None))  # type: ignore[arg-type]
