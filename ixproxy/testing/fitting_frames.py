"""
Frames that fit the tenant of `ixproxy.testing.tenants`: something to do for a node under test.

Recorded frames name tenants and queues that no node has. These name a few
interactions, agents and sessions again and again, so that what is sent by
chance meets what was sent before.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.agents import BY_SERVER, AgentRequest
from ixproxy.messages.message import Message, Reason, Workbin
from ixproxy.values import ClientType
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from ixproxy.wire.rights import allowed

SESSIONS = tuple(bytes((0x40 + number,)) * 16 for number in range(6))
"""Client sessions that come again."""

IDS = ("a", "b", "c", "d", "e")
AGENTS = ("ann", "bob")
_IDS = dict.fromkeys(IDS, 1)
_DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="ann")
_WHY = Reason(reason_system_name="Why", reason_description="because", reason=7)


def registration(
    client_type: str, session: bytes = b"", incarnation: int = 1, reference: int = 0
) -> bytes:
    """The frame with which a client registers."""
    message = m.RequestRegisterClient(
        client_name=client_type.lower(),
        client_type=client_type,
        session=session,
        incarnation=incarnation,
    )
    return encode(message, reference=reference)


def login(agent_id: str) -> bytes:
    """The frame with which an agent logs in."""
    media = {"email": 1, "chat": 1}
    return encode(m.RequestAgentLogin(tenant_id=1, agent_id=agent_id, media_list=media))


def delivery(identifier: str, chance: random.Random) -> list[list[bytes]]:
    """
    One interaction on its way to an agent: what a media server sends, then a
    router, the same one again, and then whoever is an agent's client.
    """
    agent = chance.choice(AGENTS)
    about: dict[str, Any] = {"tenant_id": 1, "interaction_id": identifier}
    made = m.RequestSubmit(**about, media_type="email", queue="In")
    pull = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: 1})
    given = m.RequestDeliver(**about, agent_id=agent)
    other = next(each for each in AGENTS if each != agent)
    others: list[Message] = [
        m.RequestAccept(**about), m.RequestReject(**about), m.RequestIntrude(**about),
        m.RequestTransfer(**about, agent_id=other), m.RequestConference(**about, agent_id=other),
        m.RequestLeaveInteraction(**about), m.RequestStopProcessing(**about),
        m.RequestAgentLogout(tenant_id=1, agent_id=agent), m.RequestAccept(**about),
        m.RequestDoNotDisturbOff(tenant_id=1, agent_id=agent),
    ]  # fmt: skip
    mine = [encode(each) for each in chance.choices(others, k=chance.randrange(6))]
    return [[encode(made)], [encode(pull)], [encode(given)], mine]


def requests_of(client_type: str) -> list[bytes]:
    """Those that a client of this type may send, without an error to be expected of the wire."""
    behind = client_type == ClientType.PROXY
    return [
        encode(message, reference=at)
        for at, message in enumerate(_messages(), 1)
        if allowed(type(message), client_type, through_proxy=behind)
    ] + events_of(client_type)


def events_of(client_type: str) -> list[bytes]:
    """Events that a client of this type may have relayed, some of them about nobody."""
    return [
        encode(event)
        for event in _statuses()
        if allowed(type(event), client_type, through_proxy=False)
    ]


def fitting_frames(*, unfit: bool = True) -> list[bytes]:
    """
    All of them; the same at every call.

    :param unfit: also those with attributes that make no sense.
    """
    made = [encode(message) for message in _unfit()] if unfit else []
    made += [encode(message, reference=at) for at, message in enumerate(_messages(), 1)]
    made += [encode(message, reference=at, ttl=1) for at, message in enumerate(_pulls(), 1)]
    made += [write_frame(Kind.CANCEL, 0, reference=at) for at in (1, 2, 3)]
    made += [write_frame(Kind.PING, 0, reference=5)]
    made += events_of(ClientType.REPORTING_ENGINE)
    for at, client_type in enumerate((*ClientType, "Robot")):
        made.append(registration(client_type, SESSIONS[at % len(SESSIONS)], 1 + at % 3))
    return made


def _messages() -> Iterator[Message]:
    for _ in range(3):
        yield from _submits()
        yield from _pulls()
    yield from _works()
    yield from _agents()
    yield from _states()
    yield from _deliveries()
    yield from _streams()
    yield from _topics()
    yield from _reads()
    yield from _internal()


def _submits() -> Iterator[Message]:
    for number, media in enumerate(("email", "chat", "task", "fax", "letter")):
        yield m.RequestSubmit(
            tenant_id=1,
            media_type=media,
            queue=("In", "Second", "Nowhere")[number % 3],
            user_data={"Subject": media, "Priority": number, "Product": "x" * number},
        )
    for id in IDS:
        yield m.RequestSubmit(
            tenant_id=1, media_type="email", interaction_id=id, queue="In", reason=_WHY,
            in_queues={"Second": "next"}, user_data={"ExternalId": id, "handling-timeout": 1},
        )  # fmt: skip
    yield m.RequestSubmit(tenant_id=1, media_type="email", queue="In", submit_receipt="r1")
    yield m.RequestSubmit(tenant_id=1, media_type="email", workbin=_DRAFTS)
    for extreme in ({"Text": "long " * 2000}, {"Priority": 1e300}, {"Priority": 2**63 - 1},
                    {"ExternalId": "e" * 5000}, {"ServiceObjective": float("nan")}):  # fmt: skip
        yield m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data=extreme)


def _pulls() -> Iterator[Message]:
    for view in ("In/All", "In/Urgent", "Second/Chats", "In/None"):
        yield m.RequestPull(tenant_id=1, view_id=view, number_of_interactions=2)
    hold = {"pull-for-strategy": 1, "pull-hold-timeout": 5, "StrategyId": "s1"}
    for view in ("In/All", "Done/All", "Second/All"):
        yield m.RequestPull(tenant_id=1, view_id=view, extension=hold)
    yield m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters=_IDS)
    yield m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={"a": 1})
    many = {f"id{number}": 1 for number in range(50)}
    yield m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters=many)


def _works() -> Iterator[Message]:
    for id in IDS:
        yield m.RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="Second")
        yield m.RequestPlaceInQueue(
            tenant_id=1, interaction_id=id, queue="In", changed_properties={"Priority": 9}
        )
        yield m.RequestPlaceInWorkbin(tenant_id=1, interaction_id=id, workbin=_DRAFTS)
        yield m.RequestChangeProperties(
            tenant_id=1, interaction_id=id, reason=_WHY,
            added_properties={"New": [1, {"two": b"3"}]}, deleted_properties={"Subject": ""},
        )  # fmt: skip
        yield m.RequestHold(tenant_id=1, interaction_id=id)
        yield m.RequestResume(tenant_id=1, interaction_id=id)
        yield m.RequestLeaveInteraction(tenant_id=1, interaction_id=id)
        yield m.RequestSetInFocus(tenant_id=1, interaction_id=id)
        yield m.RequestGetInteractionProperties(tenant_id=1, interaction_id=id)
    yield m.RequestStopProcessing(tenant_id=1, interaction_id="a")
    yield m.RequestStopProcessing(tenant_id=1, interaction_id="b")
    yield m.RequestPlaceInQueue(tenant_id=1, interaction_id="c", queue="Nowhere")
    yield m.RequestPlaceInWorkbin(
        tenant_id=1, interaction_id="c", workbin=Workbin(workbin_type_id="Nothing")
    )
    yield m.RequestPlaceInWorkbin(
        tenant_id=1, interaction_id="c", workbin=Workbin(workbin_type_id="Team")
    )
    yield m.RequestChangeProperties(
        tenant_id=1, interaction_id="c", changed_properties={"SubmittedAt": 1}
    )
    yield m.RequestChangeProperties(
        tenant_id=1, interaction_id="c", added_properties={"k": 1}, changed_properties={"k": 2}
    )
    yield m.RequestChangeProperties(
        tenant_id=1, interaction_id="c", changed_properties={"Text": "long " * 1700}
    )


def _agents() -> Iterator[Message]:
    for at, agent in enumerate(AGENTS):

        def asked(kind: type[AgentRequest], agent: str = agent, **more: Any) -> Message:
            return kind(tenant_id=1, agent_id=agent, **more)

        for session in (None, (1, 101), (1_800_000_000_000 + at, 102), (2**63 - 1, 2**63 - 1)):
            for provisional in (False, True):
                yield asked(
                    m.RequestAgentLogin, place_id="p1", media_list={"email": 1, "chat": 0},
                    agent_session=session, provisional=provisional,
                )  # fmt: skip
            yield asked(
                m.RequestConfirmSession, place_id=f"p{at}", agent_session=session,
                media_list={"email": 1},
            )  # fmt: skip
        yield asked(m.RequestAgentLogin)
        yield asked(m.RequestAgentLogin)
        yield asked(m.RequestAgentLogout)
        yield asked(m.RequestAddMedia, media_type_name="task")
        yield asked(m.RequestRemoveMedia, media_type_name="task")
        yield asked(m.RequestNotReadyForMedia, media_type_name="email")
        yield asked(m.RequestCancelNotReadyForMedia, media_type_name="email")
        yield asked(m.RequestDoNotDisturbOn)


def _states() -> Iterator[Message]:
    """What agents say of themselves, with and without a session, and what no client may say."""
    by_server = {BY_SERVER: 1}
    kinds = (
        m.RequestDoNotDisturbOn, m.RequestDoNotDisturbOff, m.RequestChangeAgentStateReason,
        m.RequestAgentAvailable, m.RequestAgentNotAvailable, m.RequestAgentLogout,
    )  # fmt: skip
    of_media = (
        m.RequestAddMedia, m.RequestRemoveMedia, m.RequestNotReadyForMedia,
        m.RequestCancelNotReadyForMedia, m.RequestChangeMediaStateReason,
    )  # fmt: skip
    for agent in (*AGENTS, "nobody"):
        for kind in kinds:
            yield kind(tenant_id=1, agent_id=agent, reason=_WHY)
            yield kind(tenant_id=1, agent_id=agent, agent_session=(1, 101), extension=by_server)
        for name, media_kind in product(("email", "chat", "nothing"), of_media):
            yield media_kind(tenant_id=1, agent_id=agent, media_type_name=name, reason=_WHY)
    yield m.RequestAgentAvailable(tenant_id=1, agent_id="ann", media_list={"nothing": 1})
    yield m.RequestConfirmSession(
        tenant_id=1, agent_id="ann", agent_session=(3, 101), media_list={"email": 1},
        media_reasons={"email": _WHY, "nothing": _WHY}, state_reason=_WHY, donot_disturb=7,
    )  # fmt: skip


def _deliveries() -> Iterator[Message]:
    tickets = (0, 1, 20, 2**63 - 1)
    for at, id in enumerate(IDS):
        agent = AGENTS[at % 2]
        about: dict[str, Any] = {"tenant_id": 1, "interaction_id": id}
        yield m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={id: 1})
        targets: tuple[dict[str, Any], ...] = (
            {"agent_id": agent}, {"place_id": "p1"}, {"agent_id": "nobody"}, {},
        )  # fmt: skip
        for target in targets:
            yield m.RequestDeliver(**about, **target, reason=_WHY)
            yield m.RequestTransfer(**about, **target)
        yield m.RequestDeliver(**about, agent_id=agent, extension={"Note": "n" * 100 * at})
        for mode in ("Conference", "Coach", "Monitor", "", "Nonsense"):
            yield m.RequestConference(**about, agent_id=agent, visibility_mode=mode)
            yield m.RequestIntrude(**about, visibility_mode=mode)
        for ticket in tickets:
            yield m.RequestAccept(**about, ticket_id=ticket)
            yield m.RequestReject(**about, ticket_id=ticket, reason=_WHY)
        yield m.RequestAccept(**about)
        yield m.RequestLeaveInteraction(**about)


def _streams() -> Iterator[Message]:
    filters: tuple[dict[str, Any], ...] = (
        {}, {"Events": {"EventAgentLogin": 1}}, {"MediaTypes": {"email": 1, "nothing": 1}},
        {"Agents": ["ann"], "Places": {}},
    )  # fmt: skip
    tenants: tuple[dict[str, Any], ...] = ({}, {"1": 1}, {"a": "1", "b": 2})
    for named, wanted in product(tenants, filters):
        yield m.RequestStartPlaceAgentStateReportingAll(tenants=named, filter=wanted)
    for wanted in filters:
        for places, agents in ((["p1"], []), ([], ["ann", "bob"]), ([], [])):
            yield m.RequestStartPlaceAgentStateReporting(
                tenant_id=1, places=places, agents=agents, filter=wanted
            )
            yield m.RequestStopPlaceAgentStateReporting(tenant_id=1, places=places, agents=agents)
    yield m.RequestStartPlaceAgentStateReporting(tenant_id=2, places=["p1"])
    yield m.RequestStopPlaceAgentStateReportingAll()


def _unfit() -> Iterator[Message]:
    """What is well formed and refused by whoever makes streams."""
    kind = m.RequestStartPlaceAgentStateReportingAll
    for wanted in ({"Nonsense": 1}, {"Agents": 5}, {"Places": {"p" * 300: 1}}):
        yield kind(filter=wanted)
        yield m.RequestStartPlaceAgentStateReporting(tenant_id=1, agents=["ann"], filter=wanted)
    yield kind(tenants={"x": "nothing"})


def _topics() -> Iterator[Message]:
    for name in ("1@p1", "news", "2@p1", "n" * 300):
        yield m.RequestSubscribe(tenant_id=1, ps_topic_list={name: 1})
        yield m.RequestUnsubscribe(tenant_id=1, ps_topic_list={name: 1})
        yield m.RequestPublish(tenant_id=1, topic=name, user_data={"k": "v"})
        yield m.RequestNotify(tenant_id=1, topic=name)
    yield m.RequestSubscribe(tenant_id=1)
    yield m.RequestUnsubscribe(tenant_id=1)


def _statuses() -> Iterator[Message]:
    for agent, tenant in product((*AGENTS, "nobody"), (1, 2)):
        yield m.EventCurrentAgentStatus(tenant_id=tenant, agent_id=agent, place_id="p1")
        yield m.EventCurrentAgentStatus(
            tenant_id=tenant, agent_id=agent, agent_session=(1, 101), media_state_list={"x": 1}
        )


def _reads() -> Iterator[Message]:
    for condition in ("", "Priority > 1", "Product = 'x' OR _age() > 60", "((", "nonsense = 1"):
        yield m.RequestFindInteractions(tenant_id=1, condition=condition, order="Priority DESC")
    yield m.RequestFindInteractions(tenant_id=1, media_type="email", number_of_interactions=1)
    yield m.RequestFindInteractions(tenant_id=2, condition="Priority > 1")
    yield m.RequestGetWorkbinContent(tenant_id=1, workbin=_DRAFTS)
    yield m.RequestWorkbinTypesInfo(tenant_id=1)
    yield m.RequestTakeSnapshot(tenant_id=1)
    yield m.RequestPing()
    yield m.RequestUnregisterClient(proxy_client_id=1)


def _internal() -> Iterator[Message]:
    for id in IDS:
        yield m.RequestLocate(tenant_id=1, interaction_id=id)
        yield m.RequestCancelTake(tenant_id=1, interaction_id=id, take_number=3)
    yield m.RequestClientsGone(clients=[1, 2], application_name="desk")
