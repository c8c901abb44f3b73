from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy.messages import (
    EventTakenFromQueue,
    RequestCancelTake,
    RequestLeaveInteraction,
    Workbin,
)
from ixproxy.node.rows import PartyRow
from ixproxy.node.work import ConnectionLost, Goodbye, Registered, Sender
from ixproxy.values import PartyType
from tests.node.tried import TriedNode


def test_a_take_is_named_by_the_event_that_it_begins_with(node: TriedNode) -> None:
    mail, ann, router = node.media_server(), node.agent("Ann"), node.router()
    first, second = node.submit(mail), node.submit(mail)
    for sender, id, party_type in (
        (ann, first, PartyType.AGENT),
        (router, second, PartyType.STRATEGY),
    ):
        node.reported()
        numbers = node.pull_ids(sender, id)
        taken, added = node.reported()
        assert isinstance(taken, EventTakenFromQueue)
        assert numbers == {id: taken.event_number}
        assert taken.party is not None
        assert taken.party.party_type == added.party.party_type == party_type
        assert taken.queue == "Inbound"
        (party,) = node.parties(id)
        assert (party.take_number, party.party_type) == (numbers[id], party_type)


def test_what_is_taken_out_of_a_workbin_says_so_and_goes_back_there(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    drafts = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")
    before = node.kept(node.submit(mail, workbin=drafts))
    node.reported()
    node.pull_ids(ann, before.id)
    taken, out, added = node.reported()
    assert (taken.queue, out.workbin) == ("workbin:Drafts", drafts)
    assert type(added).__name__ == "EventPartyAdded"
    node.ask(ann, RequestLeaveInteraction(tenant_id=1, interaction_id=before.id))
    assert node.kept(before.id) == before
    assert node.names_reported() == [
        "EventPartyRemoved",
        "EventPlacedInQueue",
        "EventPlacedInWorkbin",
    ]


def with_second_party(node: TriedNode, id: str, sender: Sender) -> None:
    """Another party, as a conference will make it."""
    first = node.parties(id)[0]
    second = replace(first, session=sender.session, agent_id="Bob", take_number=999)
    node.store.begin()
    node.store.write([second], [])
    node.store.commit(node.core.last_event_number)


def test_while_others_stay_an_interaction_is_not_put_back(node: TriedNode) -> None:
    mail, ann, bob = node.media_server(), node.agent("Ann"), node.agent("Bob")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    with_second_party(node, id, bob)
    node.reported()
    node.ask(ann, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
    assert node.kept(id).state == 3
    assert [party.agent_id for party in node.parties(id)] == ["Bob"]
    assert node.names_reported() == ["EventPartyRemoved"]
    assert node.names_told(bob) == ["EventPartyRemoved"]
    assert node.told(ann) == []
    assert node.timer("handling", id) is not None
    node.ask(bob, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
    assert node.kept(id).state == 0


def test_one_of_several_parties_that_goes_silently_is_told_nothing(node: TriedNode) -> None:
    mail, ann, bob = node.media_server(), node.agent("Ann"), node.agent("Bob")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    with_second_party(node, id, bob)
    node.run(Goodbye(ann.session))
    assert node.told(ann) == []
    assert node.names_told(bob) == ["EventPartyRemoved"]


def test_one_of_several_parties_that_times_out_is_told(node: TriedNode) -> None:
    mail, ann, bob = node.media_server(), node.agent("Ann"), node.agent("Bob")
    id = node.submit(mail)
    node.pull_ids(ann, id)
    with_second_party(node, id, bob)
    node.run(ConnectionLost(ann.session))
    node.wait(61)
    assert node.names_told(ann) == ["EventRevoked"]
    assert node.names_told(bob) == ["EventPartyRemoved"]


ACTIONS = st.sampled_from(["pull", "pull 2", "leave", "cancel", "forget", "goodbye", "expire"])


@given(st.lists(st.tuples(ACTIONS, st.integers(0, 1), st.integers(0, 3)), max_size=14))
def test_whatever_is_taken_and_given_back_the_order_of_the_queue_stays(
    steps: list[tuple[str, int, int]],
) -> None:
    """Pulls, returns of every kind: rows go back as they were, and out in their order."""
    node = TriedNode()
    try:
        mail = node.media_server()
        rows = {}
        for _ in range(4):
            row = node.kept(node.submit(mail))
            rows[row.id] = row
            node.now += 1
        order = list(rows)
        routers = [node.router("ors-0"), node.router("ors-1")]
        held: list[dict[str, int]] = [{}, {}]
        for action, who, which in steps:
            node.now += 1
            router = routers[who]
            if action.startswith("pull"):
                limit = 2 if action.endswith("2") else 1
                taken = node.pull(router, number_of_interactions=limit)
                waiting = [id for id in order if id not in held[0] and id not in held[1]]
                assert list(taken) == waiting[:limit]
                held[who] |= taken
            elif action in ("leave", "cancel") and order[which] in held[who]:
                id = order[which]
                number = held[who].pop(id)
                if action == "leave":
                    node.ask(router, RequestLeaveInteraction(tenant_id=1, interaction_id=id))
                else:
                    cancel = RequestCancelTake(tenant_id=1, interaction_id=id, take_number=number)
                    node.ask(router, cancel)
            elif action == "forget":
                kept = dict(list(held[who].items())[which:])
                node.run(Registered(router, 1, kept))
                held[who] = kept
            elif action in ("goodbye", "expire"):
                if action == "goodbye":
                    node.run(Goodbye(router.session))
                else:
                    node.restart()
                    node.run(Registered(routers[1 - who], 1, held[1 - who]), Registered(mail))
                    node.wait(60)
                held[who] = {}
                routers[who] = node.router(f"ors-{who}")
            for id, row in rows.items():
                parties: list[PartyRow] = node.parties(id)
                owner = next((n for n in (0, 1) if id in held[n]), None)
                if owner is None:
                    assert (node.kept(id), parties) == (row, [])
                    assert node.timer("routing", id) is None
                else:
                    assert node.kept(id) == replace(row, state=2)
                    (party,) = parties
                    assert (party.session, party.take_number) == (
                        routers[owner].session,
                        held[owner][id],
                    )
                    assert node.timer("routing", id) is not None
    finally:
        node.discard()
