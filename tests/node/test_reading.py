from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionsFound,
    EventWorkbinContent,
    RequestCancelTake,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestGetWorkbinContent,
    RequestLocate,
    RequestPing,
    RequestWorkbinTypesInfo,
    Workbin,
)
from ixproxy.messages.message import Request
from ixproxy.node.long_reads import result_of
from ixproxy.node.work import ConnectionLost, ReadLong, Sender
from tests.node.tried import TriedNode

DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")


def read(node: TriedNode, sender: Sender, request: Request) -> Any:
    """Ask, and do what a reader connection does."""
    effect = node.perform(sender, request)
    assert isinstance(effect, ReadLong)
    assert effect.sender == sender
    reader = node.store.reader()
    try:
        return result_of(effect.plan, reader)
    finally:
        reader.close()


def find(condition: str = "", **more: Any) -> RequestFindInteractions:
    return RequestFindInteractions(tenant_id=1, condition=condition, **more)


def content(workbin: Workbin = DRAFTS, **more: Any) -> RequestGetWorkbinContent:
    return RequestGetWorkbinContent(tenant_id=1, workbin=workbin, **more)


def test_properties_name_who_has_the_interaction(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    id = node.submit(mail, user_data={"a": b"x"})
    request = RequestGetInteractionProperties(tenant_id=1, interaction_id=id)
    answer = node.ask(mail, request)
    assert answer.interaction_id == id
    assert answer.interaction["UserData"] == {"a": b"x"}
    assert "AgentId" not in answer.interaction
    node.pull_ids(ann, id)
    shown = node.ask(mail, request).interaction
    assert (shown["AgentId"], shown["PlaceId"], shown["InteractionState"]) == ("Ann", "P-Ann", 3)
    other = node.submit(mail)
    node.pull_ids(router, other)
    request = RequestGetInteractionProperties(tenant_id=1, interaction_id=other)
    assert node.ask(mail, request).interaction["StrategyId"] == "ors-1"


def test_a_find_shows_what_fits(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    ids = [node.submit(mail, user_data={"Priority": number % 3}) for number in range(5)]
    node.submit(mail, tenant_id=2, user_data={"Priority": 2})
    node.pull_ids(ann, ids[2])
    answer = read(node, ann, find("Priority = 2"))
    assert isinstance(answer, EventInteractionsFound)
    assert list(answer.interactions) == [ids[2]]
    assert answer.interactions[ids[2]]["AssignedTo"] == "Ann"
    assert (answer.have_more, answer.sort_keys) == (False, {})
    assert list(read(node, ann, find()).interactions) == ids
    assert list(read(node, ann, find(media_type="chat")).interactions) == []


def test_a_find_with_an_order_has_sort_keys(node: TriedNode) -> None:
    mail = node.media_server()
    ids = [node.submit(mail, user_data={"Priority": number}) for number in (2, 3, 1)]
    answer = read(node, mail, find(order="Priority DESC"))
    assert list(answer.interactions) == [ids[1], ids[0], ids[2]]
    keys = [answer.sort_keys[id] for id in answer.interactions]
    assert keys == sorted(keys)


@pytest.mark.parametrize(("asked", "found", "more"), [(2, 2, True), (0, 3, True), (99, 3, True)])
def test_a_find_has_the_limit_of_the_request_and_of_the_node(
    make_node: Callable[..., TriedNode], asked: int, found: int, more: bool
) -> None:
    node = make_node(max_interactions_per_find=3)
    mail = node.media_server()
    for _ in range(4):
        node.submit(mail)
    answer = read(node, mail, find(number_of_interactions=asked))
    assert (len(answer.interactions), answer.have_more) == (found, more)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (find("Colour = 'red'"), Code.INVALID_CONDITION),
        (find("1; DROP TABLE interactions"), Code.INVALID_CONDITION),
        (find(order="Colour"), Code.INVALID_CONDITION),
        (find(media_type="letter"), Code.UNKNOWN_MEDIA_TYPE),
        (RequestFindInteractions(tenant_id=9), Code.UNKNOWN_TENANT),
        (content(media_type="letter"), Code.UNKNOWN_MEDIA_TYPE),
        (content(Workbin(workbin_type_id="None")), Code.UNKNOWN_WORKBIN),
        (content(Workbin(workbin_type_id="Drafts")), Code.UNKNOWN_OWNER),
        (RequestGetWorkbinContent(tenant_id=9, workbin=DRAFTS), Code.UNKNOWN_TENANT),
        (RequestWorkbinTypesInfo(tenant_id=9), Code.UNKNOWN_TENANT),
    ],
)
def test_a_reading_of_what_is_not_known_is_refused(
    node: TriedNode, request_: Request, code: int
) -> None:
    assert node.refusal(node.media_server(), request_) == code


def test_a_workbins_content_is_what_lies_in_it_now(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    bobs = Workbin(workbin_type_id="Drafts", workbin_agent_id="Bob")
    first, second = (node.submit(mail, workbin=DRAFTS) for _ in range(2))
    node.submit(mail, workbin=bobs)
    chat = node.submit(mail, workbin=DRAFTS, media_type="chat")
    node.submit(mail)
    answer = read(node, ann, content())
    assert isinstance(answer, EventWorkbinContent)
    assert list(answer.interactions) == [first, second, chat]
    assert list(read(node, ann, content(media_type="chat")).interactions) == [chat]
    node.pull_ids(ann, first)
    assert list(read(node, ann, content()).interactions) == [second, chat]


def test_a_workbins_content_has_a_limit(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(max_workbin_interactions=2)
    mail = node.media_server()
    for _ in range(3):
        node.submit(mail, workbin=DRAFTS)
    answer = read(node, mail, content())
    assert (len(answer.interactions), answer.have_more) == (2, True)


def test_workbin_types_tell_their_owners(node: TriedNode) -> None:
    answer = node.ask(node.agent(), RequestWorkbinTypesInfo(tenant_id=1))
    assert answer.workbin_types == {
        "Drafts": {"Owner": "agent"},
        "Team": {"Owner": "agent-group"},
        "Desk": {"Owner": "place"},
        "Floor": {"Owner": "place-group"},
    }


def test_a_locate_says_whether_it_is_here(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    assert node.ask(mail, RequestLocate(tenant_id=1, interaction_id=id)).interaction_id == id
    for wrong in (
        RequestLocate(tenant_id=2, interaction_id=id),
        RequestLocate(tenant_id=1, interaction_id="no such"),
    ):
        assert node.refusal(mail, wrong) == Code.UNKNOWN_INTERACTION


def test_a_cancelled_take_goes_back_silently(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    before = node.kept(node.submit(mail))
    taken = node.pull(router)
    node.reported()
    cancel = RequestCancelTake(tenant_id=1, interaction_id=before.id, take_number=taken[before.id])
    proxy = Sender(b"p" * 16, "proxy-1", "Proxy", frozenset({1, 2}), True)
    assert node.ask(proxy, cancel) == EventAck(interaction_id=before.id)
    assert node.kept(before.id) == before
    assert node.told(router) == []
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]
    assert (1, "Inbound") in node.outcome.pullable


def test_a_take_that_is_not_the_current_one_is_none_to_cancel(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    first = node.pull(router)[id]
    cancel = RequestCancelTake(tenant_id=1, interaction_id=id, take_number=first)
    node.ask(router, cancel)
    second = node.pull(router)[id]
    assert second > first
    before = node.stored()
    node.ask(router, cancel)
    outsider = Sender(b"p" * 16, "proxy-1", "Proxy", frozenset({2}), True)
    current = RequestCancelTake(tenant_id=1, interaction_id=id, take_number=second)
    node.ask(outsider, current)
    node.ask(router, RequestCancelTake(tenant_id=1, interaction_id="gone", take_number=1))
    assert node.stored() == before


def test_a_ping_is_answered_with_statistics(node: TriedNode) -> None:
    router = node.router()
    node.agent("Ann")
    node.run(ConnectionLost(router.session))
    assert node.ask(node.media_server(), RequestPing()).statistics == {
        "Name": "ixn1",
        "Dbid": 101,
        "Epoch": 1,
        "LastEventNumber": node.core.last_event_number,
        "Sessions": 3,
        "SessionsLost": 1,
        "Snapshots": 0,
        "Agents": 1,
    }
