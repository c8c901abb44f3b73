"""What is said in a storm: requests and events, by chance."""

from __future__ import annotations

from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Message
from ixproxy.values import interaction_id
from tests.core.rig import TENANT

IDS = ("a", "b", "münze", interaction_id(101, 1, 7), interaction_id(102, 1, 7))
AGENTS = ("ann", "bob")
LONG = "x" * 300
ASKED = "asked"
"""In the extension of what both clients and the proxy ask of nodes: a client did."""


def some_request(chance: Random) -> Message:
    """Something that a client asks."""
    named: Any = {"tenant_id": TENANT, "interaction_id": chance.choice(IDS)}
    agent: Any = {"tenant_id": TENANT, "agent_id": chance.choice(AGENTS)}
    media: Any = {**agent, "media_type_name": chance.choice(("email", "chat"))}
    view: Any = {"tenant_id": TENANT, "view_id": "In/All"}
    taken: Any = {"tenant_id": TENANT, "snapshot_id": chance.randrange(1, 12)}
    several = dict.fromkeys(chance.sample((*IDS, LONG), chance.randrange(4)), 1)
    requests: list[Message] = [
        m.RequestGetInteractionProperties(**named),
        m.RequestChangeProperties(**named, changed_properties={"k": 1}),
        m.RequestStopProcessing(**named),
        m.RequestPlaceInQueue(**named, queue="Q1"),
        m.RequestAccept(**named, ticket_id=3),
        m.RequestTransfer(**named, agent_id="bob"),
        m.RequestPull(**view),
        m.RequestPull(**view, extension={"pull-for-strategy": 1}),
        m.RequestPull(tenant_id=TENANT, view_id="_system_", pull_parameters=several),
        m.RequestFindInteractions(tenant_id=TENANT, condition="x = 1"),
        m.RequestWorkbinTypesInfo(tenant_id=TENANT),
        m.RequestSubmit(tenant_id=TENANT, media_type="email", queue="Q1"),
        m.RequestSubmit(
            tenant_id=TENANT,
            media_type="email",
            queue="Q1",
            interaction_id=chance.choice(IDS),
            submit_receipt="r",
        ),
        m.RequestAgentLogin(**agent, place_id="p", media_list={"email": 1}),
        m.RequestAgentLogin(**agent),
        m.RequestAgentLogout(**agent),
        m.RequestAddMedia(**media),
        m.RequestNotReadyForMedia(**media),
        m.RequestChangeMediaStateReason(**media, reason=m.Reason(reason=chance.randrange(3))),
        m.RequestDoNotDisturbOn(**agent),
        m.RequestAgentAvailable(**agent),
        m.RequestAgentNotAvailable(**agent),
        m.RequestSubscribe(tenant_id=TENANT, ps_topic_list={chance.choice(IDS): 1}),
        m.RequestUnsubscribe(tenant_id=TENANT),
        m.RequestPublish(tenant_id=TENANT, topic=chance.choice(IDS)),
        m.RequestTakeSnapshot(tenant_id=TENANT, lock=True),
        m.RequestTakeSnapshot(tenant_id=TENANT),
        m.RequestGetSnapshotInteractions(**taken, start_from=chance.randrange(5)),
        m.RequestLockInteraction(**taken, interaction_id=named["interaction_id"]),
        m.RequestMoveInteractions(**taken, queue="Q2"),
        m.RequestReleaseSnapshot(**taken, extension={ASKED: 1}),
        m.RequestLocate(**named),
        m.RequestCancelTake(**named, take_number=3),
        m.RequestConfirmSession(**agent, agent_session=(chance.randrange(9), 101)),
    ]
    return chance.choice(requests)


def about_snapshots(chance: Random, answer: str) -> Message | None:
    """What a node answers to a request about a snapshot; None: it is about something else."""
    some = {name: {"k": 1} for name in chance.sample(IDS, chance.randrange(3))}
    match answer:
        case "EventSnapshotTaken":
            number = chance.randrange(1, 100)
            return m.EventSnapshotTaken(snapshot_id=number, number_of_interactions=len(some))
        case "EventSnapshotInteractions":
            return m.EventSnapshotInteractions(interactions=some, errors={"c": 43})
        case "EventInteractionMoved":
            return m.EventInteractionMoved(number_of_interactions=1, errors=dict.fromkeys(some, 43))
    return None


def some_event(chance: Random) -> Message:
    """Something that happened, by a node's word."""
    named: Any = {"tenant_id": TENANT, "interaction_id": chance.choice(IDS)}
    message: Message = chance.choice((m.EventPropertiesChanged, m.EventRevoked))(**named)
    if chance.random() < 0.5:
        message = m.EventForcedAgentStateChange(
            tenant_id=TENANT,
            agent_id=chance.choice(AGENTS),
            agent_session=chance.choice((None, (chance.randrange(1, 9), 101))),
            media_type_name="email",
            agent_state_change_operation=chance.choice(
                ("Logout", "ReadyForMedia", "NotReadyForMedia", "DoNotDisturbOn", "Dance")
            ),
            by_server=chance.random() < 0.5,
        )
    return message
