from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestHold,
    RequestPlaceInQueue,
    RequestPull,
    RequestResume,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.node.load import Load, available
from ixproxy.node.model import NodeModel, ViewPlan
from ixproxy.node.rows import InteractionRow
from ixproxy.node.work import Announce, Answer, Asked, Goodbye, Tick
from tests.node.tried import CUSTOM, ENVIRONMENT, TriedNode


def announced(node: TriedNode) -> list[Any]:
    return [each.event for each in node.effects(Announce)]


def test_only_what_is_queued_unlocked_and_not_on_hold_can_be_pulled() -> None:
    def row(**more: Any) -> InteractionRow:
        return InteractionRow(id="a", tenant_id=1, media_type="email", **more)

    assert available(row())
    assert not available(None)
    for taken in ({"state": 1}, {"state": 2}, {"state": 3}, {"is_locked": 1}, {"is_held": 1}):
        assert not available(row(**taken))


def test_the_first_interaction_of_a_media_type_is_announced_before_it_is_acknowledged(
    node: TriedNode,
) -> None:
    mail = node.media_server()
    submit = RequestSubmit(tenant_id=1, media_type="chat", queue="Inbound")
    outcome = node.run(Asked(mail, submit, 0, "t"))
    announce, answer, _ = outcome.effects
    assert isinstance(announce, Announce)
    assert announce.event.media_types == {1: ["chat"]}
    assert announce.event.queues == {1: {"Inbound": 1}}
    assert announce.event.views == {1: {"Inbound/All": 1, "Inbound/Each": 1}}
    assert announce.event.dbid == 101
    assert isinstance(answer, Answer)
    assert isinstance(answer.message, EventAck)


def test_announcements_are_paced_but_for_new_media_types(node: TriedNode) -> None:
    mail = node.media_server()
    node.wait(1)
    node.submit(mail)
    assert len(announced(node)) == 1
    node.submit(mail)
    assert announced(node) == []
    node.submit(mail, media_type="chat")
    assert len(announced(node)) == 1
    node.submit(mail)
    assert announced(node) == []
    assert node.core.next_due() == node.now + 1
    node.wait(1)
    (event,) = announced(node)
    assert event.queues == {1: {"Inbound": 4}}
    node.wait(1)
    assert announced(node) == []


def test_a_media_type_that_comes_and_goes_is_not_announced_each_time(node: TriedNode) -> None:
    mail = node.media_server()
    for turn in range(3):
        id = node.submit(mail)
        assert bool(announced(node)) == (turn == 0)
        node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=id))
    node.wait(1)
    assert [event.media_types for event in announced(node)] == [{}]
    node.submit(mail)
    assert len(announced(node)) == 1


def test_a_batch_that_changes_nothing_announces_nothing(node: TriedNode) -> None:
    node.wait(5)
    node.wait(5)
    assert announced(node) == []
    assert node.core.next_due() is None


def test_what_time_changes_is_counted_anew_now_and_then(node: TriedNode) -> None:
    mail = node.media_server()
    node.submit(mail)
    (event,) = announced(node)
    assert "Inbound/Old" not in event.views[1]
    node.wait(30)
    assert announced(node) == []
    node.wait(31)
    (event,) = announced(node)
    assert event.views[1]["Inbound/Old"] == 1


def test_after_a_start_everything_is_counted(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    for priority in (9, 9, 1):
        node.submit(mail, user_data={"Priority": priority})
    node.pull(router, "Inbound/Urgent")
    node.submit(mail, "Other", media_type="chat", tenant_id=1)
    node.submit(mail, tenant_id=2)
    node.restart()
    node.run(Tick())
    (event,) = announced(node)
    assert event.queues == {1: {"Inbound": 2, "Other": 1}, 2: {"Inbound": 1}}
    assert event.views[1]["Inbound/Urgent"] == 1
    assert event.media_types == {1: ["chat", "email"], 2: ["email"]}


def test_another_model_counts_its_own_views(node: TriedNode) -> None:
    mail = node.media_server()
    for priority in (1, 2):
        node.submit(mail, user_data={"Priority": priority})
    queues = {"Inbound": {"Low": ViewPlan("Priority < 2")}}
    model = NodeModel([replace(ENVIRONMENT, queues=queues)], CUSTOM)
    node.core.configuration_changed(model, node.settings, node.now)
    node.wait(1)
    (event,) = announced(node)
    assert event.views == {1: {"Inbound/Low": 1}}


def test_nothing_is_kept_of_what_was_counted_down_to_nothing() -> None:
    load, model = Load(), NodeModel([ENVIRONMENT], CUSTOM)
    row = InteractionRow(id="a", tenant_id=1, media_type="email", queue="Inbound", priority=9)

    class Empty:
        def counts(self) -> list[Any]:
            return []

        def count(self, selection: object, now: float) -> int:
            return 0

    load.count(Empty(), model, 0.0)  # type: ignore[arg-type]
    assert load.note([(None, row)], 0.0)
    load.note([(row, None)], 0.0)
    assert (load._queues, load._media, load._views) == ({}, {}, {})


ACTIONS = ["submit", "pull", "stop", "hold", "resume", "change", "place", "restart", "goodbye"]


@given(
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.integers(4, 8)), max_size=15)
)
def test_what_is_announced_is_what_is_stored(steps: list[tuple[str, int, int]]) -> None:
    node = TriedNode()
    try:
        mail, router = node.media_server(), node.router()
        ids: list[str] = []
        for action, which, priority in steps:
            id = ids[which] if which < len(ids) else "none"
            by_id: dict[str, Any] = {"tenant_id": 1, "interaction_id": id}
            match action:
                case "submit":
                    ids.append(node.submit(mail, user_data={"Priority": priority}))
                case "pull":
                    node.perform(router, node_pull(which))
                case "stop":
                    node.perform(mail, RequestStopProcessing(**by_id))
                case "hold":
                    node.perform(mail, RequestHold(**by_id))
                case "resume":
                    node.perform(mail, RequestResume(**by_id))
                case "change":
                    changed = {"Priority": priority}
                    node.perform(mail, RequestChangeProperties(**by_id, changed_properties=changed))
                case "place":
                    node.perform(mail, RequestPlaceInQueue(**by_id, queue="Other"))
                case "restart":
                    node.restart()
                    mail, router = node.media_server(), node.router()
                case "goodbye":
                    node.run(Goodbye(router.session))
                    router = node.router()
        node.core._standing.load.changed = True
        node.wait(1)
        (event,) = announced(node)
        rows = node.store.fetch_by("interactions", "tenant_id", [1])
        waiting = [row for row in rows if available(row)]
        inbound = [row for row in waiting if row.queue == "Inbound"]
        other = len(waiting) - len(inbound)
        urgent = sum((row.priority or 0) > 5 for row in inbound)
        queues = {"Inbound": len(inbound), "Other": other}
        assert event.queues.get(1, {}) == {name: n for name, n in queues.items() if n}
        views = event.views.get(1, {})
        assert views.get("Inbound/Urgent", 0) == urgent
        assert views.get("Inbound/All", 0) == len(inbound)
        assert event.media_types == ({1: ["email"]} if rows else {})
    finally:
        node.discard()


def node_pull(number: int) -> Any:
    return RequestPull(tenant_id=1, view_id="Inbound/All", number_of_interactions=number)
