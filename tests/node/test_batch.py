from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

from ixproxy.errors import Code, StorageError
from ixproxy.messages import (
    RequestAgentLogin,
    RequestChangeProperties,
    RequestPing,
    RequestPull,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.messages.message import Request
from ixproxy.node.log_work import LogGrew
from ixproxy.node.model import NodeModel, TenantPlan, ViewPlan
from ixproxy.node.work import (
    Announce,
    Answer,
    Asked,
    ConnectionLost,
    Outcome,
    Refuse,
    Tell,
    Tick,
)
from ixproxy.values import interaction_id
from tests.node.tried import ENVIRONMENT, TriedNode


def submit(name: str = "", **more: Any) -> RequestSubmit:
    return RequestSubmit(
        tenant_id=1, media_type="email", queue="Inbound", user_data={"name": name}, **more
    )


def by_token(outcome: Outcome) -> dict[Any, Any]:
    """Token to answer or code; each token once."""
    found = [each for each in outcome.effects if isinstance(each, Answer | Refuse)]
    assert len({each.token for each in found}) == len(found)
    return {each.token: each.code if isinstance(each, Refuse) else each.message for each in found}


def names(node: TriedNode) -> set[str]:
    rows = node.store.fetch_by("interactions", "tenant_id", [1])
    return {node.user_data(row.id)["name"] for row in rows}


def test_a_batch_is_one_transaction(node: TriedNode) -> None:
    mail = node.media_server()
    begun = node.store.begun
    node.run(*(Asked(mail, submit(str(number)), 0, number) for number in range(20)))
    assert node.store.begun == begun + 1
    assert len(by_token(node.outcome)) == 20


def test_answers_and_events_stand_in_the_order_of_the_requests(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    ids = [node.submit(mail) for _ in range(2)]
    node.pull_ids(ann, *ids)
    outcome = node.run(
        *(Asked(mail, RequestStopProcessing(tenant_id=1, interaction_id=id), 0, id) for id in ids)
    )
    kinds = [type(each) for each in outcome.effects]
    assert kinds == [Answer, Tell, Answer, Tell, LogGrew]
    assert [each.token for each in outcome.effects if isinstance(each, Answer)] == ids


def test_a_refused_request_costs_the_others_nothing_and_leaves_no_trace(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    wrong = RequestChangeProperties(
        tenant_id=1, interaction_id=id, changed_properties={"a": 1, "Queue": "x"}
    )
    outcome = node.run(
        Asked(mail, submit("one"), 0, 1),
        Asked(mail, wrong, 0, 2),
        Asked(ann, submit("two", interaction_id=id), 0, 3),
        Asked(mail, submit("three"), 0, 4),
    )
    answers = by_token(outcome)
    assert answers[2] == Code.READ_ONLY_PROPERTY
    assert answers[3] == Code.DUPLICATE_INTERACTION
    assert answers[4].interaction_id == interaction_id(101, 1, 3)
    assert "a" not in node.user_data(id)
    refusal = next(each for each in outcome.effects if isinstance(each, Refuse))
    assert (refusal.in_doubt, refusal.interaction_id) == (False, id)
    assert "Queue is read-only" in refusal.description


def test_a_batch_that_only_reads_is_not_committed(node: TriedNode) -> None:
    mail = node.media_server()
    node.store.commits = ["fails"]
    assert node.ask(mail, RequestPing()).statistics["Dbid"] == 101
    assert node.store.commits == ["fails"]


def test_a_batch_that_writes_raises_the_mark_even_without_an_event(node: TriedNode) -> None:
    number = node.core.last_event_number
    node.router()
    assert node.core.last_event_number == node.store.last_event_number() == number + 1


def test_event_numbers_go_on_after_a_start(node: TriedNode) -> None:
    node.submit(node.media_server())
    number = node.core.last_event_number
    node.restart()
    assert node.core.last_event_number == number
    assert node.epoch == 2
    node.reported()
    node.submit(node.media_server())
    (event,) = node.reported()
    assert event.event_number > number


def test_another_configuration_holds_from_the_next_batch_on(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail, user_data={"Priority": 1})
    queues = {"Inbound": {"New": ViewPlan("Priority = 1")}}
    model = NodeModel([replace(ENVIRONMENT, queues=queues)], {"Product": "string"})
    node.core.configuration_changed(model, node.settings, node.now)
    pull = RequestPull(tenant_id=1, view_id="Inbound/All")
    assert node.refusal(router, pull) == Code.UNKNOWN_VIEW
    assert node.pull(router, "Inbound/New").keys() == {id}
    assert node.refusal(mail, replace_queue(submit(), "Other")) == Code.UNKNOWN_QUEUE


def replace_queue(request: RequestSubmit, queue: str) -> Request:
    return with_changes(request, queue=queue)


def test_a_configuration_that_the_store_fails_on_is_not_taken(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare_views(selections: Any) -> None:
        raise StorageError("no")

    with monkeypatch.context() as patched:
        patched.setattr(node.store, "prepare_views", prepare_views)
        with pytest.raises(StorageError):
            node.core.configuration_changed(
                NodeModel([TenantPlan(7, "Seven")]), node.settings, node.now
            )
    node.submit(node.media_server())


def test_the_next_batch_is_due_when_something_ends(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    node.wait(5)
    assert node.core.next_due() is None
    node.submit(mail)
    node.wait(5)
    node.pull(router)
    node.wait(5)
    assert node.core.next_due() == node.now - 5 + 720 * 60
    node.run(ConnectionLost(router.session))
    assert node.core.next_due() == node.now + 60


def test_an_event_for_a_log_is_kept_with_its_number(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.ask(ann, RequestAgentLogin(tenant_id=1, agent_id="Ann"))
    node.pull_ids(ann, id)
    node.ask(ann, RequestStopProcessing(tenant_id=1, interaction_id=id))
    numbers = [event.event_number for event in node.reported()]
    assert numbers == sorted(set(numbers))
    assert all(row.consumer == "log:log" for row in node.logged("log"))


def test_the_first_announcement_comes_with_the_first_batch() -> None:
    fresh = TriedNode()
    (announce,) = fresh.run(Tick()).effects
    assert isinstance(announce, Announce)
    fresh.discard()
