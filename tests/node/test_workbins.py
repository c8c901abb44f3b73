"""Who listens to a workbin of a node hears each way in and out, and what else they wished for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.messages import Workbin
from ixproxy.messages.message import Request
from ixproxy.node import workbins
from ixproxy.node.long_reads import result_of
from ixproxy.node.work import ClientsLost, ConnectionLost, Goodbye, ReadLong, Registered, Sender
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
TEAM = Workbin(workbin_type_id="Team", workbin_group_id="loans")
DESK = Workbin(workbin_type_id="Desk", workbin_place_id="P1")
FLOOR = Workbin(workbin_type_id="Floor", workbin_place_group_id="second")
STOPS = {"event_processing_stopped": 1}


def listen(workbin: Workbin = DRAFTS, **more: Any) -> m.RequestWorkbinNotifications:
    return m.RequestWorkbinNotifications(tenant_id=1, workbin=workbin, **more)


def listen_to_all(workbin: Workbin = DRAFTS) -> m.RequestWorkbinNotifications:
    return listen(workbin, notify_property_changes=1, extension=STOPS)


def cancel(workbin: Workbin = DRAFTS) -> m.RequestWorkbinCancelNotifications:
    return m.RequestWorkbinCancelNotifications(tenant_id=1, workbin=workbin)


def of(kind: type[Any], identifier: str, **more: Any) -> Any:
    return kind(tenant_id=1, interaction_id=identifier, **more)


def by_id(identifier: str) -> m.RequestPull:
    return m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: ""})


def heard(node: TriedNode, sender: Sender) -> list[tuple[str, str, Workbin | None]]:
    """What the last batch told of workbins: operation, interaction, workbin."""
    return [
        (event.workbin_content_operation, event.interaction_id, event.workbin)
        for event in node.told(sender)
        if isinstance(event, m.EventWorkbinContentChanged)
    ]


def operations(node: TriedNode, sender: Sender) -> list[str]:
    return [operation for operation, _, _ in heard(node, sender)]


@pytest.mark.parametrize("workbin", [DRAFTS, TEAM, DESK, FLOOR])
def test_whoever_owns_a_workbin_it_can_be_listened_to(node: TriedNode, workbin: Workbin) -> None:
    watcher, mail = node.desktop("watcher"), node.media_server()
    node.ask(watcher, listen(workbin))
    identifier = node.submit(mail, workbin=workbin)
    assert heard(node, watcher) == [("PlacedIn", identifier, workbin)]
    node.submit(mail)
    assert heard(node, watcher) == []
    node.ask(mail, of(m.RequestPlaceInQueue, identifier, queue="Inbound"))
    assert heard(node, watcher) == [("TakenOut", identifier, workbin)]
    node.ask(watcher, cancel(workbin))
    node.submit(mail, workbin=workbin)
    assert heard(node, watcher) == []


def test_an_event_says_how_the_interaction_is_now_and_who_did_it(node: TriedNode) -> None:
    watcher, mail, ann = node.desktop("watcher"), node.media_server(), node.agent("Ann")
    node.ask(watcher, listen())
    identifier = node.submit(mail, workbin=DRAFTS, user_data={"k": 1})
    node.ask(ann, by_id(identifier))
    (event,) = node.told(watcher)
    assert isinstance(event, m.EventWorkbinContentChanged)
    assert (event.tenant_id, event.media_type, event.interaction_id) == (1, "email", identifier)
    assert event.interaction["UserData"] == {"k": 1}
    assert (event.interaction["InteractionState"], event.interaction["AgentId"]) == (3, "Ann")
    assert event.actor is not None
    assert event.actor.agent_id == "Ann"
    assert event.event_number
    assert event.dbid == 101


def placed_back(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.ask(ann, of(m.RequestPlaceInWorkbin, identifier, workbin=DRAFTS))


def left(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.ask(ann, of(m.RequestLeaveInteraction, identifier))


def unregistered(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.run(Goodbye(ann.session))


def not_back_in_time(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.run(ConnectionLost(ann.session))
    node.wait(61.0)


def back_without_it(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.run(ConnectionLost(ann.session))
    node.run(Registered(ann, 2))


def logged_out(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.ask(ann, m.RequestAgentLogout(tenant_id=1, agent_id="Ann"))


def handled_for_too_long(node: TriedNode, ann: Sender, identifier: str) -> None:
    node.wait(180 * 60 + 1.0)


@pytest.mark.parametrize(
    "back",
    [
        placed_back,
        left,
        unregistered,
        not_back_in_time,
        back_without_it,
        logged_out,
        handled_for_too_long,
    ],
    ids=lambda way: way.__name__.replace("_", " "),
)
def test_what_was_taken_out_is_heard_of_however_it_comes_back(
    node: TriedNode, back: Callable[[TriedNode, Sender, str], None]
) -> None:
    watcher, ann = node.desktop("watcher"), node.agent("Ann")
    node.ask(watcher, listen())
    identifier = node.submit(node.media_server(), workbin=DRAFTS)
    node.ask(ann, by_id(identifier))
    assert heard(node, watcher) == [("TakenOut", identifier, DRAFTS)]
    back(node, ann, identifier)
    assert heard(node, watcher) == [("PlacedIn", identifier, DRAFTS)]


def test_what_an_agent_transfers_is_out_until_nobody_has_it_any_more(node: TriedNode) -> None:
    watcher, ann, bob = node.desktop("watcher"), node.agent("Ann"), node.agent("Bob")
    node.ask(watcher, listen())
    identifier = node.submit(node.media_server(), workbin=DRAFTS)
    node.ask(ann, by_id(identifier))
    node.begin(ann, of(m.RequestTransfer, identifier, agent_id="Bob"))
    node.ask(bob, of(m.RequestAccept, identifier))
    assert heard(node, watcher) == []
    node.ask(bob, of(m.RequestLeaveInteraction, identifier))
    assert heard(node, watcher) == [("PlacedIn", identifier, DRAFTS)]


def test_a_move_from_workbin_to_workbin_is_heard_of_in_both(node: TriedNode) -> None:
    watcher, mail = node.desktop("watcher"), node.media_server()
    node.ask(watcher, listen(DRAFTS))
    node.ask(watcher, listen(TEAM))
    identifier = node.submit(mail, workbin=DRAFTS)
    node.ask(mail, of(m.RequestPlaceInWorkbin, identifier, workbin=TEAM))
    assert heard(node, watcher) == [
        ("TakenOut", identifier, DRAFTS),
        ("PlacedIn", identifier, TEAM),
    ]


def test_what_leaves_for_a_queue_does_not_come_back(node: TriedNode) -> None:
    watcher, ann = node.desktop("watcher"), node.agent("Ann")
    node.ask(watcher, listen_to_all())
    identifier = node.submit(node.media_server(), workbin=DRAFTS)
    node.ask(ann, by_id(identifier))
    node.ask(ann, of(m.RequestPlaceInQueue, identifier, queue="Inbound"))
    assert heard(node, watcher) == []
    node.ask(node.media_server("mail-2"), of(m.RequestStopProcessing, identifier))
    assert heard(node, watcher) == [], "it has nothing to do with the workbin any more"


def test_changed_properties_of_what_lies_there_are_for_who_asked(node: TriedNode) -> None:
    plain, curious, mail = node.desktop("plain"), node.desktop("curious"), node.media_server()
    node.ask(plain, listen())
    node.ask(curious, listen(notify_property_changes=1))
    identifier = node.submit(mail, workbin=DRAFTS)
    change = of(m.RequestChangeProperties, identifier, changed_properties={"k": 2})
    node.ask(mail, change)
    assert operations(node, plain) == []
    (event,) = node.told(curious)
    assert isinstance(event, m.EventWorkbinContentChanged)
    assert event.workbin_content_operation == "PropertiesChanged"
    assert event.interaction["UserData"] == {"k": 2}
    ann = node.agent("Ann")
    node.ask(ann, by_id(identifier))
    node.ask(ann, of(m.RequestChangeProperties, identifier, changed_properties={"k": 3}))
    assert operations(node, curious) == [], "it does not lie there now"


def test_the_end_of_what_lies_there_is_a_way_out_and_more_for_who_asked(node: TriedNode) -> None:
    plain, curious, mail = node.desktop("plain"), node.desktop("curious"), node.media_server()
    node.ask(plain, listen())
    node.ask(curious, listen(extension=STOPS))
    identifier = node.submit(mail, workbin=DRAFTS)
    node.ask(mail, of(m.RequestStopProcessing, identifier))
    assert operations(node, plain) == ["TakenOut"]
    assert operations(node, curious) == ["TakenOut", "ProcessingStopped"]


def test_the_end_of_what_was_taken_out_is_for_who_asked(node: TriedNode) -> None:
    plain, curious, ann = node.desktop("plain"), node.desktop("curious"), node.agent("Ann")
    node.ask(plain, listen())
    node.ask(curious, listen(extension=STOPS))
    identifier = node.submit(node.media_server(), workbin=DRAFTS)
    node.ask(ann, by_id(identifier))
    node.ask(ann, of(m.RequestStopProcessing, identifier))
    assert operations(node, plain) == []
    assert heard(node, curious) == [("ProcessingStopped", identifier, DRAFTS)]


def test_who_did_it_is_told_as_well_behind_the_answer(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.ask(ann, listen_to_all())
    identifier = node.submit(node.media_server(), workbin=DRAFTS)
    node.ask(ann, by_id(identifier))
    assert operations(node, ann) == ["TakenOut"]
    kinds = [type(effect).__name__ for effect in node.outcome.effects]
    assert kinds.index("Answer") < kinds.index("Tell")


def test_who_asks_again_has_the_wishes_of_the_last_time(node: TriedNode) -> None:
    watcher, mail = node.desktop("watcher"), node.media_server()
    node.ask(watcher, listen_to_all())
    node.ask(watcher, listen())
    identifier = node.submit(mail, workbin=DRAFTS)
    node.ask(mail, of(m.RequestChangeProperties, identifier, changed_properties={"k": 2}))
    assert operations(node, watcher) == []
    node.ask(mail, of(m.RequestStopProcessing, identifier))
    assert operations(node, watcher) == ["TakenOut"]
    node.ask(watcher, cancel())
    assert node.refusal(watcher, cancel()) == Code.NOT_SUBSCRIBED


@pytest.mark.parametrize("what", ["lost", "together", "goodbye", "again"])
def test_one_listens_as_long_as_the_connection_lasts(node: TriedNode, what: str) -> None:
    watcher, mail = node.desktop("watcher"), node.media_server()
    node.ask(watcher, listen())
    if what == "lost":
        node.run(ConnectionLost(watcher.session))
    elif what == "together":
        node.run(ClientsLost((watcher.session,)))
    elif what == "goodbye":
        node.run(Goodbye(watcher.session))
    else:
        node.run(Registered(watcher, 2))
    node.submit(mail, workbin=DRAFTS)
    assert heard(node, watcher) == []
    assert len(node.turn().memory.workbins) == 0


WRONG: list[tuple[Request, int]] = [
    (listen(Workbin(workbin_agent_id="Ann")), Code.MISSING_VALUE),
    (listen(Workbin(workbin_type_id="Nothing", workbin_agent_id="Ann")), Code.UNKNOWN_WORKBIN),
    (listen(Workbin(workbin_type_id="Drafts")), Code.UNKNOWN_OWNER),
    (listen(Workbin(workbin_type_id="Drafts", workbin_place_id="P")), Code.UNKNOWN_OWNER),
    (cancel(Workbin(workbin_type_id="Nothing", workbin_agent_id="Ann")), Code.UNKNOWN_WORKBIN),
    (cancel(Workbin(workbin_type_id="Drafts", workbin_group_id="G")), Code.UNKNOWN_OWNER),
    (cancel(), Code.NOT_SUBSCRIBED),
    (
        m.RequestWorkbinNotifications(
            tenant_id=2, workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="Zoe")
        ),
        Code.UNKNOWN_OWNER,
    ),
    (m.RequestWorkbinNotifications(tenant_id=9, workbin=DRAFTS), Code.UNKNOWN_TENANT),
    (m.RequestWorkbinStatistic(tenant_id=1), Code.UNKNOWN_OWNER),
    (m.RequestWorkbinStatistic(tenant_id=9, workbin=DRAFTS), Code.UNKNOWN_TENANT),
    (
        m.RequestWorkbinStatistic(
            tenant_id=1, workbin=Workbin(workbin_agent_id="Ann", workbin_place_id="P")
        ),
        Code.UNKNOWN_OWNER,
    ),
    (
        m.RequestWorkbinStatistic(tenant_id=2, workbin=Workbin(workbin_agent_id="Zoe")),
        Code.UNKNOWN_OWNER,
    ),
    (
        m.RequestWorkbinStatistic(tenant_id=1, workbin=Workbin(workbin_type_id="Drafts")),
        Code.UNKNOWN_OWNER,
    ),
]


@pytest.mark.parametrize(("request_", "code"), WRONG)
def test_what_is_not_known_is_refused(node: TriedNode, request_: Request, code: int) -> None:
    assert node.refusal(node.desktop(), request_) == code


def test_another_tenants_workbins_are_not_for_everybody(node: TriedNode) -> None:
    desk = node.desktop(tenants=(2,))
    for request in (listen(), cancel(), m.RequestWorkbinStatistic(tenant_id=1, workbin=DRAFTS)):
        assert node.refusal(desk, request) == Code.NOT_ALLOWED


def test_nobody_listens_to_too_many_but_a_proxy_does_so_for_all_its_clients(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbins, "MOST_OF_CLIENT", 1)
    monkeypatch.setattr(workbins, "MOST_OF_PROXY", 2)
    desk, proxy = node.desktop(), node.client("proxy1", ClientType.PROXY)
    for sender, most in ((desk, [DRAFTS]), (proxy, [DRAFTS, TEAM])):
        for workbin in (*most, *most):
            node.ask(sender, listen(workbin))
        assert node.refusal(sender, listen(DESK)) == Code.LIMIT_REACHED


def test_who_is_not_registered_cannot_listen(node: TriedNode) -> None:
    desk = node.desktop()
    node.run(ConnectionLost(desk.session))
    assert node.refusal(desk, listen()) == Code.NOT_REGISTERED


def test_what_was_not_committed_was_not_listened_to(node: TriedNode) -> None:
    """A batch that the store takes back has no listeners either."""
    watcher = node.desktop()
    turn = node.turn()
    mark = turn.journal.mark()
    workbins.listen(turn, watcher, listen())
    turn.journal.undo(mark)
    assert len(node.turn().memory.workbins) == 0


def statistic(node: TriedNode, sender: Sender, workbin: Workbin) -> dict[str, int]:
    effect = node.perform(sender, m.RequestWorkbinStatistic(tenant_id=1, workbin=workbin))
    assert isinstance(effect, ReadLong)
    reader = node.store.reader()
    answer = result_of(effect.plan, reader)
    reader.close()
    assert isinstance(answer, m.EventAgentWorkbinStats)
    return answer.statistics


def test_a_statistic_counts_what_lies_there_and_what_was_taken_out(node: TriedNode) -> None:
    mail, ann, bob, router = (
        node.media_server(),
        node.agent("Ann"),
        node.agent("Bob"),
        node.router(),
    )
    assert statistic(node, ann, TEAM) == {
        "Total": 0, "InWorkbin": 0, "Handling": 0, "Routing": 0, "Type.Team": 0,
    }  # fmt: skip
    ids = [node.submit(mail, workbin=TEAM) for _ in range(6)]
    node.submit(mail, workbin=Workbin(workbin_type_id="Team", workbin_group_id="cards"))
    node.submit(mail)
    for agent, identifier in ((ann, ids[0]), (ann, ids[1]), (bob, ids[2])):
        node.ask(agent, by_id(identifier))
    node.ask(router, by_id(ids[3]))
    assert statistic(node, router, TEAM) == {
        "Total": 6, "InWorkbin": 2, "Handling": 3, "Routing": 1, "Type.Team": 2,
        "HeldBy.Ann": 2, "HeldBy.Bob": 1,
    }  # fmt: skip


def test_without_a_type_all_workbins_of_the_owner_are_counted(node: TriedNode) -> None:
    mail = node.media_server()
    for workbin in (DRAFTS, DRAFTS, TEAM):
        node.submit(mail, workbin=workbin)
    assert statistic(node, mail, Workbin(workbin_agent_id="Ann")) == {
        "Total": 2, "InWorkbin": 2, "Handling": 0, "Routing": 0, "Type.Drafts": 2,
    }  # fmt: skip


def test_content_comes_in_the_order_that_is_asked_for(node: TriedNode) -> None:
    mail = node.media_server()
    ids = [
        node.submit(mail, workbin=DRAFTS, user_data={"Priority": priority})
        for priority in (1, 9, 5)
    ]

    def content(order: str) -> tuple[list[str], list[str]]:
        request = m.RequestGetWorkbinContent(tenant_id=1, workbin=DRAFTS, order=order)
        effect = node.perform(mail, request)
        assert isinstance(effect, ReadLong)
        reader = node.store.reader()
        answer = result_of(effect.plan, reader)
        reader.close()
        assert isinstance(answer, m.EventWorkbinContent)
        return list(answer.interactions), list(answer.sort_keys)

    assert content("") == (ids, [])
    by_priority = [ids[1], ids[2], ids[0]]
    assert content("Priority DESC") == (by_priority, by_priority)
    wrong = m.RequestGetWorkbinContent(tenant_id=1, workbin=DRAFTS, order="no such (")
    assert node.refusal(mail, wrong) == Code.INVALID_CONDITION
