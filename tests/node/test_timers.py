from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    RequestChangeProperties,
    RequestGetInteractionProperties,
    RequestHold,
    RequestResume,
    RequestSetInFocus,
    RequestStopProcessing,
)
from ixproxy.messages.message import Request
from ixproxy.node.rows import InteractionRow, TimerRow
from ixproxy.node.timers import handling_seconds
from tests.node.tried import TriedNode

MINUTES = 60.0
SECOND_BEFORE = 1.0


def on(kind: type[Request], id: str, **more: Any) -> Request:
    return kind(tenant_id=1, interaction_id=id, **more)  # type: ignore[call-arg]


def test_handling_ends_when_its_time_is_over(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    before = node.kept(node.submit(mail))
    node.pull_ids(ann, before.id)
    node.reported()
    node.wait(180 * MINUTES - SECOND_BEFORE)
    assert node.kept(before.id).state == 3
    node.wait(SECOND_BEFORE)
    assert node.kept(before.id) == before
    assert node.timer("handling", before.id) is None
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]
    (revoked,) = node.told(ann)
    assert revoked.reason is not None
    assert revoked.reason.reason_system_name == "Expired"
    assert revoked.actor is None
    assert (1, "Inbound") in node.outcome.pullable


def test_routing_ends_when_its_time_is_over(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(routing_timeout=20)
    mail, router = node.media_server(), node.router()
    before = node.kept(node.submit(mail))
    node.pull(router)
    node.wait(20 * MINUTES - SECOND_BEFORE)
    assert node.kept(before.id).state == 2
    node.wait(SECOND_BEFORE)
    assert node.kept(before.id) == before
    assert node.names_told(router) == ["EventRevoked"]


def test_due_timers_run_before_the_requests_of_a_batch(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.now += 180 * MINUTES
    with pytest.raises(Exception, match=str(Code.NOT_A_PARTY)):
        node.ask(ann, on(RequestSetInFocus, id))
    assert node.names_told(ann) == ["EventRevoked"]
    assert node.kept(id).state == 0


def test_timers_survive_a_restart(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.restart()
    node.wait(180 * MINUTES)
    assert node.kept(id).state == 0


@pytest.mark.parametrize(
    ("key", "minutes"),
    [(10, 10), ("15", 15), (1440, 1440), (0, 5), (1441, 5), ("soon", 5), (None, 5), (True, 5)],
)
def test_the_user_data_goes_before_the_media_type_and_that_before_the_option(
    node: TriedNode, key: object, minutes: float
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail, media_type="chat", user_data={"handling-timeout": key})
    node.pull_ids(ann, id)
    timer = node.timer("handling", id)
    assert timer is not None
    assert timer.due_at == node.now + minutes * MINUTES


def test_a_changed_option_does_not_touch_what_is_being_handled(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    first, second = node.submit(mail), node.submit(mail)
    node.pull_ids(ann, first)
    settings = replace(node.settings, handling_timeout=1)
    node.core.configuration_changed(node.model, settings, node.now)
    node.pull_ids(ann, second)
    node.ask(ann, on(RequestChangeProperties, first, added_properties={"a": 1}))
    node.wait(60)
    assert (node.kept(first).state, node.kept(second).state) == (3, 0)
    timer = node.timer("handling", first)
    assert timer is not None
    assert timer.seconds == 180 * MINUTES


@pytest.mark.parametrize(
    "request_type",
    [RequestChangeProperties, RequestHold, RequestGetInteractionProperties, RequestSetInFocus],
    ids=lambda each: each.__name__,
)
def test_every_request_of_the_handling_agent_starts_the_timer_again(
    node: TriedNode, request_type: type[Request]
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.wait(100 * MINUTES)
    node.ask(ann, on(request_type, id))
    node.wait(180 * MINUTES - SECOND_BEFORE)
    assert node.kept(id).state == 3
    node.wait(SECOND_BEFORE)
    assert node.kept(id).state == 0


def test_requests_of_others_do_not_start_the_timer_again(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.wait(100 * MINUTES)
    node.ask(mail, on(RequestChangeProperties, id, added_properties={"a": 1}))
    node.ask(router, on(RequestGetInteractionProperties, id))
    node.ask(mail, on(RequestHold, id))
    node.wait(80 * MINUTES)
    assert node.kept(id).state == 0


def test_a_restart_forgets_what_was_only_read(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.wait(100 * MINUTES)
    node.ask(ann, on(RequestSetInFocus, id))
    node.restart()
    node.wait(80 * MINUTES)
    assert node.kept(id).state == 0


def test_nothing_is_remembered_of_what_is_not_handled_any_more(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    node.ask(ann, on(RequestSetInFocus, id))
    memory = node.core._standing.memory
    assert memory.restarts.keys() == {id}
    node.ask(ann, on(RequestStopProcessing, id))
    assert memory.restarts == {}


def test_a_timer_of_something_that_is_gone_is_dropped(node: TriedNode) -> None:
    waiting = node.submit(node.media_server())
    stale = [
        TimerRow(kind="handling", interaction_id="gone", due_at=node.now, seconds=1),
        TimerRow(kind="routing", interaction_id=waiting, due_at=node.now, seconds=1),
        TimerRow(kind="delivering", interaction_id=waiting, due_at=node.now, seconds=1),
    ]
    node.store.begin()
    node.store.write(stale, [])
    node.store.commit(node.core.last_event_number)
    node.wait(1)
    assert [node.timer(row.kind, row.interaction_id) for row in stale] == [None, None, None]
    assert node.kept(waiting).state == 0


def test_the_handling_time_of_an_unknown_tenant_is_the_nodes(node: TriedNode) -> None:
    row = InteractionRow(id="x", tenant_id=77, media_type="email")
    assert handling_seconds(node.turn(), row) == 180 * MINUTES


@given(
    st.lists(
        st.tuples(st.sampled_from(["read", "write", "other", "restart"]), st.integers(1, 200)),
        max_size=10,
    )
)
def test_an_interaction_is_handled_until_the_agent_was_silent_for_its_time(
    steps: list[tuple[str, int]],
) -> None:
    node = TriedNode()
    try:
        mail, ann = node.media_server(), node.agent("Ann")
        id = node.submit(mail)
        node.pull_ids(ann, id)
        written = seen = node.now
        for action, minutes in steps:
            node.wait(minutes * MINUTES)
            if max(written, seen) + 180 * MINUTES <= node.now:
                break
            if action == "read":
                node.ask(ann, on(RequestSetInFocus, id))
                seen = node.now
            elif action == "write":
                kind = RequestResume if node.kept(id).is_held else RequestHold
                node.ask(ann, on(kind, id))
                written = node.now
            elif action == "other":
                node.ask(mail, on(RequestChangeProperties, id, changed_properties={"a": 1}))
            else:
                node.restart()
                node.media_server()
                node.client("desk-Ann", "AgentApplication")
                break
        else:
            expected = 0 if max(written, seen) + 180 * MINUTES <= node.now else 3
            assert node.kept(id).state == expected
            return
        if max(written, seen) + 180 * MINUTES <= node.now:
            assert node.kept(id).state == 0
    finally:
        node.discard()
