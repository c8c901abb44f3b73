from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ixproxy.messages import (
    EventAgentLogin,
    EventAgentLogout,
    EventForcedAgentStateChange,
    EventProcessingStopped,
    EventPropertiesChanged,
    EventRevoked,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestChangeProperties,
    RequestPlaceInQueue,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopProcessing,
)
from ixproxy.messages.message import Actor, Reason
from ixproxy.node.events import report_agent, tell_agent
from ixproxy.node.log_rules import LogRules
from ixproxy.node.rows import AgentRow
from ixproxy.node.turn import Cause
from ixproxy.node.work import Report, Tell
from ixproxy.values import PartyType
from tests.node.tried import TriedNode

ROW = AgentRow(tenant_id=1, agent_id="Ann", number=5, dbid=101, place_id="P", sessions=[b"a", b"b"])


def test_numbers_do_not_depend_on_who_listens(
    node: TriedNode, make_node: Callable[..., TriedNode]
) -> None:
    deaf = make_node()
    settings = replace(deaf.settings, logs={})
    deaf.core.configuration_changed(deaf.model, settings, deaf.now)
    for each in (node, deaf):
        mail, ann = each.media_server(), each.agent("Ann")
        id = each.submit(mail)
        each.pull_ids(ann, id)
        each.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=id))
    assert node.core.last_event_number == deaf.core.last_event_number
    assert deaf.names_told(deaf.agent("Ann")) == []
    assert deaf.reported() == []
    assert node.reported() != []


def test_every_log_gets_every_reporting_event(make_node: Callable[..., TriedNode]) -> None:
    node = make_node()
    settings = replace(node.settings, logs={"log": LogRules(), "other": LogRules()})
    node.core.configuration_changed(node.model, settings, node.now)
    node.submit(node.media_server())
    (mine,), (theirs,) = node.logged("log"), node.logged("other")
    assert (mine.event_number, mine.body) == (theirs.event_number, theirs.body)


def test_a_revocation_is_for_the_client_and_not_for_reporting(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail, user_data={"a": 1})
    node.pull_ids(ann, id)
    node.reported()
    reason = Reason(reason_system_name="why")
    stop = RequestStopProcessing(tenant_id=1, interaction_id=id, reason=reason)
    node.ask(mail, stop)
    (event,) = node.told(ann)
    assert isinstance(event, EventRevoked)
    assert (event.interaction_id, event.tenant_id, event.agent_id) == (id, 1, "Ann")
    assert event.interaction["UserData"] == {"a": 1}
    assert event.reason == reason
    assert event.actor == Actor(media_server="mail-1")
    assert event.party is not None
    assert event.agent_session is not None
    reported = node.reported()
    assert "EventRevoked" not in [type(each).__name__ for each in reported]
    assert event.event_number > max(each.event_number for each in reported)


def test_an_agents_other_connections_are_told_and_the_requester_is_not(node: TriedNode) -> None:
    turn = node.turn()
    number = turn.counters.event_number
    cause = Cause(None, None, b"a")
    tell_agent(turn, EventForcedAgentStateChange, ROW, cause, media_type_name="email")
    (tell,) = turn.tells
    assert isinstance(tell, Tell)
    assert tell.session == b"b"
    assert tell.event.event_number == number + 1
    turn.tells.clear()
    alone = AgentRow(tenant_id=1, agent_id="Ann", number=5, dbid=101, sessions=[b"a"])
    tell_agent(turn, EventForcedAgentStateChange, alone, cause)
    assert turn.tells == []
    assert turn.counters.event_number == number + 1


@pytest.mark.parametrize("logs", [(), ("log",)])
def test_an_agents_event_takes_a_number_in_any_case(node: TriedNode, logs: tuple[str, ...]) -> None:
    turn = node.turn()
    turn.spools.use(node.store, dict.fromkeys(logs, LogRules()))
    number = turn.counters.event_number
    report_agent(turn, EventAgentLogin, ROW, Cause(), media_list={})
    assert turn.counters.event_number == number + 1
    assert turn.tells == []


def test_a_party_acts_by_its_own_name(node: TriedNode) -> None:
    """Several agents may be logged in through one client, and a router has strategies."""
    mail, router, desk = node.media_server(), node.router(), node.desktop()
    for name in ("Ann", "Bob"):
        node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id=name, place_id=f"P-{name}"))
    assert [event.actor for event in node.reported() if isinstance(event, EventAgentLogin)] == [
        Actor(agent_id="Ann", place_id="P-Ann"),
        Actor(agent_id="Bob", place_id="P-Bob"),
    ]
    node.ask(desk, RequestAgentLogout(tenant_id=1, agent_id="Bob"))
    (out,) = node.reported()
    assert (type(out), out.actor) == (EventAgentLogout, Actor(agent_id="Bob", place_id="P-Bob"))
    id = node.submit(mail)
    node.pull(router, extension={"StrategyId": "sort"})
    place = RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Other")
    node.ask(router, place)
    node.pull_ids(desk, id)
    actors = [event.actor for event in node.reported()]
    sorting = Actor(router_id="ors-1", strategy_id="sort")
    ann = Actor(agent_id="Ann", place_id="P-Ann")
    assert actors == [Actor(media_server="mail-1"), *[sorting] * 4, *[ann] * 2]


def test_events_say_all_from_which_the_states_of_queues_and_agents_are_derived(
    node: TriedNode,
) -> None:
    """What a reporting client makes of a stream: entered, distributed, cleared, handled."""
    mail, router, ann = node.media_server(), node.router(), node.agent("Ann")
    node.reported()
    id = node.submit(mail)
    node.pull(router)
    node.ask(router, RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Other"))
    node.pull_ids(ann, id)
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=id))
    submitted, cleared, _, _, placed, distributed, joined, left, stopped = node.reported()
    assert (submitted.queue, submitted.interaction["InteractionState"]) == ("Inbound", 0)
    assert (cleared.queue, cleared.party.party_type) == ("Inbound", PartyType.STRATEGY)
    assert (placed.queue, placed.old_queue) == ("Other", "Inbound")
    assert (distributed.queue, distributed.party.party_type) == ("Other", PartyType.AGENT)
    assert distributed.party.agent_id == "Ann"
    (row,) = node.agents()
    for event in (joined, left):
        assert event.agent_session == (row.number, row.dbid)
        assert (event.agent_id, event.party.place_id) == ("Ann", "P-Ann")
    assert (stopped.queue, stopped.actor) == ("Other", Actor(media_server="mail-1"))
    times = [event.event_time for event in (submitted, cleared, placed, distributed, stopped)]
    assert times == [node.now] * 5


def test_a_reporting_event_goes_to_streams_and_to_logs_alike(node: TriedNode) -> None:
    stat = node.client("stat", "ReportingEngine", tenants=(1,))
    node.ask(stat, RequestStartPlaceAgentStateReportingAll())
    node.submit(node.media_server())
    (report,) = node.effects(Report)
    assert [report.event] == node.reported()
    node.submit(node.media_server(), tenant_id=2)
    assert node.effects(Report) == []
    assert len(node.reported()) == 1


def test_only_servers_of_the_tenant_hear_what_becomes_of_what_their_name_submitted(
    node: TriedNode,
) -> None:
    """Test idea 57: all that share the submitted-by name, but no other tenant's."""
    first = node.media_server("mail", session=b"1" * 16)
    second = node.media_server("mail", session=b"2" * 16, wants_properties_changed=True)
    stranger = node.media_server(
        "mail", session=b"3" * 16, tenants=(2,), wants_properties_changed=True
    )
    router = node.router()
    identifier = node.submit(first)
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=identifier, changed_properties={"k": 1}
    )
    node.ask(router, change)
    assert [type(event) for event in node.told(second)] == [EventPropertiesChanged]
    assert node.told(first) == node.told(stranger) == []
    node.ask(router, RequestStopProcessing(tenant_id=1, interaction_id=identifier))
    for server in (first, second):
        assert [type(event) for event in node.told(server)] == [EventProcessingStopped]
    assert node.told(stranger) == []
