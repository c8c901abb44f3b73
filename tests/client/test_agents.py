from __future__ import annotations

from collections.abc import Callable

from ixproxy import messages as m
from ixproxy.client.agents import LoggedIn
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.registration import MAX_AGENT_SESSIONS

WHO = {"tenant_id": 1, "agent_id": "anna"}
STAMP, NEWER = (5, 101), (6, 102)
LOGIN = m.RequestAgentLogin(**WHO, place_id="p1", media_list={"email": 1, "chat": 0})  # type: ignore[arg-type]
ACK = m.EventAck(agent_session=STAMP)


def logged_in() -> LoggedIn:
    agents = LoggedIn()
    agents.answered(LOGIN, ACK)
    return agents


def media_of(agents: LoggedIn) -> dict[str, int]:
    [login] = agents.logins()
    return login.media_list


def forced(operation: str, **more: object) -> m.EventForcedAgentStateChange:
    return m.EventForcedAgentStateChange(
        **WHO,  # type: ignore[arg-type]
        agent_session=STAMP,
        agent_state_change_operation=operation,
        **more,  # type: ignore[arg-type]
    )


def test_an_agent_is_logged_in_again_by_the_name_of_its_session() -> None:
    agents = logged_in()
    agents.answered(m.RequestHold(tenant_id=1, interaction_id="A"), m.EventAck())
    [login] = agents.logins()
    assert login == m.RequestAgentLogin(
        **WHO,  # type: ignore[arg-type]
        place_id="p1",
        agent_session=STAMP,
        media_list={"email": 1, "chat": 0},
    )


def test_its_media_are_those_that_it_has_by_now() -> None:
    agents = logged_in()
    media = {**WHO, "media_type_name": "task"}
    agents.answered(m.RequestAddMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents) == {"email": 1, "chat": 0, "task": 0}
    agents.answered(m.RequestCancelNotReadyForMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 1
    agents.answered(m.RequestAddMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 1
    agents.answered(m.RequestNotReadyForMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents)["task"] == 0
    agents.answered(m.RequestChangeMediaStateReason(**media), ACK)  # type: ignore[arg-type]
    agents.answered(m.RequestRemoveMedia(**media), ACK)  # type: ignore[arg-type]
    assert media_of(agents) == {"email": 1, "chat": 0}


def test_a_login_to_the_same_session_adds_its_media_and_one_to_a_new_session_begins_anew() -> None:
    agents = logged_in()
    more = m.RequestAgentLogin(**WHO, media_list={"chat": 11, "task": 0})  # type: ignore[arg-type]
    agents.answered(more, ACK)
    assert media_of(agents) == {"email": 1, "chat": 1, "task": 0}
    agents.answered(more, m.EventAck(agent_session=NEWER))
    assert media_of(agents) == {"chat": 1, "task": 0}
    assert agents.logins()[0].agent_session == NEWER


def test_whoever_logs_out_is_not_logged_in_again() -> None:
    agents = logged_in()
    agents.answered(m.RequestAgentLogout(**WHO), m.EventAck())  # type: ignore[arg-type]
    agents.answered(m.RequestAgentLogout(**WHO), m.EventAck())  # type: ignore[arg-type]
    assert agents.logins() == []


def test_what_the_server_changes_is_followed() -> None:
    agents = logged_in()
    change = forced("ReadyForMedia", media_type_name="chat", media_list={"email": 0, "chat": 1})
    agents.event_received(change)
    assert media_of(agents) == {"email": 0, "chat": 1}
    agents.event_received(m.EventTopic())
    agents.event_received(m.EventForcedAgentStateChange(tenant_id=1, agent_id="bert"))
    assert len(agents.logins()) == 1
    agents.event_received(forced("Logout"))
    assert agents.logins() == []


def test_a_logout_of_an_older_session_is_not_that_of_the_newer() -> None:
    agents = LoggedIn()
    agents.answered(LOGIN, m.EventAck(agent_session=NEWER))
    agents.event_received(forced("Logout"))
    assert len(agents.logins()) == 1


def test_an_agent_that_cannot_be_logged_in_again_is_logged_out_and_that_is_told_once() -> None:
    agents = logged_in()
    [login] = agents.logins()
    told = agents.refused(login)
    assert told == forced("Logout", place_id="p1", media_list={"email": 1, "chat": 0})
    assert agents.logins() == []
    assert agents.refused(login) is None
    agents.answered(LOGIN, ACK)
    assert agents.refused(login) is None
    assert len(agents.logins()) == 1


REASON = m.Reason(reason_system_name="Lunch")


def said(agents: LoggedIn) -> list[str]:
    """What is to be repeated, as class and media type."""
    return [
        f"{type(each).__name__} {getattr(each, 'media_type_name', '')}".strip()
        for each in agents.said()
    ]


def of(kind: type[AgentRequest], **more: object) -> AgentRequest:
    return kind(**WHO, **more)  # type: ignore[arg-type]


def test_reasons_and_do_not_disturb_are_repeated_in_the_order_in_which_they_were_said() -> None:
    agents = logged_in()
    for request in (
        of(m.RequestNotReadyForMedia, media_type_name="email", reason=REASON),
        of(m.RequestChangeAgentStateReason, reason=REASON),
        of(m.RequestDoNotDisturbOn),
        of(m.RequestAgentAvailable),
        of(m.RequestChangeMediaStateReason, media_type_name="chat", reason=REASON),
        of(m.RequestDoNotDisturbOn),
    ):
        agents.answered(request, ACK)
    assert said(agents) == [
        "RequestNotReadyForMedia email",
        "RequestChangeAgentStateReason",
        "RequestAgentAvailable",
        "RequestChangeMediaStateReason chat",
        "RequestDoNotDisturbOn",
    ]
    for request in agents.said():
        assert agents.still_said(request)
        agents.answered(request, ACK)
    assert len(agents.said()) == 5


def test_what_is_taken_back_or_over_is_not_repeated() -> None:
    agents = logged_in()
    for request in (
        of(m.RequestDoNotDisturbOn),
        of(m.RequestDoNotDisturbOff),
        of(m.RequestAgentAvailable),
        of(m.RequestAgentNotAvailable),
        of(m.RequestChangeMediaStateReason, media_type_name="email", reason=REASON),
        of(m.RequestCancelNotReadyForMedia, media_type_name="email"),
        of(m.RequestChangeMediaStateReason, media_type_name="chat", reason=REASON),
        of(m.RequestRemoveMedia, media_type_name="chat"),
        of(m.RequestAddMedia, media_type_name="task"),
    ):
        agents.answered(request, ACK)
    assert said(agents) == []


def test_what_was_said_of_an_agent_ends_with_its_session_but_for_work_elsewhere() -> None:
    ends: list[Callable[[LoggedIn], object]] = [
        lambda agents: agents.answered(of(m.RequestAgentLogout), ACK),
        lambda agents: agents.event_received(forced("Logout")),
        lambda agents: agents.refused(agents.logins()[0]),
        lambda agents: agents.answered(LOGIN, m.EventAck(agent_session=NEWER)),
    ]
    for end in ends:
        agents = logged_in()
        agents.answered(of(m.RequestDoNotDisturbOn), ACK)
        agents.answered(of(m.RequestAgentAvailable), ACK)
        agents.answered(LOGIN, ACK)
        assert len(agents.said()) == 2
        end(agents)
        assert said(agents) == ["RequestAgentAvailable"]


def test_what_the_server_changed_is_not_repeated_over_it() -> None:
    agents = logged_in()
    agents.answered(of(m.RequestDoNotDisturbOn), ACK)
    reason = of(m.RequestChangeMediaStateReason, media_type_name="chat", reason=REASON)
    agents.answered(reason, ACK)
    agents.event_received(forced("Ready", media_type_name="chat", media_list={"chat": 1}))
    assert said(agents) == ["RequestDoNotDisturbOn"]
    agents.event_received(forced("Something"))
    assert said(agents) == ["RequestDoNotDisturbOn"]
    agents.event_received(forced("DoNotDisturbOff"))
    assert said(agents) == []
    agents.event_received(forced("DoNotDisturbOn"))
    assert agents.said() == [of(m.RequestDoNotDisturbOn)]


def test_the_reasons_that_another_connection_gave_are_followed() -> None:
    agents = logged_in()
    for operation in ("MediaStateReasonChanged", "NotReadyForMedia"):
        media = {"media_type_name": "email", "media_list": {"email": 0}}
        agents.event_received(forced(operation, reason=REASON, **media))
        email = of(m.RequestChangeMediaStateReason, media_type_name="email", reason=REASON)
        assert agents.said() == [email]
    agents.event_received(forced("AgentStateReasonChanged", reason=REASON))
    assert agents.said() == [email, of(m.RequestChangeAgentStateReason, reason=REASON)]
    agents.event_received(forced("AgentStateReasonChanged"))
    agents.event_received(
        forced("MediaRemoved", media_type_name="email", reason=REASON, media_list={})
    )
    assert agents.said() == []
    added = {"media_type_name": "task", "media_list": {"task": 0}}
    agents.event_received(forced("MediaAdded", reason=REASON, **added))
    assert agents.said() == [], "the reason of the addition is not that of the state"


def test_what_a_node_did_by_itself_is_followed_likewise() -> None:
    agents = logged_in()
    change = {"media_type_name": "email", "media_list": {"email": 0, "chat": 0}}
    agents.event_received(forced("NotReadyForMedia", by_server=True, **change))
    assert media_of(agents) == {"email": 0, "chat": 0}
    agents.event_received(forced("Logout", by_server=True))
    assert agents.logins() == []


def test_several_agents_are_told_apart() -> None:
    agents = logged_in()
    bert = {"tenant_id": 1, "agent_id": "bert"}
    agents.answered(m.RequestAgentLogin(**bert), ACK)  # type: ignore[arg-type]
    agents.answered(m.RequestDoNotDisturbOn(**bert), ACK)  # type: ignore[arg-type]
    agents.answered(of(m.RequestDoNotDisturbOff), ACK)
    assert [login.agent_id for login in agents.logins()] == ["anna", "bert"]
    assert [request.agent_id for request in agents.said()] == ["bert"]
    agents.answered(m.RequestAgentLogout(**bert), ACK)  # type: ignore[arg-type]
    assert agents.said() == []


def test_what_cannot_be_said_again_is_forgotten() -> None:
    agents = logged_in()
    request = of(m.RequestDoNotDisturbOn)
    agents.answered(request, ACK)
    agents.not_repeated(of(m.RequestDoNotDisturbOn))
    assert len(agents.said()) == 1
    agents.not_repeated(request)
    assert agents.said() == []
    assert not agents.still_said(request)


def test_a_login_is_repeated_as_it_is_by_now_and_not_when_it_is_over() -> None:
    agents = logged_in()
    [login] = agents.logins()
    agents.answered(of(m.RequestAddMedia, media_type_name="task"), ACK)
    current = agents.current(login)
    assert current is not None
    assert "task" in current.media_list
    agents.answered(LOGIN, m.EventAck(agent_session=NEWER))
    assert agents.current(login) is None


def test_sessions_are_named_by_their_stamps_if_all_can_be() -> None:
    agents = logged_in()
    assert agents.stamps() == [STAMP]
    for number in range(MAX_AGENT_SESSIONS):
        other = m.RequestAgentLogin(tenant_id=1, agent_id=f"other-{number}")
        agents.answered(other, m.EventAck(agent_session=(number, 102)))
    assert agents.stamps() is None
    agents.answered(m.RequestAgentLogout(tenant_id=1, agent_id="other-0"), m.EventAck())
    assert len(agents.stamps() or ()) == MAX_AGENT_SESSIONS
    agents.answered(m.RequestAgentLogin(tenant_id=1, agent_id="other-1"), m.EventAck())
    assert agents.stamps() is None, "it has no name"
