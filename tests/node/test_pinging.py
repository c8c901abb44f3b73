from __future__ import annotations

import pytest

from ixproxy.messages import (
    RequestAddMedia,
    RequestCancelNotReadyForMedia,
    RequestDoNotDisturbOn,
    RequestPing,
    RequestPull,
    RequestStopProcessing,
    RequestSubscribe,
    RequestWorkbinNotifications,
    Workbin,
)
from ixproxy.node import pinging
from ixproxy.node.work import ConnectionLost
from tests.node.tried import TriedNode


def test_a_ping_is_answered_with_statistics(node: TriedNode) -> None:
    router = node.router()
    desk = node.agent("Ann")
    node.run(ConnectionLost(router.session))
    node.ask(desk, RequestSubscribe(tenant_id=1, ps_topic_list={"news": 1}))
    drafts = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    node.ask(desk, RequestWorkbinNotifications(tenant_id=1, workbin=drafts))
    mail = node.media_server()
    ids = [node.submit(mail), node.submit(mail), node.submit(mail, "Other")]
    pull = RequestPull(tenant_id=1, view_id="_system_", pull_parameters={ids[0]: ""})
    node.ask(desk, pull)
    node.wait(12.0)
    assert node.ask(mail, RequestPing()).statistics == {
        "Name": "ixn1",
        "Dbid": 101,
        "Epoch": 1,
        "StartedAt": 1_000_000.0,
        "Uptime": 12.0,
        "LastEventNumber": node.core.last_event_number,
        "Sessions": 3,
        "SessionsLost": 1,
        "Snapshots": 0,
        "Agents": 1,
        "AgentsReady": 0,
        "Invitations": 0,
        "ReportingClients": 0,
        "TopicsListenedTo": 1,
        "WorkbinsListenedTo": 1,
        "Interactions": 3,
        "InteractionsByState": {"Queued": 2, "Cached": 0, "Routing": 0, "Handling": 1},
        "Queues": {"1": {"Inbound": 2, "Other": 1}},
        "QueuesLeftOut": 0,
    }


def test_agents_are_ready_with_one_medium_unless_they_do_not_want_to_be_disturbed(
    node: TriedNode,
) -> None:
    desk, name = node.agent("Ann"), {"tenant_id": 1, "agent_id": "Ann"}
    node.agent("Bob")

    def ready() -> int:
        return int(node.ask(desk, RequestPing()).statistics["AgentsReady"])

    node.ask(desk, RequestAddMedia(**name, media_type_name="email"))  # type: ignore[arg-type]
    before = ready()
    node.ask(desk, RequestCancelNotReadyForMedia(**name, media_type_name="email"))  # type: ignore[arg-type]
    after = ready()
    node.ask(desk, RequestDoNotDisturbOn(**name))  # type: ignore[arg-type]
    assert (before, after, ready()) == (0, 1, 0)


def test_only_what_is_of_the_clients_tenants_is_counted(node: TriedNode) -> None:
    node.agent("Ann")
    node.submit(node.media_server())
    stranger = node.media_server("mail-2", tenants=(2,))
    told = node.ask(stranger, RequestPing()).statistics
    assert (told["Agents"], told["Interactions"], told["Queues"]) == (0, 0, {})


def test_an_answer_names_the_fullest_queues_and_says_how_many_more_there_are(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinging, "MOST_QUEUES", 1)
    mail = node.media_server()
    for queue in ("Other", "Inbound", "Inbound"):
        node.submit(mail, queue)
    told = node.ask(mail, RequestPing()).statistics
    assert (told["Queues"], told["QueuesLeftOut"]) == ({"1": {"Inbound": 2}}, 1)


def test_what_is_gone_is_not_counted_and_a_restart_counts_from_its_start(node: TriedNode) -> None:
    mail = node.media_server()
    first, _ = node.submit(mail), node.submit(mail)
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=first))
    assert node.ask(mail, RequestPing()).statistics["Interactions"] == 1
    node.wait(100.0)
    node.restart()
    told = node.ask(node.media_server(), RequestPing()).statistics
    assert (told["Interactions"], told["Uptime"], told["Epoch"]) == (1, 0.0, 2)
