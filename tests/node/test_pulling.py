from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventPulledInteractions,
    RequestChangeProperties,
    RequestHold,
    RequestPlaceInQueue,
    RequestPull,
)
from ixproxy.node.rows import InteractionRow
from ixproxy.node.work import Answer, Asked, HoldPull, PullRetried, Refuse
from tests.node.tried import TriedNode

FOR_STRATEGY = {"pull-for-strategy": 1}


def pull(view: str = "Inbound/All", **more: Any) -> RequestPull:
    return RequestPull(tenant_id=1, view_id=view, **more)


def by_ids(*ids: str) -> RequestPull:
    return pull("_system_", pull_parameters=dict.fromkeys(ids, ""))


def test_a_strategy_takes_the_first_of_a_view(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    first, _ = node.submit(mail, user_data={"a": 1}), node.submit(mail)
    request = pull(extension={**FOR_STRATEGY, "StrategyId": "Route"})
    answer: EventPulledInteractions = node.ask(router, request)
    assert list(answer.interactions) == [first]
    shown = answer.interactions[first]
    assert shown["UserData"] == {"a": 1}
    assert (shown["InteractionState"], shown["Queue"]) == (2, "Inbound")
    assert shown["StrategyId"] == "Route"
    assert answer.have_more
    (party,) = node.parties(first)
    assert (party.strategy_id, party.agent_id) == ("Route", "")
    timer = node.timer("routing", first)
    assert timer is not None
    assert timer.due_at == node.now + 720 * 60


def test_the_name_of_a_strategy_is_limited(node: TriedNode) -> None:
    node.submit(node.media_server())
    request = pull(extension={**FOR_STRATEGY, "StrategyId": "s" * 256})
    assert node.refusal(node.router(), request) == Code.BAD_ATTRIBUTE


def test_an_agent_takes_from_a_view_too(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    assert node.pull(ann).keys() == {id}
    assert node.kept(id).state == 3


@pytest.mark.parametrize(("asked", "taken"), [(0, 1), (1, 1), (3, 3), (5, 4), (-1, 1), (10**9, 4)])
def test_as_many_are_taken_as_asked_for_and_allowed(
    make_node: Callable[..., TriedNode], asked: int, taken: int
) -> None:
    node = make_node(max_interactions_per_pull=4)
    mail, router = node.media_server(), node.router()
    ids = [node.submit(mail) for _ in range(6)]
    assert list(node.pull(router, number_of_interactions=asked)) == ids[:taken]


def test_a_view_shows_what_fits_its_condition_in_its_order(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    priorities = [3, 7, 9, None, 7]
    ids = [
        node.submit(mail, user_data={} if number is None else {"Priority": number})
        for number in priorities
    ]
    answer = node.ask(router, pull("Inbound/Urgent", number_of_interactions=2))
    assert list(answer.interactions) == [ids[2], ids[1]]
    keys = [answer.sort_keys[id] for id in answer.interactions]
    assert keys == sorted(keys)
    assert answer.next_sort_key > keys[-1]
    following = node.ask(router, pull("Inbound/Urgent"))
    assert list(following.interactions) == [ids[4]]
    assert following.sort_keys[ids[4]] == answer.next_sort_key
    assert (following.next_sort_key, following.have_more) == (b"", False)


def test_a_segment_has_no_more_out_than_its_limit(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    loans = [node.submit(mail, user_data={"Product": "Loan"}) for _ in range(2)]
    card = node.submit(mail, user_data={"Product": "Card"})
    assert node.pull(router, "Inbound/Each", number_of_interactions=9).keys() == {loans[0], card}
    assert node.pull(router, "Inbound/Each") == {}


def test_requests_of_one_batch_take_one_after_the_other(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    ids = [node.submit(mail) for _ in range(3)]
    outcome = node.run(*(Asked(router, pull(), 0, number) for number in range(4)))
    answers = [each.message for each in outcome.effects if isinstance(each, Answer)]
    assert [list(answer.interactions) for answer in answers] == [  # type: ignore[attr-defined]
        [ids[0]],
        [ids[1]],
        [ids[2]],
        [],
    ]


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ("Inbound/None", Code.UNKNOWN_VIEW),
        ("Inbound", Code.UNKNOWN_VIEW),
        ("", Code.UNKNOWN_VIEW),
        ("workbin:Drafts/All", Code.UNKNOWN_VIEW),
        ("_system_", Code.MISSING_VALUE),
    ],
)
def test_a_view_must_be_known(node: TriedNode, view: str, code: int) -> None:
    assert node.refusal(node.router(), pull(view)) == code


def test_only_who_can_give_back_may_take(node: TriedNode) -> None:
    node.submit(node.media_server())
    router, desktop = node.router(), node.desktop()
    assert node.refusal(desktop, pull()) == Code.AGENT_NOT_LOGGED_IN
    node.restart()
    assert node.refusal(router, pull()) == Code.NOT_REGISTERED
    assert node.refusal(node.agent(tenants=(2, 1)), pull(extension=FOR_STRATEGY)) == 3006
    assert node.refusal(node.router("ors-2", tenants=(2,)), pull()) == Code.NOT_ALLOWED


def test_an_agent_pulls_only_where_logged_in(node: TriedNode) -> None:
    ann = node.agent("Ann")
    request = RequestPull(tenant_id=2, view_id="Inbound/All")
    assert node.refusal(ann, request) == Code.AGENT_NOT_LOGGED_IN


def test_by_ids_what_can_be_taken_is_and_each_other_has_its_code(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    free, out, held, locked = (node.submit(mail) for _ in range(4))
    theirs = node.submit(mail, tenant_id=2)
    node.pull_ids(router, out)
    node.ask(mail, RequestHold(tenant_id=1, interaction_id=held))
    lock(node, locked)
    effect = node.perform(ann, by_ids(out, held, free, locked, theirs, "no such"))
    assert isinstance(effect, Answer)
    assert effect.partial
    answer: Any = effect.message
    assert list(answer.interactions) == [free]
    assert answer.interactions[free]["AgentId"] == "Ann"
    assert answer.errors == {
        out: Code.NOT_QUEUED,
        held: Code.NOT_QUEUED,
        locked: Code.LOCKED,
        theirs: Code.UNKNOWN_INTERACTION,
        "no such": Code.UNKNOWN_INTERACTION,
    }
    assert answer.take_numbers == {free: node.parties(free)[0].take_number}


def lock(node: TriedNode, id: str) -> None:
    """As a snapshot will."""
    row: InteractionRow = replace(node.kept(id), is_locked=1)
    node.store.begin()
    node.store.write([row], [])
    node.store.commit(node.core.last_event_number)


def test_by_ids_nothing_taken_is_an_error(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    out = node.submit(mail)
    node.pull_ids(ann, out)
    assert node.refusal(ann, by_ids(out, "no such")) == Code.NOT_QUEUED
    assert node.refusal(ann, by_ids("no such", out)) == Code.UNKNOWN_INTERACTION


def test_by_ids_a_proxy_is_told_the_code_of_each_id_even_if_nothing_is_taken(
    node: TriedNode,
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    out = node.submit(mail)
    node.pull_ids(ann, out)
    effect = node.perform(replace(ann, through_proxy=True), by_ids("no such", out))
    assert isinstance(effect, Answer)
    assert effect.partial
    assert effect.message == EventPulledInteractions(
        errors={"no such": Code.UNKNOWN_INTERACTION, out: Code.NOT_QUEUED}
    )


def test_by_ids_a_whole_answer_is_not_partial(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    effect = node.perform(router, by_ids(id))
    assert isinstance(effect, Answer)
    assert not effect.partial
    assert node.kept(id).state == 2


def test_by_ids_no_more_may_be_named_than_allowed(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(max_interactions_per_pull=2)
    assert node.refusal(node.router(), by_ids("a", "b", "c")) == Code.LIMIT_REACHED


def test_an_empty_pull_for_a_strategy_is_held(node: TriedNode) -> None:
    router = node.router()
    request = pull(extension=FOR_STRATEGY)
    effect = node.perform(router, request)
    assert effect == HoldPull("token", router, request, 10, 1, "Inbound", None)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(3, 3.0), (0.5, 0.5), (9999, 600.0), ("x", 10), (True, 10), (-1, 10), (float("nan"), 10)],
)
def test_the_extension_says_how_long(node: TriedNode, asked: object, seconds: float) -> None:
    effect = node.perform(
        node.router(), pull(extension={**FOR_STRATEGY, "pull-hold-timeout": asked})
    )
    assert isinstance(effect, HoldPull)
    assert effect.seconds == seconds


@pytest.mark.parametrize("extension", [{}, {"pull-for-strategy": 0}, {"pull-hold-timeout": 5}])
def test_other_empty_pulls_are_answered_at_once(node: TriedNode, extension: dict[str, Any]) -> None:
    answer = node.ask(node.router(), pull(extension=extension))
    assert answer == EventPulledInteractions()


def test_a_hold_of_no_time_is_none(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(pull_hold_timeout=0)
    assert node.ask(node.router(), pull(extension=FOR_STRATEGY)) == EventPulledInteractions()
    request = pull(extension={**FOR_STRATEGY, "pull-hold-timeout": 0})
    assert node.ask(node.router(), request) == EventPulledInteractions()


def test_a_pull_from_a_view_that_time_changes_is_worth_retrying(node: TriedNode) -> None:
    effect = node.perform(node.router(), pull("Inbound/Old", extension=FOR_STRATEGY))
    assert isinstance(effect, HoldPull)
    assert effect.retry_after == 30


def test_a_retry_answers_once_there_is_something(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    request = pull(extension=FOR_STRATEGY)
    assert node.run(PullRetried(router, request, "t")).effects == []
    id = node.submit(mail)
    assert node.outcome.pullable == {(1, "Inbound")}
    outcome = node.run(PullRetried(router, request, "t"))
    (answer,) = [each for each in outcome.effects if isinstance(each, Answer)]
    assert answer.token == "t"
    assert list(answer.message.interactions) == [id]  # type: ignore[attr-defined]
    (last,) = node.run(PullRetried(router, request, "t", last=True)).effects
    assert last == Answer("t", EventPulledInteractions())


def test_a_retry_for_a_session_that_is_gone_is_refused(node: TriedNode) -> None:
    router = node.router()
    node.restart()
    outcome = node.run(PullRetried(router, pull(extension=FOR_STRATEGY), "t"))
    (refusal,) = [each for each in outcome.effects if isinstance(each, Refuse)]
    assert refusal.code == Code.NOT_REGISTERED


def test_pullable_are_the_queues_that_something_was_put_or_changed_in(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    assert node.outcome.pullable == frozenset()
    node.ask(ann, RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Other"))
    assert node.outcome.pullable == {(1, "Other")}
    node.ask(mail, RequestHold(tenant_id=1, interaction_id=id))
    assert node.outcome.pullable == frozenset()
    other = node.submit(mail)
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=other, added_properties={"Priority": 9}
    )
    node.ask(mail, change)
    assert node.outcome.pullable == {(1, "Inbound")}
