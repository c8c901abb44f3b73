from __future__ import annotations

import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventInteractionMoved,
    RequestChangeProperties,
    RequestMoveInteractions,
    RequestPlaceInQueue,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestStopProcessing,
    Workbin,
)
from ixproxy.messages.message import Reason
from ixproxy.node import snapshot_moves
from ixproxy.node.work import Answer, GoOn, Refuse
from tests.node.snapping import Snapping, locked
from tests.node.tried import TriedNode


@pytest.fixture
def supervisor(node: TriedNode) -> Snapping:
    return Snapping(node, node.desktop("supervisor"))


def test_all_members_are_moved_in_order_each_with_its_events(
    node: TriedNode, supervisor: Snapping
) -> None:
    """Trace T20 of the life cycle, for each."""
    mail = node.media_server()
    ids = [node.submit(mail, user_data={"Priority": at}) for at in range(3)]
    number = supervisor.take(order="Priority DESC").snapshot_id
    node.reported()
    reason = Reason(reason_system_name="Spam")
    move = RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other", reason=reason)
    assert supervisor.ask(move) == EventInteractionMoved(number_of_interactions=3)
    events = node.reported()
    told = [(type(each).__name__, each.interaction_id, each.queue) for each in events]
    assert told == [
        each
        for id in reversed(ids)
        for each in (
            ("EventTakenFromQueue", id, "Inbound"),
            ("EventPlacedInQueue", id, "Other"),
        )
    ]
    assert {each.reason for each in events} == {reason}
    assert {each.old_queue for each in events[1::2]} == {"Inbound"}
    router = node.router()
    assert list(node.pull(router, "Other/All", number_of_interactions=9)) == ids[::-1]


def test_what_lies_in_a_workbin_is_taken_out_of_it(node: TriedNode, supervisor: Snapping) -> None:
    mail = node.media_server()
    drafts = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    id = node.submit(mail, workbin=drafts)
    number = supervisor.take().snapshot_id
    node.reported()
    supervisor.move(number)
    assert node.names_reported() == [
        "EventTakenFromQueue", "EventTakenFromWorkbin", "EventPlacedInQueue",
    ]  # fmt: skip
    assert (node.kept(id).queue, node.kept(id).workbin_type) == ("Other", None)


def test_stopping_ends_all_members_and_their_submitter_hears_of_it(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(2)]
    number = supervisor.take(lock=True).snapshot_id
    node.reported()
    assert supervisor.stop(number) == EventInteractionMoved(number_of_interactions=2)
    assert node.names_told(mail) == ["EventProcessingStopped"] * 2
    assert node.names_reported() == ["EventProcessingStopped"] * 2
    assert [node.row(id) for id in ids] == [None, None]
    page = supervisor.page(number)
    assert page.errors == dict.fromkeys(ids, Code.UNKNOWN_INTERACTION)
    assert supervisor.stop(number).errors == page.errors
    supervisor.release(number)


def test_what_left_or_was_elsewhere_since_is_named_and_left_alone(
    node: TriedNode, supervisor: Snapping
) -> None:
    """A move protects against changes of state since the snapshot was taken."""
    mail, router = node.media_server(), node.router()
    moved, stopped, placed, pulled, back, changed, theirs = (node.submit(mail) for _ in range(7))
    held = node.submit(mail)
    node.pull_ids(router, held)
    number = supervisor.take().snapshot_id
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=stopped))
    node.ask(mail, RequestPlaceInQueue(tenant_id=1, interaction_id=placed, queue="Done"))
    node.pull_ids(router, pulled)
    node.pull_ids(router, back)
    node.ask(router, RequestPlaceInQueue(tenant_id=1, interaction_id=back, queue="Inbound"))
    change = RequestChangeProperties(
        tenant_id=1, interaction_id=changed, added_properties={"a": 1}
    )
    node.ask(mail, change)
    other = Snapping(node, node.desktop("other"))
    other.lock(other.take().snapshot_id, theirs)
    answer = supervisor.move(number)
    assert answer.errors == {
        stopped: Code.UNKNOWN_INTERACTION,
        placed: Code.CHANGED_SINCE,
        pulled: Code.CHANGED_SINCE,
        back: Code.CHANGED_SINCE,
        theirs: Code.LOCKED,
        held: Code.NOT_QUEUED,
    }
    assert answer.number_of_interactions == 2, "what a property says is no state"
    queues = {id: node.kept(id).queue for id in (moved, changed, placed, pulled, back, theirs)}
    assert queues == {
        moved: "Other",
        changed: "Other",
        placed: "Done",
        pulled: "Inbound",
        back: "Inbound",
        theirs: "Inbound",
    }
    assert supervisor.stop(number).errors == answer.errors


def test_an_answer_that_names_errors_is_partial(node: TriedNode, supervisor: Snapping) -> None:
    mail = node.media_server()
    gone = node.submit(mail)
    number = supervisor.take().snapshot_id
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=gone))
    effect = supervisor.begin(
        RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other")
    )
    answer = supervisor.further(effect)
    assert isinstance(answer, Answer)
    assert answer.partial


def test_locked_members_are_moved_and_stay_locked(node: TriedNode, supervisor: Snapping) -> None:
    mail = node.media_server()
    ids = {node.submit(mail) for _ in range(3)}
    number = supervisor.take(lock=True).snapshot_id
    assert supervisor.move(number).number_of_interactions == 3
    assert locked(node) == ids
    assert supervisor.move(number, "Done").number_of_interactions == 3, "its own move is no change"
    assert supervisor.stop(number).number_of_interactions == 3
    supervisor.release(number)
    assert locked(node) == set()


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (RequestMoveInteractions(tenant_id=1, snapshot_id=1, queue="Other"), Code.UNKNOWN_SNAPSHOT),
        (RequestStopInteractions(tenant_id=1, snapshot_id=1), Code.UNKNOWN_SNAPSHOT),
    ],
)
def test_only_what_a_snapshot_has_is_moved(
    node: TriedNode,
    supervisor: Snapping,
    request_: RequestMoveInteractions | RequestStopInteractions,
    code: int,
) -> None:
    assert node.refusal(supervisor.sender, request_) == code


@pytest.mark.parametrize(("queue", "code"), [("", Code.MISSING_VALUE), ("X", Code.UNKNOWN_QUEUE)])
def test_a_move_needs_a_queue(
    node: TriedNode, supervisor: Snapping, queue: str, code: int
) -> None:
    number = supervisor.take().snapshot_id
    move = RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue=queue)
    assert node.refusal(supervisor.sender, move) == code


def test_many_are_moved_some_at_a_time_and_others_are_served_in_between(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_moves, "AT_A_TIME", 2)
    mail, router = node.media_server(), node.router()
    ids = [node.submit(mail) for _ in range(5)]
    number = supervisor.take().snapshot_id
    effect = supervisor.begin(
        RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other")
    )
    assert [node.kept(id).queue for id in ids] == ["Inbound"] * 5
    effect = supervisor.further(effect)
    assert [node.kept(id).queue for id in ids] == ["Other"] * 2 + ["Inbound"] * 3
    node.pull_ids(router, ids[4])
    while isinstance(effect, GoOn):
        effect = supervisor.further(effect)
    assert isinstance(effect, Answer)
    assert effect.message == EventInteractionMoved(
        number_of_interactions=4, errors={ids[4]: Code.CHANGED_SINCE}
    )


def test_what_ends_on_the_way_is_in_doubt_and_what_was_moved_stays_moved(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_moves, "AT_A_TIME", 2)
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(5)]
    number = supervisor.take().snapshot_id
    move = RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other")
    effect = supervisor.further(supervisor.begin(move))
    Snapping(node, supervisor.sender).ask(
        RequestReleaseSnapshot(tenant_id=1, snapshot_id=number)
    )
    refusal = supervisor.further(effect)
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.UNKNOWN_SNAPSHOT, True)
    assert [node.kept(id).queue for id in ids] == ["Other"] * 2 + ["Inbound"] * 3


def test_a_store_that_fails_on_the_way_says_so_and_the_move_can_be_asked_again(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_moves, "AT_A_TIME", 2)
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(5)]
    number = supervisor.take().snapshot_id
    move = RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other")
    effect = supervisor.further(supervisor.begin(move))
    node.store.poison = lambda item: getattr(item, "id", "") == ids[3]
    assert isinstance(effect, GoOn)
    outcome = node.core.run([effect.work], node.now)
    (refusal,) = outcome.effects
    assert isinstance(refusal, Refuse)
    assert (refusal.code, refusal.in_doubt) == (Code.STORE_FAILED, True)
    node.store.poison = lambda item: False
    assert supervisor.move(number).number_of_interactions == 5
    assert {node.kept(id).queue for id in ids} == {"Other"}


def test_a_restart_on_the_way_leaves_the_snapshot_to_go_on_with(
    node: TriedNode, supervisor: Snapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_moves, "AT_A_TIME", 2)
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(3)]
    number = supervisor.take(lock=True).snapshot_id
    supervisor.further(
        supervisor.begin(RequestMoveInteractions(tenant_id=1, snapshot_id=number, queue="Other"))
    )
    node.restart()
    node.desktop("supervisor")
    queues = [each["Queue"] for each in supervisor.page(number).interactions.values()]
    assert queues == ["Other", "Other", "Inbound"]
    assert supervisor.move(number).number_of_interactions == 3
    assert locked(node) == set(ids)


def test_without_a_snapshot_nobody_is_kept_from_what_waits(
    node: TriedNode, supervisor: Snapping
) -> None:
    """Who has locked what is in `access`; others are refused, media servers are not."""
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    number = supervisor.take(lock=True).snapshot_id
    place = RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Done")
    with pytest.raises(RequestRefused, match=str(Code.LOCKED)):
        node.ask(router, place)
    node.ask(mail, place)
    assert locked(node) == {id}
    assert supervisor.move(number).errors == {id: Code.CHANGED_SINCE}
    supervisor.release(number)
    node.ask(router, place)
