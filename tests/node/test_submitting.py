from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventInteractionSubmitted,
    RequestStopProcessing,
    RequestSubmit,
    Workbin,
)
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import Answer, Asked, Refuse
from ixproxy.values import ClientType, PartyType, interaction_id
from tests.node.tried import TriedNode


def submit(**more: Any) -> RequestSubmit:
    return RequestSubmit(**{"tenant_id": 1, "media_type": "email", "queue": "Inbound", **more})


def test_a_media_servers_submit_is_queued_and_stored_whole(node: TriedNode) -> None:
    mail = node.media_server()
    ack = node.ask(
        mail,
        submit(
            interaction_type="Inbound",
            interaction_subtype="New",
            is_online=True,
            received_at=5.5,
            user_data={"Subject": "hello", "nested": {"a": [1, 2]}},
            parent_interaction_id="parent",
            in_queues={"Other": "x"},
            out_queues={"Done": "y"},
        ),
    )
    assert ack.interaction_id == interaction_id(101, node.epoch, 1)
    assert ack.extension == {"InteractionId": ack.interaction_id}
    assert (ack.take_number, ack.repeated) == (0, False)
    row = node.kept(ack.interaction_id)
    assert (row.state, row.queue, row.queue_seq) == (0, "Inbound", 1)
    assert (row.type, row.subtype, row.is_online, row.received_at) == ("Inbound", "New", 1, 5.5)
    assert row.submitted_by == "mail-1"
    assert row.submitted_at == row.moved_to_queue_at == row.placed_in_queue_at == node.now
    assert row.parent_id == "parent"
    assert node.user_data(row.id) == {"Subject": "hello", "nested": {"a": [1, 2]}}
    assert msgspec.msgpack.decode(row.in_queues) == {"Other": "x"}
    assert msgspec.msgpack.decode(row.out_queues) == {"Done": "y"}
    assert node.parties(row.id) == []
    (event,) = node.reported()
    assert isinstance(event, EventInteractionSubmitted)
    assert event.event_number == node.core.last_event_number
    assert (event.dbid, event.event_time) == (101, node.now)
    assert (event.queue, event.interaction_id, event.media_type) == ("Inbound", row.id, "email")
    assert event.interaction["UserData"] == {"Subject": "hello", "nested": {"a": [1, 2]}}
    assert event.actor is not None
    assert event.actor.media_server == "mail-1"


def test_received_at_is_now_where_nobody_says_when(node: TriedNode) -> None:
    assert node.kept(node.submit(node.media_server())).received_at == node.now


def test_arrivals_in_queues_are_numbered_on_after_a_restart(node: TriedNode) -> None:
    mail = node.media_server()
    first, second = node.submit(mail), node.submit(mail, "Other")
    node.restart()
    third = node.submit(node.media_server())
    assert [node.kept(id).queue_seq for id in (first, second, third)] == [1, 2, 3]
    assert third == interaction_id(101, 2, 1)


def test_an_agents_submit_is_in_the_agents_hands(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.reported()
    ack = node.ask(ann, submit())
    row = node.kept(ack.interaction_id)
    assert (row.state, row.queue, row.assigned_to) == (3, "Inbound", "Ann")
    (party,) = node.parties(row.id)
    assert (party.agent_id, party.place_id, party.session) == ("Ann", "P-Ann", ann.session)
    assert party.party_type == PartyType.AGENT
    assert ack.take_number == party.take_number
    events = node.reported()
    assert [type(event).__name__ for event in events] == [
        "EventInteractionSubmitted",
        "EventPartyAdded",
    ]
    assert events[0].event_number == ack.take_number
    assert events[1].party.agent_id == "Ann"
    timer = node.timer("handling", row.id)
    assert timer is not None
    assert timer.due_at == node.now + 180 * 60


def test_an_agent_must_be_logged_in_to_submit(node: TriedNode) -> None:
    assert node.refusal(node.desktop(), submit()) == Code.AGENT_NOT_LOGGED_IN


def test_an_agent_whose_connection_is_gone_submits_nothing(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.restart()
    assert node.refusal(ann, submit()) == Code.NOT_REGISTERED


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"tenant_id": 9}, Code.UNKNOWN_TENANT),
        ({"media_type": "letter"}, Code.UNKNOWN_MEDIA_TYPE),
        ({"queue": "Nowhere"}, Code.UNKNOWN_QUEUE),
        ({"queue": ""}, Code.MISSING_VALUE),
        ({"queue": "workbin:Drafts"}, Code.UNKNOWN_QUEUE),
        (
            {"workbin": Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")},
            Code.BAD_ATTRIBUTE,
        ),
        ({"queue": "", "workbin": Workbin(workbin_type_id="None")}, Code.UNKNOWN_WORKBIN),
        ({"queue": "", "workbin": Workbin(workbin_type_id="Drafts")}, Code.UNKNOWN_OWNER),
    ],
)
def test_a_submit_to_what_is_not_there_is_refused(
    node: TriedNode, wrong: dict[str, object], code: int
) -> None:
    assert node.refusal(node.media_server(), submit(**wrong)) == code


def test_a_client_submits_for_its_own_tenants_only(node: TriedNode) -> None:
    mail = node.media_server(tenants=(2,))
    assert node.refusal(mail, submit()) == Code.NOT_ALLOWED


def test_a_disabled_media_type_is_for_media_servers_only(node: TriedNode) -> None:
    assert node.kept(node.submit(node.media_server(), media_type="fax")).media_type == "fax"
    assert node.refusal(node.agent(), submit(media_type="fax")) == Code.UNKNOWN_MEDIA_TYPE


def test_a_submit_into_a_workbin_lies_there(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail, workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann"))
    row = node.kept(id)
    assert (row.queue, row.workbin_type, row.workbin_agent) == ("workbin:Drafts", "Drafts", "Ann")
    assert node.names_reported() == ["EventInteractionSubmitted", "EventPlacedInWorkbin"]


def test_a_clients_own_id_is_kept_and_cannot_be_used_twice(node: TriedNode) -> None:
    mail = node.media_server()
    assert node.submit(mail, interaction_id="mine") == "mine"
    assert node.refusal(mail, submit(interaction_id="mine")) == Code.DUPLICATE_INTERACTION
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id="mine"))
    assert node.submit(mail, interaction_id="mine") == "mine"


def test_ids_that_the_node_may_yet_generate_are_not_for_clients(node: TriedNode) -> None:
    mail = node.media_server()
    for epoch in (node.epoch, node.epoch + 1):
        taken = interaction_id(101, epoch, 7)
        assert node.refusal(mail, submit(interaction_id=taken)) == Code.DUPLICATE_INTERACTION
    node.restart()
    mail = node.media_server()
    for free in (interaction_id(101, 1, 7), interaction_id(102, 9, 7), "00002T0002XXXXXXX"):
        assert node.submit(mail, interaction_id=free) == free


def test_two_submits_of_one_id_in_one_batch_make_one_interaction(node: TriedNode) -> None:
    mail = node.media_server()
    outcome = node.run(
        Asked(mail, submit(interaction_id="one"), 0, 1),
        Asked(mail, submit(interaction_id="one"), 0, 2),
    )
    effects = [each for each in outcome.effects if isinstance(each, Answer | Refuse)]
    assert isinstance(effects[0], Answer)
    assert isinstance(effects[1], Refuse)
    assert effects[1].code == Code.DUPLICATE_INTERACTION


def test_user_data_may_not_be_larger_than_the_option(
    make_node: Callable[..., TriedNode],
) -> None:
    node = make_node(max_userdata_size=1024)
    mail = node.media_server()
    fits = {"a": "x" * (1024 - len(msgspec.msgpack.encode({"a": ""})) - 2)}
    assert len(msgspec.msgpack.encode(fits)) == 1024
    node.submit(mail, user_data=fits)
    fits["a"] += "x"
    assert node.refusal(mail, submit(user_data=fits)) == Code.USER_DATA_TOO_LARGE


def test_a_parent_named_twice_is_refused_unless_that_is_allowed(
    make_node: Callable[..., TriedNode],
) -> None:
    twice = submit(parent_interaction_id="A", user_data={"ParentId": "B"})
    node = make_node()
    assert node.refusal(node.media_server(), twice) == Code.DUPLICATE_KEY
    lenient = make_node(allow_duplicates_in_submit=True)
    ack = lenient.ask(lenient.media_server(), twice)
    assert lenient.kept(ack.interaction_id).parent_id == "A"


def test_entering_a_completed_queue_is_stamped(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(completed_queues=("Done",))
    mail = node.media_server()
    assert node.kept(node.submit(mail, "Done")).completed_at == node.now
    assert node.kept(node.submit(mail, "Other")).completed_at is None


def test_a_repeated_receipt_gets_the_first_id_and_no_events(node: TriedNode) -> None:
    mail = node.media_server()
    first = node.ask(mail, submit(submit_receipt="doc-1", user_data={"n": 1}))
    node.reported()
    again = node.ask(mail, submit(submit_receipt="doc-1", user_data={"n": 2}, queue="Other"))
    assert again.interaction_id == first.interaction_id
    assert again.extension == {"InteractionId": first.interaction_id}
    assert (first.repeated, again.repeated) == (False, True)
    assert node.reported() == []
    assert node.user_data(first.interaction_id) == {"n": 1}


def test_a_receipt_outlives_the_interaction_and_a_restart(node: TriedNode) -> None:
    mail = node.media_server()
    first = node.submit(mail, submit_receipt="doc-1")
    node.ask(mail, RequestStopProcessing(tenant_id=1, interaction_id=first))
    node.restart()
    ack = node.ask(node.media_server(), submit(submit_receipt="doc-1"))
    assert (ack.interaction_id, ack.repeated) == (first, True)
    assert node.row(first) is None


def test_a_receipt_belongs_to_tenant_and_submitter(node: TriedNode) -> None:
    mail, other = node.media_server(), node.media_server("mail-2")
    ids = {
        node.submit(mail, submit_receipt="doc"),
        node.submit(other, submit_receipt="doc"),
        node.submit(mail, submit_receipt="doc", tenant_id=2),
        node.submit(mail, submit_receipt="dok"),
    }
    assert len(ids) == 4
    twin = node.media_server("mail-1", session=b"another session.")
    assert node.ask(twin, submit(submit_receipt="doc")).repeated


def test_a_refused_submit_leaves_no_receipt(node: TriedNode) -> None:
    mail = node.media_server()
    assert node.refusal(mail, submit(queue="Nowhere", submit_receipt="doc")) == Code.UNKNOWN_QUEUE
    assert not node.ask(mail, submit(submit_receipt="doc")).repeated


def test_an_agents_repeat_names_the_take_that_it_still_has(node: TriedNode) -> None:
    ann = node.agent("Ann")
    first = node.ask(ann, submit(submit_receipt="doc"))
    again = node.ask(ann, submit(submit_receipt="doc"))
    assert again.take_number == first.take_number > 0
    node.ask(ann, RequestStopProcessing(tenant_id=1, interaction_id=first.interaction_id))
    assert node.ask(ann, submit(submit_receipt="doc")).take_number == 0


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["mail-1", "mail-2"]),
            st.sampled_from(["", "a", "b"]),
            st.sampled_from([0.0, 1.0, 1800.0, 3599.0, 3600.0]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_a_receipt_gives_one_interaction_within_its_retention(
    steps: list[tuple[str, str, float, bool]],
) -> None:
    node = TriedNode(NodeSettings(submit_receipt_retention=1))
    given_out: dict[tuple[str, str], tuple[str, float]] = {}
    try:
        for name, receipt, pause, restart in steps:
            node.wait(pause)
            if restart:
                node.restart()
            sender = node.client(name, ClientType.MEDIA_SERVER)
            ack = node.ask(sender, submit(submit_receipt=receipt))
            known = given_out.get((name, receipt))
            if receipt and known and node.now - known[1] < 3600:
                assert (ack.interaction_id, ack.repeated) == (known[0], True)
            else:
                assert not ack.repeated
                assert ack.interaction_id not in {id for id, _ in given_out.values()}
                given_out[name, receipt] = (ack.interaction_id, node.now)
    finally:
        node.discard()
